import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { closeNoted, noteDescriptors } from "../../engine/index.ts";
import type { FromWorker, ToWorker, WorkerThreadData } from "../protocol.ts";

/** A worker that was started: a thread or a process of its own. */
export interface WorkerHandle {
  readonly post: (message: ToWorker) => void;
  readonly listen: (listener: (message: FromWorker) => void) => void;
  /** Calls back once it has ended, with why. */
  readonly onGone: (listener: (why: string) => void) => void;
  /** Ends it at once. */
  readonly end: () => Promise<void>;
}

/** What a worker may take, and where its file is. */
export interface WorkerLimits {
  /** Most bytes of its JavaScript heap; past it the worker ends. */
  readonly heap?: number | undefined;
  /** The file that it runs; the one of this package where it is left out. */
  readonly main?: URL | undefined;
}

/** Starts a worker. */
export type StartWorker = (kind: "thread" | "process", limits: WorkerLimits) => WorkerHandle;

const mib = 1024 ** 2;

/** The worker's file stands in the sources, and beside this one in the bundle. */
const ownMain = new URL(
  import.meta.url.endsWith(".ts") ? "../front/worker-main.ts" : "./serve-worker-main.js",
  import.meta.url,
);

/** Starts workers as threads of this process, and as processes. */
export const startWorker: StartWorker = (kind, { heap, main = ownMain }) =>
  kind === "thread" ? startThread(main, heap) : startProcess(main, heap);

/** Those of a program may make no sense for a worker. */
function nodeFlags(): string[] {
  return process.execArgv.filter((argument) => argument === "--expose-internals");
}

function startThread(main: URL, heap: number | undefined): WorkerHandle {
  const notes = noteDescriptors();
  const worker = new Worker(main, {
    workerData: { notes } satisfies WorkerThreadData,
    // Of descriptors that native calls have opened Node has not heard, and says so when they are closed.
    execArgv: [...nodeFlags(), "--no-warnings"],
    ...(heap === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: Math.max(1, Math.ceil(heap / mib)) } }),
  });
  worker.once("exit", () => closeNoted(notes));
  let why: string | undefined;
  worker.on("error", (error: unknown) => (why = reasonOf(error)));
  return {
    post: (message) => worker.postMessage(message),
    listen: (listener) => worker.on("message", (message: FromWorker) => listener(message)),
    onGone: (listener) => worker.once("exit", (code) => listener(why ?? `it ended by itself with ${code}`)),
    end: async () => void (await worker.terminate()),
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY")
    return "it used up its JavaScript heap";
  return `it failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

function startProcess(main: URL, heap: number | undefined): WorkerHandle {
  const limit = heap === undefined ? [] : [`--max-old-space-size=${Math.max(1, Math.ceil(heap / mib))}`];
  const child = spawn(process.execPath, [...nodeFlags(), "--no-warnings", ...limit, fileURLToPath(main)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let isGone = false;
  const gone = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`it could not be started: ${error.message}`));
    child.once("close", (code, signal) =>
      resolve(signal === null ? `it ended by itself with ${code}` : `it was ended by ${signal}`),
    );
  }).then((why) => {
    isGone = true;
    return why;
  });
  // A message to a process that has just ended: its end is told either way.
  child.stdin.on("error", () => {});
  return {
    post: (message) => void (isGone ? false : child.stdin.write(`${JSON.stringify(message)}\n`)),
    listen: (listener) => {
      let rest = "";
      child.stdout.setEncoding("utf8");
      child.stdout.on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") listener(JSON.parse(line) as FromWorker);
      });
    },
    onGone: (listener) => void gone.then(listener),
    end: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
