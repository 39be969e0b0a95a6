import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programs } from "../examples/languages/build.ts";
import { Skipped as CannotBuild } from "../examples/toolchain/rust.ts";
import { type BenchOptions, median, type Row, type Skipped } from "./measure.ts";
import { sampan, wasmGuest } from "./tools.ts";

const connections = 32;
const seconds = 3;
const rounds = 2;
/** What `wasmtime serve` 48 reached beside a bare node:http of 99,500 requests a second where it was measured (docs/BENCHMARKS.md). */
const elsewhere = {
  node: 99_500,
  request: { rust: 15_150, javascript: 414, python: 314 },
  reuse: { rust: 72_200, javascript: 2_500, python: 30_400 },
} as const;

type Language = keyof typeof elsewhere.request;
type Isolation = "request" | "reuse";

/** How many times what `wasmtime serve` reaches is wanted, and of what Node's own server does. */
const goals: Readonly<
  Record<Isolation, Readonly<Record<Language, { readonly wasmtime: number; readonly node?: number }>>>
> = {
  request: { rust: { wasmtime: 3, node: 0.5 }, javascript: { wasmtime: 5 }, python: { wasmtime: 30 } },
  reuse: { rust: { wasmtime: 1, node: 0.7 }, javascript: { wasmtime: 1 }, python: { wasmtime: 0.6 } },
};

/** The `wasmtime` on the PATH, with its version; nothing is ever installed. */
const wasmtime = /^wasmtime \S+/.exec(spawnSync("wasmtime", ["--version"], { encoding: "utf8" }).stdout ?? "")?.[0];

const bareNode = `require("node:http").createServer((request, response) => {
  if (request.method === "POST") return void (response.writeHead(200), request.pipe(response));
  response.writeHead(200, { "content-type": "text/plain", "content-length": "5" });
  response.end("hello");
}).listen(0, "127.0.0.1", function () { console.log("http://127.0.0.1:" + this.address().port + "/"); });`;

/** What answers HTTP by components, beside Node's own server; one thread each, on a processor of its own where taskset is there. */
export async function benchServe({ oha }: BenchOptions): Promise<(Row | Skipped)[]> {
  if (spawnSync("wrk", ["-v"]).error !== undefined) return [{ what: "serve", skipped: "wrk is not installed" }];
  const rows: (Row | Skipped)[] = [];
  const rust = await built("rust");
  if (typeof rust === "string") {
    rows.push(...(await hellos("rust", "request", rust)));
    rows.push(...(await hellos("rust", "reuse", rust)));
    rows.push(...(await echo(rust)));
    rows.push(await spinning(rust));
    rows.push(await manyRoutes(rust));
    rows.push(await fromZero("Rust hello", rust, 5));
    rows.push(...(oha === undefined ? [{ what: "latency", skipped: "no --oha PATH" }] : [await latency(rust, oha)]));
  } else rows.push(rust);
  for (const language of ["javascript", "python"] as const) {
    const file = await built(language);
    if (typeof file !== "string") {
      rows.push(file);
      continue;
    }
    rows.push(...(await hellos(language, "request", file)));
    // A listener of the fetch event answers one request of an instance, as componentize-js makes it.
    if (language === "javascript")
      rows.push({ what: `serve: ${titleOf(language, "reuse")}`, skipped: "the example answers once" });
    else rows.push(...(await hellos(language, "reuse", file)));
    if (language === "javascript") rows.push(await fromZero("JavaScript hello", file, 80));
  }
  return rows;
}

async function built(language: string): Promise<string | Skipped> {
  const program = programs.find((each) => each.language === language && each.kind === "http");
  if (program === undefined) throw new RangeError(`No example in ${language}`);
  try {
    return await program.build({ progress: () => {}, isAllowed: true });
  } catch (error) {
    if (!(error instanceof CannotBuild)) throw error;
    return { what: `serve: ${program.title}`, skipped: error.message };
  }
}

function titleOf(language: Language, isolation: Isolation): string {
  const title = { rust: "Rust", javascript: "JavaScript", python: "Python" }[language];
  return `${title} hello, ${isolation === "request" ? "an instance for each request" : "instances used again"}`;
}

