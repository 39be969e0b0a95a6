import { formatDuration, SampanError } from "../base/index.ts";
import type { RunReport, RunRequest } from "./run.ts";

/**
 * Runs a guest in a thread of its own and ends that thread at the deadline. What the guest wrote has been written: its
 * streams are the process's descriptors and nothing is held back.
 *
 * @throws LIMIT_DEADLINE
 */
export function runWithDeadline(request: RunRequest, ms: number): Promise<RunReport> {
  // Loaded here, because most runs have no deadline and node:worker_threads costs a millisecond.
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const worker = new Worker(new URL(workerFile, import.meta.url), { workerData: request });
  return new Promise<RunReport>((resolve, reject) => {
    const timer = setTimeout(
      () => {
        reject(
          new SampanError("LIMIT_DEADLINE", `Ended the guest after ${formatDuration(ms)}`, {
            hint: "give it more with --timeout",
          }),
        );
        void worker.terminate();
      },
      Math.min(ms, longestTimer),
    );
    const settle = (): void => clearTimeout(timer);
    worker.once("message", (report: RunReport) => {
      settle();
      resolve(report);
      void worker.terminate();
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
