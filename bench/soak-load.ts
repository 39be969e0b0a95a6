import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { sampan } from "./tools.ts";

/** How a serving process stands: what would grow if something were left behind. */
export interface Standing {
  /** Bytes in memory. */
  readonly resident: number;
  /** Mappings and descriptors that it has. */
  readonly maps: number;
  readonly descriptors: number;
  /** Instances that are made, in all workers. */
  readonly instances: number;
}

/** `sampan serve` in a process of its own. */
export class Soaked {
  readonly #child: ChildProcess;
  readonly port: number;
  readonly #metrics: string;

  private constructor(child: ChildProcess, port: number, metrics: string) {
    this.#child = child;
    this.port = port;
    this.#metrics = metrics;
  }

  /** Starts it with a file and resolves once it listens. */
  static async start(file: string, { workers }: { readonly workers: number }): Promise<Soaked> {
    const where = ["--addr", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    const args = [sampan, "serve", "--no-supervisor", "--workers", String(workers), ...where, file];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    const { promise, resolve, reject } = Promise.withResolvers<Soaked>();
    let text = "";
    const hear = (bytes: Buffer): void => {
      text += String(bytes);
      const port = /Serving http:\/\/127\.0\.0\.1:(\d+)\//.exec(text)?.[1];
      const metrics = /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(text)?.[0];
      if (port !== undefined && metrics !== undefined) resolve(new Soaked(child, Number(port), metrics));
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", () => reject(new Error(`the server ended: ${text}`)));
    return promise;
  }

  async standing(): Promise<Standing> {
    const folder = `/proc/${this.#child.pid}`;
    const text = await (await fetch(this.#metrics, { headers: { connection: "close" } })).text();
    const rows = Array.from(text.matchAll(/^sampan_instances\{.*\} (\d+)$/gm), ([, count]) => Number(count));
    return {
      resident: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${folder}/status`, "utf8"))?.[1]) * 1024,
      maps: readFileSync(`${folder}/maps`, "utf8").split("\n").length,
      descriptors: readdirSync(`${folder}/fd`).length,
      instances: rows.reduce((sum, count) => sum + count, 0),
    };
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }
}

/** Requests that a client has under way on its connection. */
const pipelined = 8;
const question = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** What clients ask for, together, and what came of it. */
export class Load {
  readonly #port: number;
  readonly #goOn: () => boolean;
  answered = 0;
  failed = 0;

  /** `goOn` is asked before each request. */
  constructor(port: number, goOn: () => boolean) {
    this.#port = port;
    this.#goOn = goOn;
  }

  /** Resolves once so many clients have nothing under way and none goes on. */
  async run(connections: number): Promise<void> {
    await Promise.all(Array.from({ length: connections }, () => this.#client()));
  }

  async #client(): Promise<void> {
    while (await this.#connection());
  }

  /** Asks by one connection; true where it was lost. */
  #connection(): Promise<boolean> {
    const socket: Socket = connect(this.#port, "127.0.0.1").setEncoding("latin1").setNoDelay(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let open = 0;
    let text = "";
    const ask = (most: number): void => {
      let count = 0;
      while (count < most && this.#goOn()) count += 1;
      open += count;
      if (count > 0) socket.write(question.repeat(count));
      else if (open === 0) socket.end();
    };
    socket.once("connect", () => ask(pipelined));
    socket.on("data", (more: string) => {
      text += more;
      let [at, done] = [0, 0];
      for (;;) {
        const end = text.indexOf("\r\n\r\n", at);
        if (end < 0) break;
        const head = text.slice(at, end);
        const whole = end + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        if (text.length < whole) break;
        if (head.startsWith("HTTP/1.1 200 ")) this.answered += 1;
        else this.failed += 1;
        at = whole;
        done += 1;
      }
      text = text.slice(at);
      open -= done;
      ask(done);
    });
    socket.on("error", () => {});
    socket.once("close", () => {
      this.failed += open;
      resolve(open > 0);
    });
    return promise;
  }
}
