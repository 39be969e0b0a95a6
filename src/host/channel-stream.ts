import { type ByteSink, type ByteSource, failure, SampanError } from "../base/index.ts";
import type { StdioName } from "../capabilities/index.ts";
import { Descriptor, type DescriptorAccess } from "./descriptor.ts";
import type { Buffers, FileStat, FileType } from "./filesystem/file-calls.ts";
import { BrokenPipe, type OutputBudget } from "./output.ts";
import type { Waits } from "./waits.ts";

/** Most bytes that one read or write of a channel moves in an instance that waits without its thread. */
const mostBytes = 65_536;

/**
 * Bytes of the host's own for channels to read into and write from: what a channel keeps across a wait is never a guest's
 * memory. One buffer serves all calls, and is replaced where a channel goes on with it.
 */
export class Scratch {
  #part: Uint8Array | undefined;

  /** So many bytes to use until they are given back, at most 64 KiB. */
  take(length: number): Uint8Array {
    const kept = this.#part;
    this.#part = undefined;
    // Guests often move as many bytes again.
    if (kept?.length === length) return kept;
    const buffer =
      kept !== undefined && kept.buffer.byteLength >= length ? kept.buffer : new ArrayBuffer(roundUp(length));
    return new Uint8Array(buffer, 0, length);
  }

  give(part: Uint8Array): void {
    this.#part = part;
  }
}

function roundUp(length: number): number {
  return Math.min(mostBytes, Math.max(4096, 2 ** Math.ceil(Math.log2(length))));
}

/** What a {@link ChannelStream} is made with. */
export interface ChannelOptions {
  readonly name: StdioName;
  readonly budget: OutputBudget;
  /** How the instance waits without its thread; without it, a channel that has to be waited for is an error. */
  readonly waits?: { readonly waits: Waits; readonly scratch: Scratch } | undefined;
  /** Called once, when the guest or its end closes the stream. */
  readonly onClose?: (() => void) | undefined;
}

/** A standard stream that an embedder gives as a channel of bytes. */
export class ChannelStream extends Descriptor {
  readonly access: DescriptorAccess;
  readonly #source: ByteSource | undefined;
  readonly #sink: ByteSink | undefined;
  readonly #options: ChannelOptions;
  readonly #budget: OutputBudget;
  readonly #suspending: Suspending | undefined;
  readonly #broken = new BrokenPipe();

  constructor(channel: { source: ByteSource } | { sink: ByteSink }, options: ChannelOptions) {
    super();
    this.#source = "source" in channel ? channel.source : undefined;
    this.#sink = "sink" in channel ? channel.sink : undefined;
    this.#options = options;
    this.#budget = options.budget;
    this.#suspending = options.waits;
    this.access = { read: this.#source !== undefined, write: this.#sink !== undefined };
  }

  type(): FileType {
    return "unknown";
  }

  override stat(out: FileStat): void {
    out.type = "unknown";
    out.values.fill(0n);
  }

  override close(): void {
    this.#options.onClose?.();
  }

  override read(into: Buffers): number | Promise<number> {
    const source = this.#source;
    if (source === undefined) return super.read(into);
    if (into.total === 0) return 0;
    if (this.flags.nonblock && !isReadyNow(source)) throw failure("again");
    const suspending = this.#suspending;
    if (suspending === undefined) return this.#atOnce(source.read(firstPiece(into)));
    const ready = source.ready(suspending.waits.signal);
    if (ready === true) return readNow(source, into, suspending);
    const go = (): number | Promise<number> => {
      into.refresh();
      return readNow(source, into, suspending);
    };
    // An error is met in the read itself.
    return suspending.waits.forSignal(ready).then(go, go);
  }

  override write(from: Buffers): number | Promise<number> {
    const sink = this.#sink;
    if (sink === undefined) return super.write(from);
    this.#budget.check(from.total);
    if (this.flags.nonblock && !isReadyNow(sink)) throw failure("again");
    try {
      const suspending = this.#suspending;
      const written =
        suspending === undefined ? this.#writeBlocking(sink, from) : writeSuspending(sink, from, suspending);
      return typeof written === "number" ? this.#budget.spend(written) : this.#written(written);
    } catch (error) {
      return this.#broken.meet(error);
    }
  }

  #written(written: Promise<number>): Promise<number> {
    return written.then(
      (count) => this.#budget.spend(count),
      (error: unknown) => this.#broken.meet(error),
    );
  }

