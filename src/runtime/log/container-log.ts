import { type ByteSink, formatBytes, SampanError } from "../../base/index.ts";
import type { Clock, Stamps } from "../clock.ts";
import { LineCutter } from "./line-cutter.ts";
import { encodeEntry, type LogEntry, type OutputStream } from "./log-entry.ts";
import { type LogReadOptions, readLog } from "./log-reader.ts";
import type { LogStore, Segment, SegmentReader } from "./log-store.ts";

/** How large a log may become: it never holds more than `maxFile` parts of `maxSize` bytes. */
export interface LogLimits {
  /** Bytes of a part, at least 1 KiB; one entry that is longer makes a part of its own. */
  readonly maxSize: number;
  /** Parts, at least one. With one, a full log begins anew. */
  readonly maxFile: number;
}

/** Bytes that may wait for the disk before a workload that writes more has to wait too. */
const mostWaiting = 256 * 1024;
/** Bytes of one write to the store. */
const batchSize = 64 * 1024;

/** What the runtime hands to a workload that starts, and how it says that the workload has ended. */
export interface LogSinks {
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  /** Writes out lines without an end. */
  end(): void;
}

/**
 * The output of one container, as entries in segments that rotate. Writers wait where the store is slow; readers read from
 * the store at their own pace, so that a slow one costs nothing but what rotation takes from it.
 */
export class ContainerLog {
  readonly #store: LogStore;
  readonly #limits: LogLimits;
  readonly #stamps: Stamps;
  readonly #clock: Clock;
  readonly #acknowledges: "queued" | "stored";
  readonly #segments: Segment[] = [];
  readonly #queue: Buffer[] = [];
  readonly #watchers = new Set<() => void>();
  #queuedBytes = 0;
  #isWriting = false;
  #isLive = true;
  /** A write failed: what it left behind is not counted, so that the next entry begins a new segment. */
  #isTorn = false;
  #isRemoved = false;
  /** The number of the entry that is written next. */
  #next = 0;
  #lost = 0;
  #failure: SampanError | undefined;

  private constructor(store: LogStore, { limits, clock, stamps, acknowledges = "queued" }: LogOptions) {
    this.#store = store;
    this.#limits = limits;
    this.#clock = clock;
    this.#stamps = stamps;
    this.#acknowledges = acknowledges;
  }

  /** Opens a log that goes on where an earlier one of the same store stopped. @throws CONTAINER_INVALID, LOG_UNWRITABLE */
  static async open(store: LogStore, options: LogOptions): Promise<ContainerLog> {
    const { maxSize, maxFile } = options.limits;
    if (!(maxSize >= 1024) || !(maxFile >= 1)) {
      const size = `${formatBytes(maxSize)} × ${maxFile}`;
      throw new SampanError("CONTAINER_INVALID", `Cannot limit a log to ${size}: wanted at least 1 KiB and one file`);
    }
    const log = new ContainerLog(store, options);
    try {
      log.#segments.push(...(await store.open()));
    } catch (error) {
      throw unwritable(error);
    }
    const last = log.#segments.at(-1);
    if (last !== undefined) log.#next = last.first + last.count;
    return log;
  }

  /** Entries that could not be written. */
  get lost(): number {
    return this.#lost;
  }

  /** LOG_UNWRITABLE where entries were lost, with the system's reason as its cause. */
  get failure(): SampanError | undefined {
    return this.#failure;
  }

  /** Whether all that was written is in the store. */
  get isDrained(): boolean {
    return this.#queue.length === 0 && !this.#isWriting;
  }

  /** Whether more may come: a reader that follows waits for it. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** The number of the entry that comes after those in the store. */
  get end(): number {
    return this.#next;
  }

  /** The number of the first entry that is still there. */
  get begin(): number {
    return this.#segments[0]?.first ?? this.#next;
  }

  /** The segment that holds an entry, or the first one behind it; undefined where nothing is there yet. */
  segmentFrom(entry: number): Segment | undefined {
    return this.#segments.find(({ first, count }) => entry < first + count);
  }

