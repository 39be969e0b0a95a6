/** A part of a log: whole lines, each an entry. */
export interface Segment {
  /** The number of its first entry, counted from the log's beginning; it names the segment. */
  readonly first: number;
  /** Entries and bytes that are written for good. */
  count: number;
  size: number;
}

/** Reads one segment, which lasts as long as the reader even where the segment is dropped meanwhile. */
export interface SegmentReader {
  /** Copies bytes from `position` into `into` and answers how many, at least one: no more is asked for than is written. */
  read(into: Uint8Array, position: number): number | Promise<number>;
  close(): void;
}

/** Where a log's segments are kept. One log writes to it, many readers read. */
export interface LogStore {
  /** The segments of earlier runs, the oldest first. The newest is the one that goes on. */
  open(): Segment[] | Promise<Segment[]>;
  /** Appends lines to the newest segment. */
  append(lines: Uint8Array): void | Promise<void>;
  /** Begins a new segment. */
  begin(first: number): void | Promise<void>;
  /** Drops a segment that is not the newest. */
  drop(first: number): void;
  /** A reader of a segment that has not been dropped. */
  reader(first: number): SegmentReader;
  /** Lets go of what is open until the next append; readers go on. */
  close(): void | Promise<void>;
  /** Deletes everything. */
  remove(): void | Promise<void>;
}
