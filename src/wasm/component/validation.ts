import { SampanError } from "../../base/index.ts";
import type { ComponentFeature } from "./definitions.ts";
import { TypeFacts } from "./facts.ts";

/** Additions that are taken without being asked for; the others have to be allowed by name. */
export const defaultFeatures: readonly ComponentFeature[] = [
  "async-builtins",
  "error-context",
  "fixed-length-lists",
  "stackful-lift",
  "threads",
];

/** How deep components, and component and instance types, may be nested. */
const mostNested = 100;

/** What one decoding shares between all nested components: what is allowed, and where the reader is. */
export class Validation {
  readonly facts = new TypeFacts();
  readonly #features: ReadonlySet<ComponentFeature>;
  readonly #path: string[] = [];
  #depth = 0;

  constructor(features: Iterable<ComponentFeature> = defaultFeatures) {
    this.#features = new Set(features);
  }

  /** Whether an addition is allowed. */
  allows(feature: ComponentFeature): boolean {
    return this.#features.has(feature);
  }

  /**
   * Refuses what needs an addition that is not allowed.
   *
   * @throws COMPONENT_FEATURE
   */
  need(feature: ComponentFeature, what: string): void {
    if (this.allows(feature)) return;
    throw new SampanError("COMPONENT_FEATURE", `Cannot use the component: ${this.#where()}${what} needs "${feature}"`, {
      hint: `Allow the feature "${feature}", or build the component without it`,
      data: { feature },
    });
  }

  /** Runs `work` with a step added to the path that messages show. */
  at<Result>(step: string, work: () => Result): Result {
    this.#path.push(step);
    const result = work();
    // Left as it is when `work` throws: the path is for the message that is on its way.
    this.#path.pop();
    return result;
  }

  /**
   * Runs `work` one level deeper.
   *
   * @throws WASM_FEATURE where that is too deep
   */
  nested<Result>(work: () => Result): Result {
    this.#depth += 1;
    if (this.#depth > mostNested) {
      throw new SampanError("WASM_FEATURE", `Cannot read the component: it is nested deeper than ${mostNested}`);
    }
    const result = work();
    this.#depth -= 1;
    return result;
  }

  /** The error for a rule of the component model that is broken at the current place. */
  invalid(problem: string): SampanError {
    return new SampanError("COMPONENT_INVALID", `Cannot use the component: ${this.#where()}${problem}`, {
      data: { path: [...this.#path] },
    });
  }

  /** The item at an index of a space; refuses an index that nothing has. */
  item<Item>(list: readonly Item[], index: number, what: string): Item {
    const item = list[index];
    if (item === undefined) throw this.invalid(`${what} ${index} does not exist, ${list.length} do`);
    return item;
  }

  #where(): string {
    return this.#path.length === 0 ? "" : `${this.#path.join(" › ")}: `;
  }
}
