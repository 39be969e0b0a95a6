import { type GuestOutcome, Preview1Context, type Trace } from "../../abi/index.ts";
import { formatDuration, SampanError } from "../../base/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import type { HostInstance } from "../../host/index.ts";
import { readModuleImports } from "../../wasm/index.ts";
import { deadlineError } from "../guest-clock.ts";
import type { GuestModule } from "../guest-module.ts";
import type { RunResult } from "../guest.ts";
import { givenFor, type HostFunctions, type PlannedImport } from "../import-plan.ts";
import { makeMemories } from "../memories.ts";
import { localImports } from "./local-calls.ts";
import { type FromThread, type GuestData, spawnCall } from "./protocol.ts";
import { ThreadWorker } from "./thread-worker.ts";
import { resultFromThrown } from "./thrown.ts";

/** What a guest with threads is made with. */
export interface ThreadedGuestOptions {
  /** Waits without blocking its thread: that serves all threads of the guest. */
  readonly host: HostInstance;
  readonly grants: Grants;
  readonly args: readonly string[];
  readonly trace?: Trace | undefined;
  /** Whether each call is to be seen by the host: no thread then answers any by itself. */
  readonly isWatched?: boolean;
  readonly imports?: HostFunctions | undefined;
  /** Most bytes of its memory. */
  readonly memory?: number | undefined;
  /** Longest time of each call and of all code together, in ms. */
  readonly deadline?: number | undefined;
  readonly cpu?: number | undefined;
  readonly maxThreads?: number | undefined;
  /** Called once the first thread is there and the guest's code is about to run. */
  readonly onReady?: () => void;
  /** Asks for what one more thread takes. @throws LIMIT_THREADS */
  readonly takeThread: () => void;
}

/** One thread of the guest. */
interface GuestThread {
  readonly worker: ThreadWorker;
  readonly calls: readonly ((...args: unknown[]) => unknown)[];
  /** 0 for the first one; undefined while none of the guest's runs in it. */
  tid: number | undefined;
}

/** Most threads beside the first where nothing else is said: each takes some 13 MB. */
const usualThreads = 64;
/** Thread numbers have 29 bits (wasi-threads, Design choice: thread IDs). */
const tidLimit = 2 ** 29;
/** How often the time that threads ran is added up, in ms. */
const cpuTurn = 20;
/** Node runs a timer of more than this at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * A guest that starts threads (wasi-threads): each of its threads, the first as well, is an instance of the module in a thread of
 * the system's, around one memory. The thread that made it runs no guest code. It has the host and serves their calls one
 * after the other, and those that wait beside one another. An exit, a trap or a limit in any thread ends all.
 */
export class ThreadedGuest {
  readonly #module: GuestModule;
  readonly #options: ThreadedGuestOptions;
  readonly #data: GuestData;
  readonly #given: readonly ((...args: unknown[]) => unknown)[];
  readonly #threads = new Set<GuestThread>();
  readonly #idle: GuestThread[] = [];
  readonly #tids = new Set<number>();
  #main: GuestThread | undefined;
  #lastTid = 0;
  #spent = 0;
  #ending: RunResult | undefined;
  #ended: Promise<void> | undefined;
  /** What the first thread was asked and has not answered. */
  #pending: { readonly resolve: (result: RunResult) => void; readonly isReady: () => void } | undefined;
  #functions: readonly string[] = [];