/** How many hellos a component answers, beside Node's own server and, where it is there, beside wasmtime's, all in one run. */
async function hellos(language: Language, isolation: Isolation, file: string): Promise<Row[]> {
  const goal = goals[isolation][language];
  const expected = (goal.wasmtime * elsewhere[isolation][language]) / elsewhere.node;
  const more = isolation === "request" ? [] : ["--max-instance-reuse-count", "1000000"];
  const peer = wasmtime === undefined ? undefined : () => Server.wasmtime(...more, file);
  const [beside, ...others] = await throughput(titleOf(language, isolation), {
    args: ["--isolation", isolation, file],
    ratio: goal.node ?? (peer === undefined ? expected : undefined),
    peer,
  });
  const [other] = others;
  if (beside === undefined) return [];
  if (other === undefined) return [beside];
  return [beside, { ...other, floorName: `${wasmtime} serve`, goal: { ratio: goal.wasmtime, atLeast: true } }];
}

/** A server that says its address first. */
class Server {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(args: readonly string[]): Promise<Server> {
    const pinned = hasTaskset ? ["taskset", "-c", "0", ...args] : args;
    const [file = "", ...rest] = pinned;
    const child = spawn(file, rest, { stdio: ["ignore", "pipe", "pipe"] });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let text = "";
    const hear = (bytes: Buffer): void => {
      text += String(bytes);
      const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(text)?.[0];
      if (url !== undefined) resolve(url);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.on("exit", () => reject(new Error(`the server ended: ${text}`)));
    return new Server(child, await promise);
  }

  static node(): Promise<Server> {
    return Server.start([process.execPath, "-e", bareNode]);
  }

  static sampan(...args: readonly string[]): Promise<Server> {
    return Server.start([sampan, "serve", "--no-supervisor", "--workers", "1", "--addr", "127.0.0.1:0", ...args]);
  }

