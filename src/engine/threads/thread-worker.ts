import type { MessagePort as Port, Worker } from "node:worker_threads";
import { CallChannel } from "./channel.ts";
import type { FromThread, GuestData, ThreadData, ToThread } from "./protocol.ts";

/** What the owner of a thread hears of it. */
export interface ThreadListener {
  onMessage(message: FromThread): void;
  /** It is gone without being told to: why, in words that follow "the thread". */
  onGone(why: string): void;
}

/** How long a thread may take to tell what it used, in ms. */
const patience = 50;

/** A thread of the system's for one thread of a guest at a time, as the thread that has the host sees it. */
export class ThreadWorker {
  readonly channel = new CallChannel();
  readonly #worker: Worker;
  readonly #answers: Port;
  #isEnding = false;
  #cpu = 0;

  constructor(data: GuestData, listener: ThreadListener) {
    // Loaded here: most guests have one thread.
    const { Worker, MessageChannel } = process.getBuiltinModule("node:worker_threads");
    const { port1, port2 } = new MessageChannel();
    const workerData = {
      ...data,
      channel: this.channel.buffer,
      answers: port2 as unknown as MessagePort,
    } satisfies ThreadData;
    this.#worker = new Worker(new URL(threadFile, import.meta.url), { workerData, transferList: [port2] });
    this.#answers = port1;
    port1.unref();
    let why: string | undefined;
    this.#worker.on("message", (message: FromThread) => {
      if (!this.#isEnding) listener.onMessage(message);
    });
    this.#worker.on("error", (error: Error & { code?: string }) => {
      why = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "used up its JavaScript heap" : `failed: ${error.message}`;
    });
    this.#worker.once("exit", (code) => {
      if (!this.#isEnding) listener.onGone(why ?? `ended by itself with ${code}`);
    });
  }

  tell(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Answers a call of a function of the embedder's. @throws DataCloneError for what other threads cannot have */
  answerGiven(value: unknown): void {
    this.#answers.postMessage(value);
    this.channel.answer(0);
  }

  /** How long it has used a processor, in ms, as far as it tells within a moment: one that starts or ends may never answer. */
  async cpu(): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), patience)));
    const usage = await Promise.race([this.#worker.cpuUsage().catch(() => undefined), late]);
    clearTimeout(timer);
    if (usage !== undefined) this.#cpu = Math.max(this.#cpu, (usage.user + usage.system) / 1000);
    return this.#cpu;
  }

  /** Ends it, whatever it is doing. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#answers.close();
    await this.#worker.terminate();
  }
}

/** The thread's file stands beside this one in the sources, and in the bundle. */
const threadFile = import.meta.url.endsWith(".ts") ? "./guest-main.ts" : "./guest-main.js";
