import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { adoptNotes } from "../../host/index.ts";
import { Engine } from "../engine.ts";
import { EpochThread } from "../epoch.ts";
import type { LinkMessage } from "./link.ts";
import type { KillData } from "./protocol.ts";
import { PoolServer } from "./server.ts";
import type { ThreadData } from "./thread.ts";

// A thread of the pool: an engine whose guests look at an epoch that the engine outside watches.

const { control, checks, cache, kills, notes } = workerData as ThreadData & { readonly kills: MessagePort };
const port = parentPort;
if (port === null) throw new Error("A thread of the pool is started by an engine");

adoptNotes(notes);
const epoch = new EpochThread(control, () => {});
const engine = new Engine(
  { checks, ...(cache === undefined ? {} : { cache }) },
  { thread: { epoch, onTick: takeKills }, isPooled: true },
);
const server = new PoolServer(engine, {
  post: (message, transfer = []) => port.postMessage(message, transfer as Parameters<typeof port.postMessage>[1]),
  listen: (listener) => port.on("message", (message: LinkMessage) => listener(message)),
});
port.postMessage({ epoch: epoch.memory });

/** Messages come in between turns of the event loop; a guest that keeps the thread busy is killed in between its slices. */
function takeKills(): void {
  for (;;) {
    const received = receiveMessageOnPort(kills) as { message: KillData } | undefined;
    if (received === undefined) return;
    server.kill(received.message);
  }
}

kills.on("message", (data: KillData) => server.kill(data));
