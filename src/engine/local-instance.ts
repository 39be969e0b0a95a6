import type { BindMode, GuestOutcome } from "../abi/index.ts";
import { SampanError } from "../base/index.ts";
import type { HostInstance } from "../host/index.ts";
import { explainBacktrace } from "./backtrace.ts";
import { endingFrom, inThread, type RunEnding } from "./ending.ts";
import type { GuestModule } from "./guest-module.ts";
import type { Guest, RunResult } from "./guest.ts";
import type { Instance } from "./instance.ts";
import type { InstanceUsage } from "./limits.ts";

/** The number of SIGKILL, which ends a guest that is killed without a word. */
const sigkill = 9;

/** What an engine knows of an instance beside its guest. */
export interface LocalInstanceParts {
  readonly guest: Guest;
  readonly module: GuestModule;
  readonly host: HostInstance;
  readonly mode: BindMode;
  /** Asks for what a suspended call takes. @throws LIMIT_STACKS */
  readonly takeStack: () => void;
  /** Gives that back. */
  readonly giveStack: () => void;
  /** Called once, when it is closed. */
  readonly onClose: () => void;
}

/** An instance in this thread: it can be called without a promise, and its memory can be seen. */
export class LocalInstance implements Instance {
  /** Whether host calls suspend it (`async`) or block the thread (`sync`). */
  readonly mode: BindMode;
  readonly #parts: LocalInstanceParts;
  #current: string | undefined;
  #isClosed = false;

  constructor(parts: LocalInstanceParts) {
    this.#parts = parts;
    this.mode = parts.mode;
  }

  /** Makes the instance and runs its start function. @throws what {@link call} throws, GUEST_IMPORT_UNKNOWN, LIMIT_MEMORIES */
  async start(): Promise<void> {
    const { guest, module, takeStack, giveStack } = this.#parts;
    const suspends = this.mode === "async" && module.layout.start !== undefined;
    if (suspends) takeStack();
    try {
      const failed = this.mode === "sync" ? guest.instantiate() : await guest.instantiateAsync();
      if (failed !== undefined) valueOf(failed, module);
    } finally {
      if (suspends) giveStack();
    }
  }

  get functions(): readonly string[] {
    return this.#parts.module.functionNames(this.#parts.guest.exports);
  }

  /** The memory that it exports under a name, if it does. */
  memory(name = "memory"): WebAssembly.Memory | undefined {
    const found = this.#parts.guest.exports[name];
    return found instanceof WebAssembly.Memory ? found : undefined;
  }

  usage(): Promise<InstanceUsage> {
    const { guest, host } = this.#parts;
    const { calls, bytesIn, bytesOut } = host.meter;
    return Promise.resolve({ calls, bytesIn, bytesOut, cpu: guest.cpu, memory: guest.memoryBytes });
  }

  get isEnded(): boolean {
    return this.#isClosed || this.#parts.guest.isEnded;
  }

  async call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return valueOf(await this.#begin(name, args), this.#parts.module);
  }

  /** Calls an export of an instance that is bound sync, at once. @throws what {@link call} throws, INSTANCE_ASYNC */
  callSync(name: string, ...args: readonly unknown[]): unknown {
    if (this.mode === "async") {
      const message = `Cannot call "${name}" at once: the instance is bound async, because a call of it may have to wait`;
      throw new SampanError("INSTANCE_ASYNC", message, { hint: 'await call(), or instantiate with mode: "sync"' });
    }
    this.#check(name);
    this.#current = name;
    try {
      return valueOf(this.#parts.guest.call(name, args), this.#parts.module);
    } finally {
      this.#current = undefined;
    }
  }

  async run(): Promise<RunEnding> {
    const ending = endingFrom(await this.#begin("_start", []));
    if (ending.kind !== "trap") return ending;
    return { ...ending, backtrace: explainBacktrace(ending.backtrace, this.#parts.module.bytes) };
  }

  /** A call that waits ends at once, one that runs ends at its next check. */
  kill(signal: number = sigkill): void {
    this.#parts.guest.stop({ kind: "signal", signal });
  }

  /** Ends it with a reason that its calls then throw. */
  abort(outcome: GuestOutcome): void {
    this.#parts.guest.stop(outcome);
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.kill();
    this.#parts.guest.close();
    this.#parts.onClose();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin(name: string, args: readonly unknown[]): Promise<RunResult> {
    this.#check(name);
    this.#current = name;
    try {
      if (this.mode === "sync") return this.#parts.guest.call(name, args);
      this.#parts.takeStack();
      try {
        return await this.#parts.guest.callAsync(name, args);
      } finally {
        this.#parts.giveStack();
      }
    } finally {
      this.#current = undefined;
    }
  }

  #check(name: string): void {
    const { name: module, layout } = this.#parts.module;
    if (name.startsWith(`${layout.namespace}/`))
      throw new SampanError("GUEST_EXPORT_MISSING", `Cannot call "${name}" of "${module}": that is the engine's own`);
    if (this.#current !== undefined) {
      const message = `Cannot call "${name}" while "${this.#current}" runs: an instance takes one call at a time`;
      throw new SampanError("INSTANCE_BUSY", message, { hint: "await the first call, or make one more instance" });
    }
    if (this.isEnded) {
      const why = this.#isClosed ? "closed" : "at its end";
      throw new SampanError("INSTANCE_ENDED", `Cannot call "${name}": the instance is ${why}`, {
        hint: "make a new instance",
      });
    }
  }
}

/** What a call answers, or the error that says how the guest ended instead. @throws what Instance.call throws */
export function valueOf(result: RunResult, { name: module, bytes }: GuestModule): unknown {
  switch (result.kind) {
    case "returned":
      return result.values.length < 2 ? result.values[0] : result.values;
    case "limit":
      throw result.error;
    case "bug":
      throw result.error;
    case "trap":
      throw new SampanError(
        result.code ?? "GUEST_TRAPPED",
        `Module "${module}" trapped${inThread(result)}: ${result.message}`,
        {
          hint: result.hint,
          data: { backtrace: explainBacktrace(result.backtrace, bytes) },
        },
      );
    case "exit":
      throw new SampanError("GUEST_EXITED", `Module "${module}" exited with ${result.code}`, {
        data: { code: result.code },
      });
    case "signal":
      throw new SampanError("GUEST_EXITED", `Module "${module}" was ended by signal ${result.signal}`, {
        data: { signal: result.signal, code: 128 + result.signal },
      });
  }
}