  /** A reader of a segment. */
  reader({ first }: Segment): SegmentReader {
    return this.#store.reader(first);
  }

  /** Makes a workload's output streams. */
  createSinks(): LogSinks {
    const streams = { stdout: this.#createStream("stdout"), stderr: this.#createStream("stderr") };
    const end = (): void => {
      streams.stdout.close();
      streams.stderr.close();
    };
    return { ...streams, end };
  }

  /** Says whether more output may come; readers that follow end where none can. */
  setLive(isLive: boolean): void {
    this.#isLive = isLive;
    this.#tell();
    if (!isLive) void this.#release();
  }

  /** Resolves once all that was written so far is in the store. */
  async drained(): Promise<void> {
    while (!this.isDrained) await this.changed();
  }

  /** Resolves once something has changed: entries, liveness, or `until` is reached. */
  changed({ until, signal }: { until?: number | undefined; signal?: AbortSignal | undefined } = {}): Promise<void> {
    return new Promise((resolve) => {
      const cancel = until === undefined ? () => {} : this.#clock.setTimer(until - this.#clock.now(), () => done());
      const done = (): void => {
        cancel();
        signal?.removeEventListener("abort", done);
        this.#watchers.delete(done);
        resolve();
      };
      this.#watchers.add(done);
      signal?.addEventListener("abort", done);
      if (signal?.aborted === true) done();
    });
  }

  /** The milliseconds since 1970 that it is. */
  now(): number {
    return this.#clock.now();
  }

  /** Reads entries; those from the moment of this call on where it follows. @throws TIME_INVALID */
  read(options: LogReadOptions = {}): AsyncGenerator<LogEntry, undefined> {
    return readLog(this, options);
  }

  /** Lets go of files once everything is written; readers go on, and the next output opens them again. */
  async close(): Promise<void> {
    this.setLive(false);
    await this.#release();
  }

  /** Deletes the log; its readers end. @throws LOG_UNWRITABLE */
  async remove(): Promise<void> {
    this.#isRemoved = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.setLive(false);
    await this.drained();
    this.#segments.length = 0;
    try {
      await this.#store.remove();
    } catch (error) {
      throw unwritable(error);
    }
  }

  #createStream(stream: OutputStream): ByteSink {
    let isClosed = false;
    const cutter = new LineCutter((text) => this.#put({ text, stream, time: this.#stamps.next() }));
    const take = (bytes: Uint8Array): number | Promise<number> => {
      // What comes after the end has no reader any more, and must not hold up whoever writes it.
      if (isClosed) return bytes.length;
      const { length } = bytes.subarray(0, batchSize);
      cutter.push(bytes.subarray(0, length));
      this.#write();
      if (this.#acknowledges === "queued" || this.isDrained) return length;
      return this.drained().then(() => length);
    };
    return {
      write: (bytes, signal) => {
        if (isClosed || this.#hasRoom()) return take(bytes);
        return this.#room(signal).then(() => take(bytes));
      },
      ready: (signal) => (isClosed || this.#hasRoom() ? true : this.#room(signal)),
      close: () => {
        if (isClosed) return;
        cutter.end();
        isClosed = true;
        this.#write();
      },
    };
  }

  /** Lets go of files once all is written, unless more is to come by then. The store opens them again when it has to. */
  async #release(): Promise<void> {
    await this.drained();
    if (this.#isLive) return;
    try {
      await this.#store.close();
    } catch (error) {
      this.#failure = unwritable(error);
    }
  }

  #hasRoom(): boolean {
    return this.#queuedBytes < mostWaiting;
  }

  async #room(signal: AbortSignal | undefined): Promise<void> {
    while (!this.#hasRoom()) {
      signal?.throwIfAborted();
      await this.changed({ signal });
    }
  }

  #put(entry: LogEntry): void {
    if (this.#isRemoved) return;
    const line = encodeEntry(entry);
    this.#queue.push(line);
    this.#queuedBytes += line.length;
  }

  /** Writes what waits, at once where the store does not wait itself. */
  #write(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    const rest = this.#writeBatches();
    if (rest === undefined) this.#isWriting = false;
    else void rest.then(() => this.#writeOn());
    this.#tell();
  }

  #writeOn(): void {
    this.#isWriting = false;
    this.#write();
  }

  /** Writes batches until none is left, or answers a promise of the first one that waits. */
  #writeBatches(): Promise<void> | undefined {
    while (this.#queue.length > 0) {
      const lines = this.#nextBatch();
      try {
        const written = this.#append(lines);
        if (written !== undefined) return written.catch((error: unknown) => this.#fail(lines.length, error));
      } catch (error) {
        this.#fail(lines.length, error);
      }
    }
    return undefined;
  }

  /** Takes as many lines as one write and the newest segment have room for, one at least. */
  #nextBatch(): readonly Buffer[] {
    const newest = this.#segments.at(-1);
    const isFull =
      newest === undefined || this.#isTorn || newest.size + (this.#queue[0]?.length ?? 0) > this.#limits.maxSize;
    const room = Math.min(batchSize, this.#limits.maxSize - (isFull ? 0 : newest.size));
    let [count, size] = [0, 0];
    for (const line of this.#queue) {
      if (count > 0 && size + line.length > room) break;
      count += 1;
      size += line.length;
    }
    this.#queuedBytes -= size;
    return this.#queue.splice(0, count);
  }

  #append(lines: readonly Buffer[]): Promise<void> | undefined {
    const bytes = lines.length === 1 && lines[0] !== undefined ? lines[0] : Buffer.concat(lines);
    const newest = this.#segments.at(-1);
    const isFull =
      newest === undefined || this.#isTorn || (newest.count > 0 && newest.size + bytes.length > this.#limits.maxSize);
    const begun = isFull ? this.#store.begin(this.#next) : undefined;
    if (begun !== undefined) return begun.then(() => this.#appendTo(this.#rotate(), { bytes, count: lines.length }));
    const segment = isFull ? this.#rotate() : newest;
    return this.#appendTo(segment, { bytes, count: lines.length });
  }

  /** Notes the segment that was begun and drops those that are too many. */
  #rotate(): Segment {
    const last = this.#segments.at(-1);
    // A segment that nothing could be written to would push out those that hold something.
    if (last?.count === 0) this.#segments.pop();
    if (last?.count === 0 && last.first !== this.#next) this.#store.drop(last.first);
    const segment: Segment = { first: this.#next, count: 0, size: 0 };
    this.#segments.push(segment);
    while (this.#segments.length > this.#limits.maxFile) this.#store.drop(this.#segments.shift()?.first ?? 0);
    this.#isTorn = false;
    return segment;
  }

  #appendTo(segment: Segment, { bytes, count }: { bytes: Buffer; count: number }): Promise<void> | undefined {
    const commit = (): void => {
      segment.count += count;
      segment.size += bytes.length;
      this.#next += count;
    };
    const appended = this.#store.append(bytes);
    if (appended !== undefined) return appended.then(commit);
    commit();
    return undefined;
  }

  /** A full disk ends no workload: what cannot be written is counted, and readers are told how much is missing. */
  #fail(count: number, error: unknown): void {
    if (this.#isRemoved) return;
    this.#next += count;
    this.#lost += count;
    this.#isTorn = true;
    this.#failure = unwritable(error);
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

/** What a log is made with. */
export interface LogOptions {
  readonly limits: LogLimits;
  readonly clock: Clock;
  readonly stamps: Stamps;
  /**
   * When a write is answered: once its lines wait for the store (the default), or once they are in it, so that no line that a
   * workload has written is lost with this process.
   */
  readonly acknowledges?: "queued" | "stored" | undefined;
}

function unwritable(cause: unknown): SampanError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SampanError("LOG_UNWRITABLE", `Cannot write a container's log: ${reason}`, {
    hint: "make room on the disk that holds the logs, and let Sampan write there",
    cause,
  });
}
