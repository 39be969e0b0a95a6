import process from "node:process";
import { Engine } from "../engine.ts";
import type { LinkMessage } from "./link.ts";
import { PoolServer } from "./server.ts";

// A process of the pool: an engine that is told what to do by the one that started it, and ends with it.

const engine = new Engine({ checks: process.argv[2] === "off" ? "off" : "on" }, { isPooled: true });
const server = new PoolServer(engine, {
  // Where the other side has ended, so does this one.
  post: (message) => process.send?.(message, undefined, undefined, () => {}),
  listen: (listener) => process.on("message", (message) => listener(message as LinkMessage)),
});
process.on("disconnect", () => process.exit(0));
void server;
