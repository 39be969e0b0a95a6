/** How the tests of the examples run a program under `sampan run` and talk to it over HTTP. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { type Agent, request } from "node:http";
import { join } from "node:path";
import { freePort } from "./databases.ts";
import { buildCrate, Skipped } from "./toolchain/rust.ts";

/** The sources and not the bundle, which is only as new as the last set-up. */
const sampan = join(import.meta.dirname, "../src/cli/main.ts");

/** A program that runs and listens. */
export interface Program {
  /** What requests start with: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** All that it wrote to stdout and stderr so far. */
  output(): string;
  stop(): Promise<void>;
}

/** An answer over HTTP, its body as text. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Whether it came over a connection that had carried another before. */
  readonly reused: boolean;
}

/** Which module a test of an example takes: the one beside its source or, where CI asks, what is built of the source now. */
export async function moduleOf(name: string): Promise<string | Skipped> {
  const folder = join(import.meta.dirname, name);
  if (process.env["SAMPAN_EXAMPLES"] !== "built") return join(folder, `${name}.wasm`);
  try {
    return await buildCrate(folder, (line) => process.stderr.write(`${line}\n`));
  } catch (error) {
    if (error instanceof Skipped) return error;
    throw error;
  }
}

/** Runs a module with grants and arguments, its port 8080 published on the loopback, until it says that it listens. */
export async function runProgram(
  grants: readonly string[],
  module: string,
  args: readonly string[] = [],
): Promise<Program> {
  const port = await freePort();
  const line = [sampan, "run", "-p", `127.0.0.1:${port}:8080`, ...grants, module, ...args];
  const child = spawn(process.execPath, line, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  await new Promise<void>((listening, failed) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
        if (output.includes("listening on")) listening();
      });
    }
    child.on("error", failed).on("close", (code) => failed(new Error(`The program ended with ${code}:\n${output}`)));
  });
  return { url: `http://127.0.0.1:${port}`, output: () => output, stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  await closed;
}

interface AskOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly chunks?: readonly string[];
  readonly agent?: Agent;
}

/** One request; a body that is no text is sent as JSON, `chunks` one by one. */
export async function ask(url: string, { method = "GET", body, chunks = [], agent }: AskOptions = {}): Promise<Answer> {
  const sending = request(url, { method, ...(agent === undefined ? {} : { agent }) });
  for (const chunk of chunks) sending.write(chunk);
  if (body !== undefined) sending.write(typeof body === "string" ? body : JSON.stringify(body));
  sending.end();
  return await new Promise<Answer>((answered, failed) => {
    sending.on("error", failed).on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("error", failed).on("end", () => {
        const { statusCode: status = 0, headers } = response;
        answered({ status, headers, text, reused: sending.reusedSocket });
      });
    });
  });
}

/** Repeats a request until it is answered with 200, and answers how often it was asked. */
export async function untilWell(url: string): Promise<number> {
  for (let asked = 1; ; asked += 1) {
    const { status } = await ask(url);
    if (status === 200) return asked;
    await new Promise((again) => setTimeout(again, 10));
  }
}
