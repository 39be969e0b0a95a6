import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type ByteSink, SampanError } from "../../base/index.ts";
import type { Ending, ProcessIo } from "../process.ts";
import { parseSignal, type SignalName, signalNumber } from "../signals.ts";
import type { ChildReport, ChildTask } from "./protocol.ts";

/** The child's file stands beside this one in the sources, and in the bundle. */
const mainFile = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./stand-in-main.ts" : "./stand-in-main.js", import.meta.url),
);

/** What a child is: a task of {@link ChildTask}, or another program that ends with its parent. */
export type ChildKind =
  | { readonly task: ChildTask["kind"] }
  | {
      readonly command: readonly string[];
      readonly env?: NodeJS.ProcessEnv;
      readonly input?: string;
      /** The only folders that it may write in, where the kernel can see to that. */
      readonly writes: readonly string[];
    };

/** A process of a stand-in, which ends with this one, however this one ends. */
export class Child {
  /** Resolves once it is ready. Rejects where it ends before. */
  readonly ready: Promise<void>;
  /** How it ended, once all that it wrote is in the container's log. */
  readonly exited: Promise<Ending>;
  readonly #process: ChildProcess;
  #failure: Ending | undefined;
  #ended: SignalName | undefined;

  constructor(kind: ChildKind, { stdout, stderr }: Pick<ProcessIo, "stdout" | "stderr">) {
    const isTask = "task" in kind;
    const words = isTask
      ? [kind.task, String(process.pid)]
      : ["become", String(process.pid), JSON.stringify(kind.writes), ...kind.command];
    const flags = process.execArgv.filter((flag) => flag === "--expose-internals");
    const input = !isTask && kind.input !== undefined ? "pipe" : "ignore";
    // What a database's superuser loads into it may bring code as text; nothing here makes code of text.
    const child = spawn(process.execPath, ["--disallow-code-generation-from-strings", ...flags, mainFile, ...words], {
      stdio: isTask ? [input, "pipe", "pipe", "ipc"] : [input, "pipe", "pipe"],
      env: { ...(isTask ? process.env : (kind.env ?? process.env)), NODE_NO_WARNINGS: "1" },
      cwd: "/",
    });
    this.#process = child;
    if (!isTask && kind.input !== undefined) {
      child.stdin?.on("error", () => {});
      child.stdin?.end(kind.input);
    }
    let ready = (): void => {};
    let failed = (_error: unknown): void => {};
    this.ready = new Promise((resolve, reject) => {
      ready = resolve;
      failed = reject;
    });
    // Who waits for it hears of that; nobody has to.
    this.ready.catch(() => {});
    child.on("message", (said) => {
      const report = said as ChildReport;
      if (report.kind === "failed") this.#failure = { kind: "error", error: report.error };
      else ready();
    });
    const written = Promise.all([pour(child.stdout, stdout), pour(child.stderr, stderr)]);
    this.exited = this.#end(written);
    void this.exited.then((ending) => {
      failed(
        new SampanError("STAND_IN_ENDED", `The stand-in's process ended: ${words[0] ?? ""}`, { data: { ending } }),
      );
    });
  }

  /** Says what it is to do. */
  do(task: ChildTask): void {
    this.#process.send(task, () => {});
  }

  /** Sends it a signal that it can answer. */
  signal(name: SignalName): void {
    this.#process.kill(name);
  }

  /** Ends it at once, as if by that signal. */
  end(name: SignalName): void {
    this.#ended ??= name;
    this.#process.kill("SIGKILL");
  }

  async #end(written: Promise<unknown>): Promise<Ending> {
    const ended = await new Promise<Ending>((resolve) => {
      this.#process.once("error", ({ message }) => resolve({ kind: "bug", stack: message }));
      this.#process.once("exit", (code, signal) => {
        if (signal === null) resolve({ kind: "exit", code: code ?? 0 });
        else resolve({ kind: "signal", signal: signalNumber(parseSignal(signal)) });
      });
    });
    await written;
    if (this.#ended !== undefined) return { kind: "signal", signal: signalNumber(this.#ended) };
    return this.#failure ?? ended;
  }
}

/** Writes all that a process says to a log, at the log's pace. */
async function pour(from: NodeJS.ReadableStream | null, to: ByteSink): Promise<void> {
  try {
    for await (const chunk of from ?? []) await writeTo(to, Buffer.from(chunk));
  } catch {
    // The log takes no more.
  }
}

/** Writes all of some bytes to a log. */
export async function writeTo(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await sink.write(bytes.subarray(at));
}
