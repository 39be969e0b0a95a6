import { printable } from "../../base/index.ts";
import { type AccessRequest, check, type Grants } from "../../capabilities/index.ts";

/** Refusals of one workload that are told apart. */
const mostTold = 100;
/** How long a refusal that has a line in the audit log is counted before it has another, in ms. */
const counting = 1000;

/** Who hears of refusals. */
export interface RefusalListeners {
  /** The operator: each thing once, and what would allow it. */
  readonly tell: (line: string) => void;
  /** The audit log: each time, but that what comes many times in a second is counted. Nobody where there is none. */
  readonly audit: ((entry: AuditEntry) => void) | undefined;
}

/** What the audit log has of a refusal. */
export interface AuditEntry {
  readonly time: string;
  readonly workload: string;
  readonly reason: string;
  /** The flag that would allow it. */
  readonly fix?: string | undefined;
  readonly replaces?: string | undefined;
  /** How often it came, where that is more than once. */
  readonly count?: number | undefined;
}

/** Tells what guests of a workload are refused. */
export class Refusals {
  readonly #name: string;
  readonly #grants: Grants;
  readonly #listeners: RefusalListeners;
  readonly #told = new Set<string>();
  /** Those that came within this second, and how often again. */
  readonly #again = new Map<string, { readonly entry: AuditEntry; count: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, grants: Grants, listeners: RefusalListeners) {
    this.#name = name;
    this.#grants = grants;
    this.#listeners = listeners;
  }

  /** Takes one. */
  tell(request: AccessRequest): void {
    const { tell, audit } = this.#listeners;
    // A guest may ask for something else each time.
    const isDone = this.#told.size > mostTold;
    if (isDone && audit === undefined) return;
    const verdict = check(this.#grants, request);
    if (verdict.allowed) return;
    const { reason, fix } = verdict;
    if (audit !== undefined) this.#write(audit, { reason, fix: fix.flag, replaces: fix.replaces, ...request });
    if (isDone || this.#told.has(reason)) return;
    this.#told.add(reason);
    const isLast = this.#told.size > mostTold;
    const instead = fix.replaces === undefined ? "" : ` instead of ${fix.replaces}`;
    const line = isLast ? "and more than is told here" : `${reason} (hint: allow it with ${fix.flag}${instead})`;
    tell(`${this.#name} was refused what its grants do not cover: ${printable(line)}`);
  }

  #write(audit: (entry: AuditEntry) => void, about: Omit<AuditEntry, "time" | "workload" | "count">): void {
    // What a guest makes up anew each time is one thing beyond the first many.
    const { reason } = this.#again.size < mostTold || this.#again.has(about.reason) ? about : manyMore;
    const known = this.#again.get(reason);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    const whole = reason === about.reason ? about : manyMore;
    const entry = { time: new Date().toISOString(), workload: this.#name, ...whole };
    this.#again.set(reason, { entry, count: 0 });
    audit(entry);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const all = [...this.#again.values()];
      this.#again.clear();
      const time = new Date().toISOString();
      for (const each of all) if (each.count > 0) audit({ ...each.entry, time, count: each.count });
    }, counting).unref();
  }
}

const manyMore = { reason: "more things than are told apart within a second" };
