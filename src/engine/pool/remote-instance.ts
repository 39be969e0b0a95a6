import { SampanError } from "../../base/index.ts";
import type { RunEnding } from "../ending.ts";
import type { Instance } from "../instance.ts";
import type { InstanceUsage } from "../limits.ts";
import type { CallData, InstanceName, KillData } from "./protocol.ts";

/** What reaches an instance in another thread or process. */
export interface RemoteParts {
  readonly id: number;
  /** Names of the functions that it exports, once it is made. */
  readonly functions: () => readonly string[];
  readonly request: (name: string, data: unknown) => Promise<unknown>;
  /** Ends it there, whatever it is doing. */
  readonly kill: (data: KillData) => void;
  /** Called once, when it is closed. */
  readonly onClose: () => void;
}

const sigkill = 9;

/** An instance in another thread or process. */
export class RemoteInstance implements Instance {
  readonly #parts: RemoteParts;
  #current: string | undefined;
  #ended: string | undefined;

  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  get functions(): readonly string[] {
    return this.#parts.functions();
  }

  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#ask("call", name, { instance: this.#parts.id, name, args } satisfies CallData);
  }

  async run(): Promise<RunEnding> {
    const ending = await this.#ask("run", "_start", { instance: this.#parts.id } satisfies InstanceName);
    return ending as RunEnding;
  }

  async usage(): Promise<InstanceUsage> {
    const usage = await this.#parts.request("usage", { instance: this.#parts.id } satisfies InstanceName);
    return usage as InstanceUsage;
  }

  kill(signal: number = sigkill): void {
    if (this.#ended !== undefined) return;
    this.#ended = "at its end";
    this.#parts.kill({ instance: this.#parts.id, signal });
  }

  async close(): Promise<void> {
    if (this.#ended === "closed") return;
    this.kill();
    this.#ended = "closed";
    try {
      await this.#parts.request("close", { instance: this.#parts.id } satisfies InstanceName);
    } catch (error) {
      // A worker that is gone has closed everything.
      if (!(error instanceof SampanError) || error.code !== "ENGINE_WORKER_LOST") throw error;
    } finally {
      this.#parts.onClose();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Marks it as ended with its worker. */
  lose(): void {
    this.#ended ??= "at its end";
  }

  async #ask(what: "call" | "run", name: string, data: unknown): Promise<unknown> {
    if (this.#current !== undefined) {
      const message = `Cannot call "${name}" while "${this.#current}" runs: an instance takes one call at a time`;
      throw new SampanError("INSTANCE_BUSY", message, { hint: "await the first call, or make one more instance" });
    }
    if (this.#ended !== undefined) {
      throw new SampanError("INSTANCE_ENDED", `Cannot call "${name}": the instance is ${this.#ended}`, {
        hint: "make a new instance",
      });
    }
    this.#current = name;
    try {
      return await this.#parts.request(what, data);
    } catch (error) {
      if (error instanceof SampanError && endsInstance.has(error.code)) this.lose();
      throw error;
    } finally {
      this.#current = undefined;
    }
  }
}

/** Codes after which the instance on the other side takes no call any more. */
const endsInstance: ReadonlySet<string> = new Set([
  "GUEST_EXITED",
  "GUEST_TRAPPED",
  "INSTANCE_ENDED",
  "LIMIT_CPU",
  "LIMIT_DEADLINE",
  "LIMIT_OUTPUT",
  "ENGINE_WORKER_LOST",
]);