  static wasmtime(...args: readonly string[]): Promise<Server> {
    return Server.start(["wasmtime", "serve", "-S", "cli", "--addr", "127.0.0.1:0", ...args]);
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

const hasTaskset = spawnSync("taskset", ["-c", "1", "true"]).status === 0;

/** Requests a second. */
function load(url: string, more: readonly string[] = []): number {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, ...more, url];
  const [file, ...rest] = hasTaskset ? ["taskset", "-c", "1", "wrk", ...args] : ["wrk", ...args];
  const { stdout } = spawnSync(file, rest, { encoding: "utf8" });
  if (/Non-2xx/.test(stdout)) throw new Error(`the server answered with errors: ${stdout}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
}

/** What throughput is measured of. */
interface Measured {
  /** Of `sampan serve`. */
  readonly args: readonly string[];
  /** What is wanted of what Node's own server does. */
  readonly ratio?: number | undefined;
  /** Another server to measure beside both. */
  readonly peer?: (() => Promise<Server>) | undefined;
  /** Of wrk. */
  readonly more?: readonly string[];
}

/** Requests a second beside those of Node's own server, and beside the peer's where there is one. */
async function throughput(what: string, { args, ratio, peer, more = [] }: Measured): Promise<Row[]> {
  const servers = [await Server.sampan(...args), await Server.node(), ...(peer === undefined ? [] : [await peer()])];
  const [ours] = servers;
  const best = servers.map(() => 0);
  // V8 needs some seconds to optimise what it runs, on a processor that it shares with its compiler.
  if (ours !== undefined) load(ours.url, more);
  for (const { url } of servers) load(url, more);
  for (let round = 0; round < rounds; round++)
    for (const [at, { url }] of servers.entries()) best[at] = Math.max(best[at] ?? 0, load(url, more));
  await Promise.all(servers.map((server) => server.end()));
  const [value = Number.NaN, ...floors] = best;
  return floors.map((floor, at) => ({
    what: `serve: ${what}`,
    unit: "req/s",
    value,
    floor,
    floorName: at === 0 ? "bare node:http" : "peer",
    goal: at > 0 || ratio === undefined ? "none" : { ratio, atLeast: true },
  }));
}

/** Requests with a body that comes back. */
async function echo(file: string): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "sampan-bench-"));
  const script = join(folder, "echo.lua");
  writeFileSync(script, 'wrk.method = "POST"\nwrk.body = string.rep("x", 65536)\n');
  try {
    return await throughput("64 KiB echoed by Rust", { args: [file], ratio: 0.6, more: ["-s", script] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What waits for the first answer when nothing of the workload is in memory, in ms, beside one that is there. */
async function fromZero(what: string, file: string, goal: number): Promise<Row> {
  const server = await Server.sampan("--idle", "150ms", "--warm", "0", file);
  const url = new URL(server.url);
  const times: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < 8; round++) {
    const first = await answered(url);
    // The first of all compiles and reads what the others find on disk and in the code cache.
    if (round > 1) times.push(first);
    warm.push(await answered(url));
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  await server.end();
  const floor = median(warm);
  return {
    what: `serve: first byte from zero, ${what}`,
    unit: "ms",
    value: median(times) - floor,
    floor,
    floorName: "in memory",
    goal: { value: goal },
  };
}

/** Milliseconds to the answer, by a connection of its own. */
async function answered(url: URL): Promise<number> {
  const start = performance.now();
  const asked = request(url, { agent: false });
  asked.end();
  const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream];
  const passed = performance.now() - start;
  response.resume();
  await once(response, "end");
  return passed;
}

/** The ninety-ninth percentile at half of what the slower one does, by an open-loop generator. */
async function latency(file: string, oha: string): Promise<Row> {
  const [ours, bare] = [await Server.sampan(file), await Server.node()];
  load(ours.url);
  const rate = Math.floor(Math.min(load(ours.url), load(bare.url)) / 2);
  const p99 = (url: string): number => {
    const args = [
      "--no-tui",
      "-j",
      "-z",
      `${seconds}s`,
      "-c",
      String(connections),
      "-q",
      String(rate),
      "--latency-correction",
      url,
    ];
    const [command, ...rest] = hasTaskset ? ["taskset", "-c", "1", oha, ...args] : [oha, ...args];
    const { stdout } = spawnSync(command, rest, { encoding: "utf8" });
    return (JSON.parse(stdout) as { latencyPercentiles: { p99: number } }).latencyPercentiles.p99 * 1_000;
  };
  const values: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < 3; round++) {
    values.push(p99(ours.url));
    floors.push(p99(bare.url));
  }
  await Promise.all([ours.end(), bare.end()]);
  const what = `serve: 99th percentile at ${rate} requests a second, an instance for each`;
  return {
    what,
    unit: "ms",
    value: median(values),
    floor: median(floors),
    floorName: "bare node:http",
    goal: { ratio: 1.5 },
  };
}

/** What a guest that spins adds to its neighbours' latency. */
async function spinning(file: string): Promise<Row> {
  const spin = await wasmGuest("http-lab");
  const server = await Server.sampan("--timeout", "500ms", "--route", `/=${file}`, "--route", `/spin=${spin}`);
  load(server.url);
  const floor = await p99Of(server.url);
  const again = setInterval(() => void fetch(`${server.url}spin`).catch(() => {}), 1_000);
  const value = await p99Of(server.url);
  clearInterval(again);
  await server.end();
  const what = "serve: 99th percentile beside a request that spins half of each second";
  return { what, unit: "ms", value, floor, floorName: "without", goal: { value: floor + 2 } };
}

async function p99Of(url: string): Promise<number> {
  const wrk = spawn("wrk", ["-t1", "-c4", `-d${seconds}s`, "--latency", url], { stdio: ["ignore", "pipe", "inherit"] });
  let stdout = "";
  wrk.stdout.on("data", (bytes: Buffer) => (stdout += String(bytes)));
  await once(wrk, "exit");
  const [, number = "NaN", unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  return Number(number) * (unit === "us" ? 0.001 : unit === "s" ? 1_000 : 1);
}

/** A thousand workloads of which ten are busy, beside ten alone. */
async function manyRoutes(file: string): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), "sampan-bench-"));
  const start = async (count: number): Promise<Server> => {
    const names = Array.from({ length: count }, (_, index) => `w${index}`);
    const workloads = names.map((name) => `  ${name}: { file: ${file} }`).join("\n");
    const routes = names.map((name) => `  - { path: /${name}, to: ${name} }`).join("\n");
    const config = join(folder, `${count}.yaml`);
    writeFileSync(config, `workloads:\n${workloads}\nroutes:\n${routes}\n`);
    return Server.sampan("--file", config);
  };
  const busy = join(folder, "busy.lua");
  writeFileSync(
    busy,
    'local n = 0\nrequest = function()\n  n = (n + 1) % 10\n  return wrk.format("GET", "/w" .. n)\nend\n',
  );
  try {
    const [many, few] = [await start(1_000), await start(10)];
    let [value, floor] = [0, 0];
    for (const { url } of [many, few]) load(url, ["-s", busy]);
    for (let round = 0; round < rounds; round++) {
      value = Math.max(value, load(many.url, ["-s", busy]));
      floor = Math.max(floor, load(few.url, ["-s", busy]));
    }
    const more = (many.resident() - few.resident()) / 1e6;
    await Promise.all([many.end(), few.end()]);
    const what = `serve: 1,000 workloads, ten of them busy (${more.toFixed(0)} MB more, 150 allowed)`;
    return { what, unit: "req/s", value, floor, floorName: "ten alone", goal: { ratio: 0.95, atLeast: true } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
