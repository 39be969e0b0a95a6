import process from "node:process";
import { Engine } from "../engine.ts";
import type { LinkMessage } from "./link.ts";
import type { ProcessData } from "./process.ts";
import { PoolServer } from "./server.ts";

// A process of the pool: an engine that is told what to do by the one that started it, and ends with it.

const parent = process.ppid;
/** How many slices of guests' running lie between two looks at who the parent is. */
const slices = 128;
let count = 0;

/** Where a guest keeps the thread busy, no event says that the parent is gone: the system has given the process another one. */
function onTick(): void {
  count += 1;
  if (count % slices === 0 && process.ppid !== parent) process.exit(0);
}

const { checks, cache } = JSON.parse(process.argv[2] ?? "{}") as ProcessData;
const engine = new Engine(
  { checks, ...(cache === undefined ? {} : { cache }) },
  { thread: { onTick }, isPooled: true },
);
const server = new PoolServer(engine, {
  // Where the other side has ended, so does this one.
  post: (message) => process.send?.(message, undefined, undefined, () => {}),
  listen: (listener) => process.on("message", (message) => listener(message as LinkMessage)),
});
process.on("disconnect", () => process.exit(0));
void server;
