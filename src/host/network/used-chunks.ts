import { keptSockets } from "./native/native-sockets.ts";

/** So many are kept: what is freed at once goes back to the system, which has to clear it for the next. */
const mostKept = 16;

/**
 * Chunks that were read and that nobody has any more, freed by hand. V8 collects all of its heap for each 64 MiB of buffers that
 * came since the last time, however soon they are of no use: with 64 KiB for each read that takes a third of the time.
 */
export class UsedChunks {
  /** From so many bytes on a buffer is worth freeing by hand. */
  static readonly least: number = 4096;
  readonly #kept: ArrayBuffer[] = [];
  #next = 0;

  /** Takes a chunk that is used up. Its buffer is used again or freed where it holds nothing else. */
  add(chunk: Uint8Array): void {
    if (keptSockets()?.chunks.give(chunk) === true) return;
    const { buffer, length } = chunk;
    if (length < UsedChunks.least || length !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
    this.#kept[this.#next]?.transfer(0);
    this.#kept[this.#next] = buffer;
    this.#next = (this.#next + 1) % mostKept;
  }
}
