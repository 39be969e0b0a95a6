import { errnoTable, HostError } from "../base/index.ts";
import {
  Buffers,
  type Descriptor,
  FileStat,
  GuestEnd,
  type EndReason,
  type HostInstance,
  type Meter,
  type Path,
} from "../host/index.ts";
import type { CallContext } from "./bind.ts";
import { GuestMemory } from "./memory.ts";

/** How a guest stopped: what the host decided, or a defect of the host's. */
export type GuestOutcome = EndReason | { readonly kind: "bug"; readonly error: unknown };

/** What an instance's guest calls work on. */
export interface Preview1Options {
  readonly host: HostInstance;
  /** argv, the program's name first. */
  readonly args: readonly string[];
  /** Ends the guest by a trap executed in Wasm, which no `catch_all` catches. */
  readonly end: (outcome: GuestOutcome) => never;
  readonly waits?: GuestWaits | undefined;
}

/** Hears when a guest that is bound async waits. */
export interface GuestWaits {
  /** The guest is about to be suspended. */
  pause(): void;
  /** The guest goes on: what it waited for is lowered after this, in the same turn. */
  resume(): void;
  /** Where it is given, it calls `go` when the guest may go on: at once, or in a turn of its own. */
  schedule?(go: () => void): void;
}

const encoder = new TextEncoder();
/** Most pieces of one read or write (IOV_MAX). */
const mostPieces = 1024;

/** The state of one instance's preview 1 calls. */
export class Preview1Context implements CallContext {
  readonly memory = new GuestMemory();
  readonly args: readonly Uint8Array[];
  readonly meter: Meter;
  readonly #end: (outcome: GuestOutcome) => never;
  readonly #waits: GuestWaits | undefined;
  #host: HostInstance;
  #buffers: Buffers | undefined;
  #stat: FileStat | undefined;
  /** What the guest waits for; one call at a time, so that there is one. */
  #pending: { readonly reject: (error: unknown) => void } | undefined;
  #environment: readonly Uint8Array[] | undefined;

  constructor({ host, args, end, waits }: Preview1Options) {
    this.#host = host;
    this.meter = host.meter;
    this.#waits = waits;
    this.args = args.map((text) => encoder.encode(`${text}\0`));
    this.#end = end;
  }

  /** What the guest has of the host now. */
  get host(): HostInstance {
    return this.#host;
  }

  /** Goes on with the host state of another instance of the same workload; the meter goes on counting. */
  renew(host: HostInstance): void {
    this.#host = host;
  }

  /** What a call on a file is answered with before it is lowered. */
  get stat(): FileStat {
    return (this.#stat ??= new FileStat());
  }

  /** `NAME=value` with a NUL behind each. */
  get environment(): readonly Uint8Array[] {
    this.#environment ??= this.host.env.map((text) => {
      if (this.host.observer.isLearning)
        this.host.observer.used({ capability: "env", name: text.split("=", 1)[0] ?? "" });
      return encoder.encode(`${text}\0`);
    });
    return this.#environment;
  }

  /** An open descriptor. @throws HostError badf */
  descriptor(fd: number): Descriptor {
    return this.host.descriptors.get(fd);
  }

  /** Takes a path from the guest's memory into one of the two buffers. */
  path(which: 0 | 1, at: number, length: number): Path {
    const path = this.#host.paths[which];
    this.memory.check(at, length);
    path.set(this.memory.bytes, at, length);
    return path;
  }

  /** Reads an array of iovec or ciovec records: address and length of each piece, 4 bytes each. */
  buffers(at: number, count: number): Buffers {
    const { memory } = this;
    memory.check(at, count * 8);
    const buffers = (this.#buffers ??= new Buffers(memory));
    buffers.reset(memory.bytes);
    // The system takes no more at once: a short read or write is an answer.
    const taken = Math.min(count, mostPieces);
    for (let i = 0; i < taken; i++) {
      const start = memory.getU32(at + i * 8);
      const length = memory.getU32(at + i * 8 + 4);
      memory.check(start, length);
      buffers.add(start, length);
    }
    // node:fs takes no empty list; an empty piece says the same.
    if (count === 0) buffers.add(0, 0);
    // A piece in pages that a shared memory got just now: a view of before does not reach them.
    buffers.memory = memory.bytes;
    return buffers;
  }

  suspend<T>(waited: Promise<T>, finish: (value: T) => number, fail: (error: unknown) => number): Promise<number> {
    return new Promise((resolve, reject) => {
      const pending = { reject };
      const goOn = (end: () => number): void => {
        // Interrupted meanwhile: the guest is gone.
        if (this.#pending !== pending) return;
        this.#pending = undefined;
        try {
          this.#waits?.resume();
          resolve(end());
        } catch (error) {
          reject(error as Error);
        }
      };
      const over = (end: () => number): void => {
        if (this.#waits?.schedule === undefined) goOn(end);
        else this.#waits.schedule(() => goOn(end));
      };
      const finished = (value: T): number => {
        try {
          return finish(value);
        } catch (error) {
          return fail(error);
        }
      };
      this.#pending = pending;
      this.#waits?.pause();
      waited.then(
        (value) => over(() => finished(value)),
        (error: unknown) => over(() => fail(error)),
      );
    });
  }

  /**
   * Ends a guest that waits: what it waits for is given up, and it is thrown the error, which has to be that of a trap executed
   * in Wasm because a guest catches any other. False where the guest does not wait.
   */
  interrupt(error: WebAssembly.RuntimeError): boolean {
    const pending = this.#pending;
    if (pending === undefined) return false;
    this.#pending = undefined;
    this.host.cancel();
    pending.reject(error);
    return true;
  }

  fail(error: unknown): number {
    if (error instanceof HostError) return errnoTable[error.errno].preview1;
    if (error instanceof GuestEnd) return this.#end(error.reason);
    // The guest's own stack ran out while it was calling us: its trap, not our defect.
    if (error instanceof RangeError && error.message.startsWith("Maximum call stack")) throw error;
    return this.#end({ kind: "bug", error });
  }

  nameOfError(error: unknown): string | undefined {
    return error instanceof HostError ? error.errno : undefined;
  }
}
