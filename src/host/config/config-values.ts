import type { Grants } from "../../capabilities/index.ts";
import type { Observer } from "../observer.ts";

/** The configuration values that a workload was granted. */
export class ConfigValues {
  readonly #values: Grants["config"];
  readonly #observer: Observer;

  constructor(values: Grants["config"], observer: Observer) {
    this.#values = values;
    this.#observer = observer;
  }

  /** The value of a key; undefined without a grant for it, of which the observer hears. */
  get(key: string): string | undefined {
    const request = { capability: "config", name: key } as const;
    if (!Object.hasOwn(this.#values, key)) {
      this.#observer.refused(request);
      return undefined;
    }
    if (this.#observer.isLearning) this.#observer.used(request);
    return this.#values[key];
  }

  /** All keys and values that were granted. */
  all(): [key: string, value: string][] {
    const entries = Object.entries(this.#values);
    if (this.#observer.isLearning) for (const [name] of entries) this.#observer.used({ capability: "config", name });
    return entries;
  }
}
