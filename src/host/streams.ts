import { failure, formatBytes, HostError, refusal, SampanError } from "../base/index.ts";
import type { ByteSink, ByteSource } from "../base/index.ts";
import type { StdioName } from "../capabilities/index.ts";
import { Descriptor, type DescriptorAccess } from "./descriptor.ts";
import type { Buffers, FileCalls, FileStat, FileType, Whence } from "./filesystem/file-calls.ts";
import { FileStat as Stat } from "./filesystem/file-calls.ts";
import { GuestEnd } from "./guest-end.ts";
import type { Observer } from "./observer.ts";

const sigpipe = 13;

/** Counts the bytes that a guest may still write to its output streams. */
export class OutputBudget {
  readonly #limit: number;
  #left: number;

  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
    this.#left = limit;
  }

  /** Asks before a write whether there is room for it. @throws GuestEnd with LIMIT_OUTPUT where it would pass the limit */
  check(bytes: number): void {
    if (bytes <= this.#left) return;
    const error = new SampanError("LIMIT_OUTPUT", `Cannot write more output: ${formatBytes(this.#limit)} are used up`, {
      hint: "raise it with --max-output SIZE",
    });
    throw new GuestEnd({ kind: "limit", error });
  }

  /** Takes off what was written in the end: a stream may take a part only, and the guest writes the rest again. */
  spend(bytes: number): number {
    this.#left -= bytes;
    return bytes;
  }
}

/** The longest single wait in ms of a thread that others may end. */
const longestTurn = 50;

/** What a {@link StdioStream} is made with. */
export interface StdioOptions {
  readonly budget: OutputBudget;
  readonly observer: Observer;
  /** Whether input is read only once it is ready. */
  readonly waitsBeforeReading?: boolean;
}

/** A standard stream that is one of this process's own descriptors, whatever that is: a pipe, a terminal, a file. */
export class StdioStream extends Descriptor {
  readonly access: DescriptorAccess;
  readonly #calls: FileCalls;
  readonly #fd: number;
  readonly #name: StdioName;
  readonly #budget: OutputBudget;
  readonly #observer: Observer;
  readonly #waitsBeforeReading: boolean;
  #type: FileType | undefined;
  #isBroken = false;

  constructor(calls: FileCalls, name: StdioName, { budget, observer, waitsBeforeReading = false }: StdioOptions) {
    super();
    this.#calls = calls;
    this.#waitsBeforeReading = waitsBeforeReading;
    this.#fd = name === "stdin" ? 0 : name === "stdout" ? 1 : 2;
    this.#name = name;
    this.#budget = budget;
    this.#observer = observer;
    this.access = { read: name === "stdin", write: name !== "stdin" };
  }

  type(): FileType {
    if (this.#type === undefined) {
      const stat = new Stat();
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

  override read(into: Buffers): number {
    if (!this.access.read) throw failure("badf");
    if (this.#observer.isLearning) this.#observer.used({ capability: "stdio", stream: this.#name });
    if (this.#waitsBeforeReading && !this.flags.nonblock) this.#awaitInput();
    return this.#waiting("read", () => this.#calls.read(this.#fd, into));
  }

  /** Waits in short turns, between which the thread can be ended. */
  #awaitInput(): void {
    while (!this.#calls.wait(this.#fd, "read", longestTurn));
  }

  override write(from: Buffers): number {
    if (!this.access.write) throw failure("badf");
    if (this.#observer.isLearning) this.#observer.used({ capability: "stdio", stream: this.#name });
    this.#budget.check(from.total);
    try {
      return this.#budget.spend(this.#waiting("write", () => this.#calls.write(this.#fd, from)));
    } catch (error) {
      if (error instanceof HostError && error.errno === "pipe") {
        // Told once that nobody reads any more; a guest that goes on ends as SIGPIPE would have ended it.
        if (this.#isBroken) throw new GuestEnd({ kind: "signal", signal: sigpipe });
        this.#isBroken = true;
      }
      throw error;
    }
  }

  override wait(events: "read" | "write", ms: number): boolean {
    return this.#calls.wait(this.#fd, events, ms);
  }

  #waiting(events: "read" | "write", call: () => number): number {
    // What the process was given usually waits in the system's call, which a guest that asked not to wait must not reach.
    if (this.flags.nonblock && !this.#calls.wait(this.#fd, events, 0)) throw failure("again");
    for (;;) {
      try {
        return call();
      } catch (error) {
        if (!(error instanceof HostError) || error.errno !== "again" || this.flags.nonblock) throw error;
        this.#calls.wait(this.#fd, events, -1);
      }
    }
  }
}

/** A standard stream that an embedder gives as a channel of bytes. */
export class ChannelStream extends Descriptor {
  readonly access: DescriptorAccess;
  readonly #source: ByteSource | undefined;
  readonly #sink: ByteSink | undefined;
  readonly #budget: OutputBudget;

  constructor(channel: { source: ByteSource } | { sink: ByteSink }, budget: OutputBudget) {
    super();
    this.#source = "source" in channel ? channel.source : undefined;
    this.#sink = "sink" in channel ? channel.sink : undefined;
    this.#budget = budget;
    this.access = { read: this.#source !== undefined, write: this.#sink !== undefined };
  }

  type(): FileType {
    return "unknown";
  }

  override stat(out: FileStat): void {
    out.type = "unknown";
    out.values.fill(0n);
  }

  override read(into: Buffers): number | Promise<number> {
    if (this.#source === undefined) return super.read(into);
    const first = firstPiece(into);
    return first === undefined ? 0 : this.#source.read(first);
  }

  override write(from: Buffers): number | Promise<number> {
    const sink = this.#sink;
    if (sink === undefined) return super.write(from);
    this.#budget.check(from.total);
    let written = 0;
    for (let i = 0; i < from.count; i++) {
      const piece = from.view(i);
      const taken = sink.write(piece);
      // What is left over, or has to be waited for, the guest writes again: a short write is an answer.
      if (typeof taken !== "number") return taken.then((count) => this.#budget.spend(written + count));
      written += taken;
      if (taken < piece.length) break;
    }
    return this.#budget.spend(written);
  }
}

function firstPiece(buffers: Buffers): Uint8Array | undefined {
  for (let i = 0; i < buffers.count; i++) if ((buffers.lengths[i] ?? 0) > 0) return buffers.view(i);
  return undefined;
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
