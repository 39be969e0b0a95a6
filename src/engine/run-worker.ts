import { parentPort, workerData } from "node:worker_threads";
import type { ThreadMessage } from "./deadline.ts";
import { run, type RunRequest } from "./run.ts";

/** A thread that runs one guest, so that another can end it: it posts what it notes at once, and the report at the end. */
const request = workerData as RunRequest;
const post = (message: ThreadMessage): void => parentPort?.postMessage(message);
post({ kind: "started" });
const report = run(request, { isInterruptible: true, onNote: (kind, noted) => post({ kind, noted }) });
post({ kind: "report", report });
