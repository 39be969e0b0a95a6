import { SampanError } from "../../base/index.ts";
import type { HostInstance } from "../../host/index.ts";
import { explainBacktrace } from "../backtrace.ts";
import { endingFrom, type RunEnding } from "../ending.ts";
import type { GuestModule } from "../guest-module.ts";
import type { RunResult } from "../guest.ts";
import type { Instance } from "../instance.ts";
import type { InstanceUsage } from "../limits.ts";
import { valueOf } from "../local-instance.ts";
import type { ThreadedGuest } from "./threaded-guest.ts";

/** What an engine knows of an instance with threads beside its guest. */
export interface ThreadedInstanceParts {
  readonly guest: ThreadedGuest;
  readonly module: GuestModule;
  readonly host: HostInstance;
  /** Called once, when it is closed. */
  readonly onClose: () => void;
}

/** An instance of a module that starts threads, each of which is a thread of the system's. */
export class ThreadedInstance implements Instance {
  readonly #parts: ThreadedInstanceParts;
  #current: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: ThreadedInstanceParts) {
    this.#parts = parts;
  }

  /** Makes its first instance. @throws what {@link call} throws, GUEST_IMPORT_UNKNOWN, LIMIT_THREADS */
  async start(): Promise<void> {
    const { guest, module } = this.#parts;
    const failed = await guest.start();
    if (failed !== undefined) valueOf(failed, module);
  }

  get functions(): readonly string[] {
    return this.#parts.guest.functions;
  }

  get isEnded(): boolean {
    return this.#parts.guest.isEnded;
  }

  async call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return valueOf(await this.#begin(name, args), this.#parts.module);
  }

  /** The first thread's return ends the others, as exit(0) would. */
  async run(): Promise<RunEnding> {
    const { guest, module } = this.#parts;
    const result = await this.#begin("_start", []);
    if (result.kind === "returned") guest.stop({ kind: "exit", code: 0 });
    const ending = endingFrom(result);
    if (ending.kind !== "trap") return ending;
    return { ...ending, backtrace: explainBacktrace(ending.backtrace, module.bytes) };
  }

  /** Its calls are those that reach the host: what a thread asks of a clock or for randomness is not among them. */
  async usage(): Promise<InstanceUsage> {
    const { guest, host } = this.#parts;
    const { calls, bytesIn, bytesOut } = host.meter;
    return { calls, bytesIn, bytesOut, cpu: await guest.cpu(), memory: guest.memoryBytes };
  }

  kill(signal: number = 9): void {
    this.#parts.guest.stop({ kind: "signal", signal });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#parts.guest.close().then(() => this.#parts.onClose()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin(name: string, args: readonly unknown[]): Promise<RunResult> {
    if (this.#current !== undefined) {
      const message = `Cannot call "${name}" while "${this.#current}" runs: an instance takes one call at a time`;
      throw new SampanError("INSTANCE_BUSY", message, { hint: "await the first call, or make one more instance" });
    }
    if (this.isEnded) {
      const why = this.#closing === undefined ? "at its end" : "closed";
      throw new SampanError("INSTANCE_ENDED", `Cannot call "${name}": the instance is ${why}`, {
        hint: "make a new instance",
      });
    }
    this.#current = name;
    try {
      return await this.#parts.guest.call(name, args);
    } finally {
      this.#current = undefined;
    }
  }
}
