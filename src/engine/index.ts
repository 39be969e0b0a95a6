export { type CompileOptions, compileGuest, type GuestModule } from "./guest-module.ts";
export { Guest, type GuestOptions, type RunResult } from "./guest.ts";
export { runWithDeadline } from "./deadline.ts";
export { explainRefusal } from "./refusal.ts";
export { run, type RunEnding, type RunLimits, type RunReport, type RunRequest } from "./run.ts";
export type { Frame } from "./trap.ts";
