import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Row } from "./measure.ts";
import { sampan, wasmGuest } from "./tools.ts";

const connections = 100;
const seconds = 1.5;
const rounds = 3;

/** What programs with many connections cost: bytes echoed, idle connections, polls of many. */
export async function benchNetwork(): Promise<Row[]> {
  const guest = await wasmGuest("sockets");
  return [...(await echoes(guest)), await idle(guest), await polls(guest)];
}

/** A server in a process of its own, which says its port first. */
class Server {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(file: string, args: readonly string[]) {
    this.#child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    if (this.#child.stdout === null) throw new Error("the server has no output");
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** A server of a Wasm guest that answers on loopback alone. */
  static guest(file: string, ...args: readonly string[]): Server {
    const limits = ["--max-files", "8192", "--max-connections", "8192"];
    return new Server(sampan, ["run", ...limits, "--allow-listen", "127.0.0.1:0-65535", file, ...args]);
  }

  /** The first number of the next line. */
  async number(): Promise<number> {
    const line = await this.#lines.next();
    const found = /\d+/.exec(line.done === true ? "" : line.value);
    if (found === null) throw new Error(`the server ended or wrote "${line.value}"`);
    return Number(found[0]);
  }

  /** Bytes of it that are in memory. */
  resident(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  }

  async end(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

const nodeEcho = `const server = require("node:net").createServer((socket) => socket.on("error", () => {}).pipe(socket));
server.listen(0, "127.0.0.1", 1024, () => console.log(server.address().port));`;

async function echoes(guest: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [size, ratio, name] of [
    [64, 0.5, "64 bytes"],
    [65_536, 0.8, "64 KiB"],
  ] as const) {
    let [value, floor] = [0, 0];
    for (let round = 0; round < rounds; round += 1) {
      value = Math.max(value, await echoed(Server.guest(guest, "echo", "1000"), size));
      floor = Math.max(floor, await echoed(new Server(process.execPath, ["-e", nodeEcho]), size));
    }
    const what = `echo in C, ${connections} connections, messages of ${name}`;
    rows.push({ what, unit: "MiB/s", value, floor, floorName: "the same in node:net", goal: { ratio, atLeast: true } });
  }
  return rows;
}

/** MiB a second that come back from a server. */
async function echoed(server: Server, size: number): Promise<number> {
  const port = await server.number();
  const message = Buffer.alloc(size, 1);
  let count = 0;
  const start = performance.now();
  const ping = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => void socket.write(message));
      let got = 0;
      socket.on("error", reject);
      socket.on("data", (data) => {
        got += data.length;
        if (got < size) return;
        got = 0;
        count += 1;
        if (performance.now() - start < seconds * 1_000) return void socket.write(message);
        socket.destroy();
        resolve();
      });
    });
  await Promise.all(Array.from({ length: connections }, ping));
  const passed = (performance.now() - start) / 1_000;
  await server.end();
  return (count * size) / 2 ** 20 / passed;
}

async function open(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let index = 0; index < count; index += 1) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    // The server's end resets it.
    socket.on("error", () => {});
    sockets.push(socket);
  }
  return sockets;
}

async function idle(guest: string): Promise<Row> {
  const count = 5_000;
  const server = Server.guest(guest, "idle", String(count));
  const port = await server.number();
  const before = server.resident();
  const sockets = await open(port, count);
  await server.number();
  const [first] = sockets;
  first?.write("x");
  if (first !== undefined) await once(first, "data");
  const value = (server.resident() - before) / 1e6;
  await server.end();
  for (const socket of sockets) socket.destroy();
  const what = `${count} idle connections in one guest, beyond what it took before, its own memory among it`;
  return { what, unit: "MB", value, floor: before / 1e6, floorName: "before", goal: { value: 150 } };
}

async function polls(guest: string): Promise<Row> {
  const [value, floor] = [await poll(guest, 1_000), await poll(guest, 10)];
  const what = "a poll of 1,000 connections, one of them ready, the list as before";
  return { what, unit: "ns", value, floor, floorName: "of 10", goal: { ratio: 3 } };
}

/** Nanoseconds of a poll. */
async function poll(guest: string, count: number): Promise<number> {
  const server = Server.guest(guest, "ready", String(count));
  const sockets = await open(await server.number(), count);
  await server.number();
  sockets[count >> 1]?.write("x");
  const ns = await server.number();
  await server.end();
  for (const socket of sockets) socket.destroy();
  return ns;
}
