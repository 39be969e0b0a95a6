import type { LogStore, Segment, SegmentReader } from "./log-store.ts";

interface Chunk {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Small appends are gathered in chunks of this size: an entry of its own for each line would cost more than the line. */
const chunkSize = 16 * 1024;

class Chunks {
  readonly #chunks: Chunk[] = [];
  #size = 0;
  /** The unused end of the last chunk's memory. */
  #space: Uint8Array = new Uint8Array(0);

  append(bytes: Uint8Array): void {
    if (bytes.length > this.#space.length) {
      // Doubling keeps the log of a container that says little small.
      this.#space = new Uint8Array(Math.max(bytes.length, Math.min(chunkSize, this.#size)));
    }
    this.#space.set(bytes);
    this.#chunks.push({ at: this.#size, bytes: this.#space.subarray(0, bytes.length) });
    this.#space = this.#space.subarray(bytes.length);
    this.#size += bytes.length;
  }

  read(into: Uint8Array, position: number): number {
    let copied = 0;
    for (let index = this.#indexAt(position); copied < into.length; index++) {
      const chunk = this.#chunks[index];
      if (chunk === undefined) break;
      const part = chunk.bytes.subarray(position + copied - chunk.at, position + into.length - chunk.at);
      into.set(part, copied);
      copied += part.length;
    }
    return copied;
  }

  /** The index of the chunk that holds a position, by halving. */
  #indexAt(position: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#chunks[middle]?.at ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Keeps a log in memory; nothing in it ever waits. */
export class MemoryStore implements LogStore {
  readonly #segments = new Map<number, Chunks>();
  #newest = new Chunks();

  open(): Segment[] {
    return [];
  }

  append(lines: Uint8Array): void {
    this.#newest.append(lines);
  }

  begin(first: number): void {
    this.#newest = new Chunks();
    this.#segments.set(first, this.#newest);
  }

  drop(first: number): void {
    this.#segments.delete(first);
  }

  reader(first: number): SegmentReader {
    const chunks = this.#segments.get(first) ?? new Chunks();
    return { read: (into, position) => chunks.read(into, position), close: () => {} };
  }

  close(): void {}

  remove(): void {
    this.#segments.clear();
    this.#newest = new Chunks();
  }
}
