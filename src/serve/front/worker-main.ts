import { parentPort, workerData } from "node:worker_threads";
import { adoptNotes } from "../../engine/index.ts";
import type { FromWorker, ToWorker, WorkerThreadData } from "../protocol.ts";
import { ServingWorker } from "./worker.ts";

/** The entry of a worker: in a thread it speaks by its port, in a process of its own by lines of JSON on stdin and stdout. */
if (parentPort === null) runProcess();
else runThread(parentPort);

function runThread(port: NonNullable<typeof parentPort>): void {
  const notes = (workerData as WorkerThreadData | null)?.notes;
  if (notes !== undefined) adoptNotes(notes);
  const worker = new ServingWorker({ send: (message) => port.postMessage(message) });
  port.on("message", (message: ToWorker) => worker.receive(message));
}

function runProcess(): void {
  const send = (message: FromWorker): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
  const worker = new ServingWorker({ send });
  let held = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (text: string) => {
    const lines = (held + text).split("\n");
    held = lines.pop() ?? "";
    for (const line of lines) worker.receive(JSON.parse(line) as ToWorker);
  });
  // Whoever told it what to do is gone.
  process.stdin.on("close", () => void worker.close().then(() => process.exit(0)));
  process.stdout.on("error", () => process.exit(0));
}
