import { printable } from "../../base/index.ts";
import { type AccessRequest, check, type Grants } from "../../capabilities/index.ts";

/** Refusals of one workload that are told apart. */
const mostTold = 100;

/** Tells the operator what guests of a workload are refused, each thing once, and what would allow it. */
export class Refusals {
  readonly #name: string;
  readonly #grants: Grants;
  readonly #tell: (line: string) => void;
  readonly #told = new Set<string>();

  constructor(name: string, grants: Grants, tell: (line: string) => void) {
    this.#name = name;
    this.#grants = grants;
    this.#tell = tell;
  }

  /** Tells of one, unless it was told. */
  tell(request: AccessRequest): void {
    // A guest may ask for something else each time.
    if (this.#told.size > mostTold) return;
    const verdict = check(this.#grants, request);
    if (verdict.allowed || this.#told.has(verdict.reason)) return;
    this.#told.add(verdict.reason);
    const { reason, fix } = verdict;
    const isLast = this.#told.size > mostTold;
    const instead = fix.replaces === undefined ? "" : ` instead of ${fix.replaces}`;
    const line = isLast ? "and more than is told here" : `${reason} (hint: allow it with ${fix.flag}${instead})`;
    this.#tell(`${this.#name} was refused what its grants do not cover: ${printable(line)}`);
  }
}
