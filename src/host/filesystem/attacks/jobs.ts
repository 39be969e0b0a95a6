import type { AttackReport, Setting } from "./attack.ts";

/** Asks a thread or process to issue an attack once in each world. */
export interface IssueJob {
  readonly task: "issue";
  readonly attack: string;
  readonly runs: readonly { readonly base: string; readonly setting: Setting }[];
}

/** Asks a thread to read from the world's FIFO as a guest, which blocks it. */
export interface BlockJob {
  readonly task: "block";
  readonly base: string;
  readonly setting: Setting;
}

/** Asks a rival to rename until a file named `stop` lies in the world's base. */
export interface RivalJob {
  readonly task: "rival";
  readonly base: string;
  readonly renames: readonly (readonly [string, string])[];
}

/** What comes back: a run is about to begin, its report, or that a rival began or ended. */
export type JobMessage =
  | { readonly kind: "issued" }
  | { readonly kind: "report"; readonly report: AttackReport }
  | { readonly kind: "started" | "stopped" | "blocked" };

/** What threads and processes take. */
export type Job = IssueJob | BlockJob | RivalJob;
