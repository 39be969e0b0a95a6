import { parentPort, workerData } from "node:worker_threads";
import { run, type RunRequest } from "./run.ts";

/** A thread that runs one guest, so that another can end it: it posts the report when the guest has ended by itself. */
const request = workerData as RunRequest;
parentPort?.postMessage(run(request));
