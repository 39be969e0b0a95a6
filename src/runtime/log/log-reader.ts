import { stampOf } from "../clock.ts";
import type { ContainerLog } from "./container-log.ts";
import { decodeEntry, type LogEntry, type OutputStream } from "./log-entry.ts";
import type { Segment, SegmentReader } from "./log-store.ts";

/** What of a log is read. */
export interface LogReadOptions {
  /** The last so many entries, counted before anything is left out by the other options. All of them by default. */
  readonly tail?: number | undefined;
  /** Leaves out what is older: ms since 1970, or RFC 3339 such as an entry's time. */
  readonly since?: number | string | undefined;
  /** Ends behind the last entry that is not later. */
  readonly until?: number | string | undefined;
  /** Goes on with what comes, until the container has ended and all was read. One that was never started counts as running. */
  readonly follow?: boolean;
  /** Both by default. */
  readonly streams?: readonly OutputStream[];
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined;
}

const blockSize = 64 * 1024;

/**
 * Reads a log's entries. A reader that follows keeps nothing but one block and the segment it is in: where rotation
 * overtakes it, it goes on with the oldest entry that is left, whose `lost` says how many it missed.
 *
 * @throws TIME_INVALID
 */
export function readLog(log: ContainerLog, options: LogReadOptions): AsyncGenerator<LogEntry, undefined> {
  const start = options.tail === undefined ? log.begin : Math.max(log.begin, log.end - Math.max(0, options.tail));
  const since = options.since === undefined ? "" : stampOf(options.since);
  const until = options.until === undefined ? undefined : stampOf(options.until);
  return readFrom(log, { ...options, start, since, until });
}

interface Reading extends LogReadOptions {
  readonly start: number;
  readonly since: string;
  readonly until: string | undefined;
}

async function* readFrom(log: ContainerLog, reading: Reading): AsyncGenerator<LogEntry, undefined> {
  const { since, until, streams, signal } = reading;
  const untilMs = until === undefined ? undefined : Date.parse(until) + 1;
  const cursor = new Cursor(log, reading.start);
  let lost = 0;
  try {
    for (;;) {
      if (signal?.aborted === true) return;
      const entry = await cursor.next();
      if (entry !== undefined) {
        lost += entry.lost ?? 0;
        if (until !== undefined && entry.time > until) return;
        if (entry.time < since || streams?.includes(entry.stream) === false) continue;
        const { text, stream, time } = entry;
        yield lost === 0 ? { text, stream, time } : { text, stream, time, lost };
        lost = 0;
        continue;
      }
      // Looked at after the last entry was found missing, and without a wait in between: nothing can come unseen.
      if (cursor.hasMore) continue;
      if (reading.follow !== true || (!log.isLive && log.isDrained)) return;
      if (untilMs !== undefined && log.now() >= untilMs) return;
      await log.changed({ until: untilMs, signal });
    }
  } finally {
    cursor.close();
  }
}

/** Walks over the entries of a log. */
class Cursor {
  readonly #log: ContainerLog;
  /** The number of the entry that comes next. */
  #next: number;
  #segment: Segment | undefined;
  #reader: SegmentReader | undefined;
  /** Where in the segment the next block begins, and the number of the first line that was not given out. */
  #position = 0;
  #line = 0;
  #rest: Buffer = Buffer.alloc(0);
  readonly #block = Buffer.alloc(blockSize);

  constructor(log: ContainerLog, start: number) {
    this.#log = log;
    this.#next = start;
  }

  /** Whether the log has an entry that was not given out. */
  get hasMore(): boolean {
    return this.#isWithin() || this.#log.segmentFrom(this.#next) !== undefined;
  }

  /** The next entry that is there. */
  async next(): Promise<LogEntry | undefined> {
    while (this.#isWithin() || this.#enter()) {
      const line = await this.#nextLine();
      if (line === undefined) continue;
      const number = this.#line++;
      if (number < this.#next) continue;
      const lost = number - this.#next;
      this.#next = number + 1;
      // What somebody wrote into the file by hand is no entry.
      const entry = decodeEntry(line);
      if (entry !== undefined) return lost === 0 ? entry : { ...entry, lost };
    }
    return undefined;
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
    this.#segment = undefined;
  }

  #isWithin(): boolean {
    return this.#segment !== undefined && this.#line < this.#segment.first + this.#segment.count;
  }

  #enter(): boolean {
    const segment = this.#log.segmentFrom(this.#next);
    if (segment === undefined) return false;
    this.close();
    this.#reader = this.#log.reader(segment);
    this.#segment = segment;
    this.#line = segment.first;
    this.#position = 0;
    this.#rest = Buffer.alloc(0);
    return true;
  }

  /** A line that is in the segment for certain, or undefined where only a part of it has been read so far. */
  async #nextLine(): Promise<string | undefined> {
    const end = this.#rest.indexOf(0x0a);
    if (end >= 0) {
      const line = this.#rest.toString("utf8", 0, end);
      this.#rest = this.#rest.subarray(end + 1);
      return line;
    }
    const left = (this.#segment?.size ?? 0) - this.#position;
    const count = (await this.#reader?.read(this.#block.subarray(0, Math.min(left, blockSize)), this.#position)) ?? 0;
    if (count === 0) this.#skipSegment();
    this.#position += count;
    this.#rest = Buffer.concat([this.#rest, this.#block.subarray(0, count)]);
    return undefined;
  }

  /** Gives up a file that somebody made shorter. */
  #skipSegment(): void {
    if (this.#segment === undefined) return;
    this.#line = this.#segment.first + this.#segment.count;
    this.#next = Math.max(this.#next, this.#line);
  }
}
