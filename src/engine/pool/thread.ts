import type { Worker } from "node:worker_threads";
import { closeNoted, noteDescriptors, type NotedDescriptors } from "../../host/index.ts";
import type { Habitat } from "./habitat.ts";
import type { LinkMessage } from "./link.ts";
import type { KillData } from "./protocol.ts";

/** What a thread of the pool is started with. */
export interface ThreadData {
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly checks: "on" | "off";
  /** As the engine was given it. */
  readonly cache?: string | false | undefined;
  /** Kills, which are looked for while a guest runs. */
  readonly kills: MessagePort;
  /** Where it notes what native calls opened. */
  readonly notes: NotedDescriptors;
}

/** What a thread of the pool may take. */
export interface ThreadLimits {
  /** Most MiB of its JavaScript heap; past it the thread is ended. */
  readonly heap?: number | undefined;
}

/** Starts a thread that runs guests; `watch` is told its epoch memory. */
export function startThread(
  { control, checks, cache }: Omit<ThreadData, "kills" | "notes">,
  { heap, watch }: ThreadLimits & { watch: (memory: WebAssembly.Memory) => void },
): Habitat {
  // Loaded here: a program that keeps its guests in its own thread does without.
  const { Worker, MessageChannel } = process.getBuiltinModule("node:worker_threads");
  const { port1, port2 } = new MessageChannel();
  const notes = noteDescriptors();
  const data = { control, checks, cache, kills: port2 as unknown as MessagePort, notes } satisfies ThreadData;
  const worker: Worker = new Worker(new URL(threadFile, import.meta.url), {
    workerData: data,
    transferList: [port2],
    // Those of the program may make no sense for this file, or load what is only meant for the program.
    execArgv: process.execArgv.filter((argument) => argument === "--expose-internals"),
    ...(heap === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heap } }),
  });
  port1.unref();
  worker.once("exit", () => closeNoted(notes));
  let why: string | undefined;
  worker.on("error", (error: Error & { code?: string }) => {
    why = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "used up its JavaScript heap" : `failed: ${error.message}`;
  });
  return {
    kind: "thread",
    wire: {
      post: (message, transfer = []) => worker.postMessage(message, transfer as Parameters<Worker["postMessage"]>[1]),
      listen: (listener) =>
        worker.on("message", (message: LinkMessage | { readonly epoch: WebAssembly.Memory }) => {
          if ("epoch" in message) watch(message.epoch);
          else listener(message);
        }),
    },
    hold: (isHeld) => (isHeld ? worker.ref() : worker.unref()),
    kill: (kill: KillData) => port1.postMessage(kill),
    end: async () => {
      await worker.terminate();
    },
    onGone: (listener) => worker.once("exit", (code) => listener(why ?? `ended by itself with ${code}`)),
  };
}

/** The thread's file stands beside this one in the sources, and in the bundle. */
const threadFile = import.meta.url.endsWith(".ts") ? "./thread-main.ts" : "./thread-main.js";
