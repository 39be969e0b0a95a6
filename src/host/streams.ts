import { failure, HostError, refusal } from "../base/index.ts";
import type { StdioName } from "../capabilities/index.ts";
import { Descriptor, type DescriptorAccess } from "./descriptor.ts";
import type { FileCalls, FileType, Whence } from "./filesystem/file-calls.ts";
import { Buffers, FileStat } from "./filesystem/file-calls.ts";
import type { Observer } from "./observer.ts";
import { BrokenPipe, type OutputBudget } from "./output.ts";
import type { Waits } from "./waits.ts";

/** The longest single wait in ms of a thread that others may end. */
const longestTurn = 10;

/** Most bytes that a pipe which is ready takes without waiting for room (PIPE_BUF of Linux). */
const pipePiece = 4096;

/** What a {@link StdioStream} is made with. */
export interface StdioOptions {
  readonly budget: OutputBudget;
  readonly observer: Observer;
  /** Called between the turns in which a blocked thread waits for input. */
  readonly onTurn?: (() => void) | undefined;
  /** How the instance waits without its thread; without it, it blocks its thread. */
  readonly waits?: Waits | undefined;
}

/** A standard stream that is one of this process's own descriptors, whatever that is: a pipe, a terminal, a file. */
export class StdioStream extends Descriptor {
  readonly access: DescriptorAccess;
  readonly #findCalls: () => FileCalls;
  #foundCalls: FileCalls | undefined;
  readonly #fd: number;
  readonly #name: StdioName;
  readonly #options: StdioOptions;
  readonly #broken = new BrokenPipe();
  #type: FileType | undefined;
  #part: Buffers | undefined;

  /** `calls` is asked when the guest first does something with it. */
  constructor(calls: () => FileCalls, name: StdioName, options: StdioOptions) {
    super();
    this.#findCalls = calls;
    this.#options = options;
    this.#fd = name === "stdin" ? 0 : name === "stdout" ? 1 : 2;
    this.#name = name;
    this.access = { read: name === "stdin", write: name !== "stdin" };
  }

  get #calls(): FileCalls {
    return (this.#foundCalls ??= this.#findCalls());
  }

  type(): FileType {
    if (this.#type === undefined) {
      const stat = new FileStat();
      this.stat(stat);
      this.#type = stat.type;
    }
    return this.#type;
  }

  override stat(out: FileStat): void {
    this.#calls.stat(this.#fd, out);
  }

  override isTerminal(): boolean {
    return this.#calls.isTerminal(this.#fd);
  }

  override seek(offset: bigint, whence: Whence): bigint {
    return this.#calls.seek(this.#fd, offset, whence);
  }

  override read(into: Buffers): number | Promise<number> {
    if (!this.access.read) throw failure("badf");
    this.#note();
    const { waits } = this.#options;
    if (waits !== undefined) return this.#suspending("read", into, waits);
    if (this.#options.onTurn !== undefined && !this.flags.nonblock) this.#awaitInput(this.#options.onTurn);
    return this.#blocking("read", into);
  }

  override write(from: Buffers): number | Promise<number> {
    if (!this.access.write) throw failure("badf");
    this.#note();
    const { budget, waits } = this.#options;
    budget.check(from.total);
    try {
      const written = waits === undefined ? this.#blocking("write", from) : this.#suspending("write", from, waits);
      if (typeof written === "number") return budget.spend(written);
      return written.then(
        (count) => budget.spend(count),
        (error: unknown) => this.#broken.meet(error),
      );
    } catch (error) {
      return this.#broken.meet(error);
    }
  }

  override wait(events: "read" | "write", ms: number): boolean {
    return this.#calls.wait(this.#fd, events, ms);
  }

  override watch(events: "read" | "write", wake: () => void): true | (() => void) {
    const { waits } = this.#options;
    if (waits === undefined || this.wait(events, 0)) return true;
    return waits.readiness.watch(this.#fd, events, () => {
      wake();
      return true;
    });
  }

  #note(): void {
    const { observer } = this.#options;
    if (observer.isLearning) observer.used({ capability: "stdio", stream: this.#name });
  }

  /** Waits in short turns, between which the thread can be ended. */
  #awaitInput(onTurn: () => void): void {
    while (!this.#calls.wait(this.#fd, "read", longestTurn)) onTurn();
  }

  #blocking(events: "read" | "write", buffers: Buffers): number {
    // What the process was given usually waits in the system's call, which a guest that asked not to wait must not reach.
    if (this.flags.nonblock && !this.#calls.wait(this.#fd, events, 0)) throw failure("again");
    for (;;) {
      try {
        return this.#calls[events](this.#fd, buffers);
      } catch (error) {
        if (!(error instanceof HostError) || error.errno !== "again" || this.flags.nonblock) throw error;
        this.#calls.wait(this.#fd, events, -1);
      }
    }
  }

  #suspending(events: "read" | "write", buffers: Buffers, waits: Waits): number | Promise<number> {
    try {
      return this.#attempt(events, buffers);
    } catch (error) {
      if (!(error instanceof HostError) || error.errno !== "again" || this.flags.nonblock) throw error;
      return waits.retry(this.#fd, events, () => {
        buffers.refresh();
        return this.#attempt(events, buffers);
      });
    }
  }

  /** Reads or writes what can be moved without waiting. @throws HostError again where that is nothing */
  #attempt(events: "read" | "write", buffers: Buffers): number {
    if (this.type() === "regular-file") return this.#calls[events](this.#fd, buffers);
    if (events === "write") return this.#writeParts(buffers);
    if (!this.#calls.wait(this.#fd, "read", 0)) throw failure("again");
    return this.#calls.read(this.#fd, buffers);
  }

  /** A write that a pipe has no room for waits in the system's call, however ready the pipe was: small ones have room. */
  #writeParts(from: Buffers): number {
    const part = (this.#part ??= new Buffers());
    let written = 0;
    do {
      if (!this.#calls.wait(this.#fd, "write", 0)) break;
      part.takePart(from, written, pipePiece);
      try {
        const count = this.#calls.write(this.#fd, part);
        written += count;
        if (count < part.total) return written;
      } catch (error) {
        // What was written is told first; the error is there again for the next write.
        if (written === 0) throw error;
        return written;
      }
    } while (written < from.total);
    if (written === 0 && from.total > 0) throw failure("again");
    return written;
  }
}

/** A standard stream that was taken away: it is there, because guests expect three, and refuses. */
export class RefusedStream extends Descriptor {
  readonly access: DescriptorAccess;
  readonly #name: StdioName;
  readonly #observer: Observer;

  constructor(name: StdioName, observer: Observer) {
    super();
    this.#name = name;
    this.#observer = observer;
    this.access = { read: name === "stdin", write: name !== "stdin" };
  }

  type(): FileType {
    return "unknown";
  }

  override stat(out: FileStat): void {
    out.type = "unknown";
    out.values.fill(0n);
  }

  override read(): number {
    return this.#refuse();
  }

  override write(): number {
    return this.#refuse();
  }

  #refuse(): never {
    this.#observer.refused({ capability: "stdio", stream: this.#name });
    throw refusal;
  }
}
