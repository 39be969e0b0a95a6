import type { RunReport, RunRequest } from "./run.ts";

// Ways to run that few modules need: their code is read and set up when the first of those comes.

/** Runs a module that starts threads to its end; see `threads/run-threads.ts`. */
export async function runThreads(request: RunRequest, timeout?: number): Promise<RunReport> {
  const late = await import("./late-ways.ts");
  return late.runThreads(request, timeout);
}

/** Calls a function of a component; see `component/run-component.ts`. */
export async function runComponent(request: RunRequest, timeout?: number): Promise<RunReport> {
  const late = await import("./late-ways.ts");
  return late.runComponent(request, timeout);
}

/** Runs a module that uses the network to its end; see `run-waiting.ts`. */
export async function runWaiting(request: RunRequest, timeout?: number): Promise<RunReport> {
  const late = await import("./late-ways.ts");
  return late.runWaiting(request, timeout);
}

/** Has the cache know a component; see `component/run-component.ts`. */
export async function keepComponent(request: RunRequest, timeout?: number): Promise<void> {
  const late = await import("./late-ways.ts");
  late.keepComponent(request, timeout);
}