  /** @throws GUEST_IMPORT_UNKNOWN, GUEST_NOT_RUNNABLE where no memory can be shared, LIMIT_MEMORY, LIMIT_MEMORIES */
  constructor(module: GuestModule, options: ThreadedGuestOptions) {
    this.#module = module;
    this.#options = options;
    const plan = module.importPlan();
    const given = plan.givenBy(options.imports ?? {});
    const isGiven = ({ module: from, name }: PlannedImport): boolean =>
      given.some((each) => each.module === from && each.name === name);
    this.#given = given.map((planned) => givenFor(options.imports ?? {}, planned) as (...args: unknown[]) => unknown);
    if (!plan.memories.some(({ type }) => type.shared) || plan.memories.some(({ type }) => !type.shared)) {
      const problem = "it starts threads, but imports no shared memory";
      throw new SampanError("GUEST_NOT_RUNNABLE", `Cannot run "${module.name}": ${problem}`);
    }
    const { imported } = makeMemories(module.layout, plan.memories, options.memory);
    const memories = plan.memories.flatMap(({ module: from, name }, index) => {
      const memory = imported[index];
      return memory === undefined ? [] : [{ module: from, name, memory }];
    });
    const isWatched = options.isWatched === true || options.trace !== undefined;
    const local = localImports(readModuleImports(module.code), options.grants, { isWatched });
    this.#data = {
      module: module.module,
      start: module.layout.start,
      memories,
      calls: plan.calls.map(({ module: from, name }) => ({ module: from, name })),
      given: given.map(({ module: from, name }) => ({ module: from, name })),
      local: local.filter((each) => !isGiven(each)),
      grants: options.grants,
    };
  }

  /** Names of the functions that it exports, once it is started. */
  get functions(): readonly string[] {
    return this.#functions.filter((name) => !name.startsWith(`${this.#module.layout.namespace}/`));
  }

  get isEnded(): boolean {
    return this.#ending !== undefined;
  }

  /** Bytes of its memory. */
  get memoryBytes(): number {
    return this.#data.memories.reduce((sum, { memory }) => sum + memory.buffer.byteLength, 0);
  }

  /** Threads that run, the first one included. */
  get threadCount(): number {
    return this.#ending === undefined ? this.#threads.size - this.#idle.length : 0;
  }

  /** How long its threads have used processors, in ms. */
  async cpu(): Promise<number> {
    if (this.#ending === undefined) {
      const times = await Promise.all([...this.#threads].map(({ worker }) => worker.cpu()));
      this.#spent = Math.max(
        this.#spent,
        times.reduce((sum, time) => sum + time, 0),
      );
    }
    return this.#spent;
  }

  /** Makes its first instance; undefined where that went well. @throws LIMIT_THREADS */
  async start(): Promise<RunResult | undefined> {
    if (this.#ending !== undefined) return this.#ending;
    this.#options.takeThread();
    this.#main = this.#startThread(0);
    const result = await this.#ask(this.#main, { kind: "make" });
    return result.kind === "returned" ? undefined : result;
  }

  /** Calls an export in its first thread and answers how that ended. */
  call(name: string, args: readonly unknown[] = []): Promise<RunResult> {
    if (this.#main === undefined) throw new TypeError("The guest is called before it is started");
    return this.#ask(this.#main, { kind: "call", name, args });
  }

  /** Ends all its threads. */
  stop(outcome: GuestOutcome): void {
    this.#end(outcome);
  }

  /** Ends all its threads, closes what it has open and waits until nothing of it runs. */
  async close(): Promise<void> {
    this.#end({ kind: "signal", signal: 9 });
    await this.#ended;
    this.#options.host.close();
  }

  #ask(thread: GuestThread, message: Parameters<ThreadWorker["tell"]>[0]): Promise<RunResult> {
    if (this.#ending !== undefined) return Promise.resolve(this.#ending);
    const { deadline, cpu } = this.#options;
    let alarm: NodeJS.Timeout | undefined;
    let meter: NodeJS.Timeout | undefined;
    return new Promise<RunResult>((resolve) => {
      const isReady = (): void => {
        if (deadline === undefined) return;
        const end = (): void => this.#end({ kind: "limit", error: deadlineError(deadline) });
        alarm = setTimeout(end, Math.min(Math.ceil(deadline), longestTimer));
      };
      this.#pending = { resolve, isReady };
      // Starting a thread is not the guest's doing: before the first call its time begins once the thread is there.
      if (message.kind !== "make") isReady();
      if (cpu !== undefined) meter = setInterval(() => void this.#checkCpu(cpu), cpuTurn);
      thread.worker.tell(message);
    }).finally(() => {
      clearTimeout(alarm);
      clearInterval(meter);
    });
  }

  async #checkCpu(limit: number): Promise<void> {
    if ((await this.cpu()) < limit) return;
    const message = `Ended the guest after it ran for ${formatDuration(limit)}`;
    const hint = "give it more with the limit cpu";
    this.#end({ kind: "limit", error: new SampanError("LIMIT_CPU", message, { hint }) });
  }

  #settle(result: RunResult): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.resolve(result);
  }

  #end(result: RunResult): void {
    if (this.#ending !== undefined) return;
    this.#ending = result;
    this.#options.host.cancel();
    this.#ended = Promise.all([...this.#threads].map(({ worker }) => worker.end())).then(() => undefined);
    this.#settle(result);
  }

  #startThread(tid: number): GuestThread {
    const worker = new ThreadWorker(this.#data, {
      onMessage: (message) => this.#received(thread, message),
      onGone: (why) => {
        const message = `Lost a thread of "${this.#module.name}": the thread ${why}`;
        this.#end({ kind: "limit", error: new SampanError("ENGINE_WORKER_LOST", message) });
      },
    });
    const { host, args, trace } = this.#options;
    const context = new Preview1Context({
      host,
      args,
      end: (outcome) => {
        throw new ThreadEnd(outcome);
      },
    });
    const { memories } = this.#data;
    if (memories[0] !== undefined) context.memory.attach(memories[0].memory);
    const calls = this.#module.importPlan().answering(context, trace);
    const thread: GuestThread = { worker, calls, tid };
    this.#threads.add(thread);
    return thread;
  }

  #received(thread: GuestThread, message: FromThread): void {
    switch (message.kind) {
      case "ready":
        if (thread !== this.#main) return;
        this.#pending?.isReady();
        this.#options.onReady?.();
        return;
      case "asks":
        return this.#serve(thread);
      case "given":
        return this.#serveGiven(thread, message.index, message.args);
      case "made":
        this.#functions = message.functions;
        return this.#settle({ kind: "returned", values: [] });
      case "returned":
        return this.#settle({ kind: "returned", values: message.values });
      case "over":
        if (thread.tid !== undefined) this.#tids.delete(thread.tid);
        thread.tid = undefined;
        this.#idle.push(thread);
        return;
      case "thrown":
        // A call of what is not there leaves the guest as it was.
        if (message.thrown.kind === "missing" && thread === this.#main) {
          return this.#settle(resultFromThrown(message.thrown, this.#module, 0));
        }
        this.#end(resultFromThrown(message.thrown, this.#module, thread.tid ?? 0));
    }
  }

  #serve(thread: GuestThread): void {
    const { call, args } = thread.worker.channel.question;
    const answered = (value: unknown): void => {
      if (this.#ending === undefined) thread.worker.channel.answer(Number(value));
    };
    if (call === spawnCall) return answered(this.#spawn(Number(args[0])));
    this.#answer(() => thread.calls[call]?.(...args), answered);
  }

  #serveGiven(thread: GuestThread, index: number, args: readonly unknown[]): void {
    const answered = (value: unknown): void => {
      if (this.#ending === undefined) thread.worker.answerGiven(value);
    };
    this.#answer(() => this.#given[index]?.(...args), answered);
  }

  #answer(run: () => unknown, answered: (value: unknown) => void): void {
    try {
      const value = run();
      if (value instanceof Promise) value.then(answered).catch((error: unknown) => this.#failed(error));
      else answered(value);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#end(error instanceof ThreadEnd ? error.outcome : { kind: "bug", error });
  }

  #spawn(arg: number): number {
    const tid = this.#trySpawn(arg);
    this.#options.trace?.(`thread-spawn(start_arg=${arg >>> 0}) -> ${tid < 0 ? "again" : tid}`);
    return tid;
  }

  /** Starts a thread and answers its number, or -1 where there may be no more. */
  #trySpawn(arg: number): number {
    const { maxThreads = usualThreads, takeThread } = this.#options;
    if (this.#tids.size >= maxThreads) return -1;
    try {
      if (this.#idle.length === 0) takeThread();
    } catch (error) {
      if (error instanceof SampanError) return -1;
      throw error;
    }
    do this.#lastTid = (this.#lastTid + 1) % tidLimit;
    while (this.#lastTid === 0 || this.#tids.has(this.#lastTid));
    const tid = this.#lastTid;
    this.#tids.add(tid);
    const thread = this.#idle.pop() ?? this.#startThread(tid);
    thread.tid = tid;
    thread.worker.tell({ kind: "run", tid, arg });
    return tid;
  }
}

/** Thrown where a host call ends the guest: no code of the guest's runs in this thread. */
class ThreadEnd extends Error {
  override readonly name = "ThreadEnd";
  readonly outcome: GuestOutcome;

  constructor(outcome: GuestOutcome) {
    super(`The guest ends: ${outcome.kind}`);
    this.outcome = outcome;
  }
}