  override wait(_events: "read" | "write", ms: number): boolean {
    const channel = this.#source ?? this.#sink;
    if (channel === undefined || isReadyNow(channel)) return true;
    if (ms < 0) throw this.#waitsError();
    // Nothing can come of a channel while its thread is blocked.
    if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return false;
  }

  override watch(_events: "read" | "write", wake: () => void): true | (() => void) {
    const channel = this.#source ?? this.#sink;
    if (channel === undefined) return true;
    const controller = new AbortController();
    const ready = channel.ready(controller.signal);
    if (ready === true) return true;
    let isOver = false;
    const woken = (): void => {
      if (!isOver) wake();
    };
    ready.then(woken, woken);
    return () => {
      isOver = true;
      controller.abort();
    };
  }

  #writeBlocking(sink: ByteSink, from: Buffers): number {
    let written = 0;
    for (let i = 0; i < from.count; i++) {
      const piece = from.view(i);
      const taken = this.#atOnce(sink.write(piece));
      written += taken;
      // What is left over the guest writes again: a short write is an answer.
      if (taken < piece.length) break;
    }
    return written;
  }

  #atOnce(answer: number | Promise<number>): number {
    if (typeof answer === "number") return answer;
    answer.catch(() => {});
    throw this.#waitsError();
  }

  #waitsError(): SampanError {
    const { name } = this.#options;
    const message = `Cannot wait for the channel of ${name}: the instance blocks its thread, in which the channel goes on`;
    return new SampanError("CHANNEL_WAITS", message, { hint: "bind the instance async" });
  }
}

type Suspending = NonNullable<ChannelOptions["waits"]>;

function writeSuspending(sink: ByteSink, from: Buffers, suspending: Suspending): number | Promise<number> {
  const { waits } = suspending;
  const ready = sink.ready(waits.signal);
  if (ready === true) return writeNow(sink, from, suspending);
  const go = (): number | Promise<number> => {
    from.refresh();
    return writeNow(sink, from, suspending);
  };
  return waits.forSignal(ready).then(go, go);
}

function readNow(source: ByteSource, into: Buffers, { waits, scratch }: Suspending): number | Promise<number> {
  const length = Math.min(into.total, mostBytes);
  const bytes = scratch.take(length);
  const count = source.read(bytes, waits.signal);
  const finish = (came: number): number => {
    into.scatter(bytes, came);
    scratch.give(bytes);
    return came;
  };
  if (typeof count === "number") return finish(count);
  return waits.forSignal(count).then((came) => {
    into.refresh();
    return finish(came);
  });
}

function writeNow(sink: ByteSink, from: Buffers, { waits, scratch }: Suspending): number | Promise<number> {
  const length = Math.min(from.total, mostBytes);
  const bytes = scratch.take(length);
  from.gather(bytes, length);
  const count = sink.write(bytes, waits.signal);
  if (typeof count !== "number") return waits.forSignal(count);
  // What is left over the guest writes again: a short write is an answer.
  scratch.give(bytes);
  return count;
}

function isReadyNow(channel: ByteSource | ByteSink): boolean {
  const controller = new AbortController();
  const ready = channel.ready(controller.signal);
  if (ready === true) return true;
  ready.catch(() => {});
  controller.abort();
  return false;
}

function firstPiece(buffers: Buffers): Uint8Array {
  let first = 0;
  while (buffers.lengths[first] === 0) first += 1;
  return buffers.view(first);
}
