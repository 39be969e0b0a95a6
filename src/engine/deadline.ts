import { formatDuration, SampanError } from "../base/index.ts";
import type { AccessRequest } from "../capabilities/index.ts";
import type { RunReport, RunRequest } from "./run.ts";

/** What the guest's thread posts. */
export type ThreadMessage =
  | { readonly kind: "started" }
  | { readonly kind: "report"; readonly report: RunReport }
  | { readonly kind: "refused" | "used"; readonly noted: AccessRequest };

/**
 * Runs a guest in a thread of its own and gives that thread up at the deadline, which is then the run's ending
 * (LIMIT_DEADLINE). What the guest wrote has been written: its streams are the process's descriptors and nothing is held
 * back. A thread that is within a call of the system ends with that call, so that whoever wants to be gone ends the process.
 */
export function runWithDeadline(request: RunRequest, ms: number): Promise<RunReport> {
  // Loaded here, because most runs have no deadline and node:worker_threads costs a millisecond.
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const worker = new Worker(new URL(workerFile, import.meta.url), { workerData: request });
  const refusals: AccessRequest[] = [];
  const uses: AccessRequest[] = [];
  return new Promise<RunReport>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const settle = (): void => clearTimeout(timer);
    const end = (): void => {
      void worker.terminate();
      const hint = "give it more with --timeout";
      const error = new SampanError("LIMIT_DEADLINE", `Ended the guest after ${formatDuration(ms)}`, { hint });
      resolve({ ending: { kind: "error", error: error.toData() }, refusals, uses });
    };
    worker.on("message", (message: ThreadMessage) => {
      switch (message.kind) {
        case "started":
          // Starting a thread is not the guest's doing.
          timer = setTimeout(end, Math.min(ms, longestTimer));
          break;
        case "refused":
          refusals.push(message.noted);
          break;
        case "used":
          uses.push(message.noted);
          break;
        case "report":
          settle();
          resolve(message.report);
          void worker.terminate();
      }
    });
    worker.once("error", (error) => {
      settle();
      reject(error);
    });
    worker.once("exit", (code) => {
      settle();
      reject(new Error(`The guest's thread ended by itself with ${code}`));
    });
  });
}

/** Node runs a timer of more than this at once; 24 days are for ever to a guest in the foreground. */
const longestTimer = 2 ** 31 - 1;

/** The worker's file stands beside this one, in the sources and in the bundle. */
const workerFile = import.meta.url.endsWith(".ts") ? "./run-worker.ts" : "./run-worker.js";
