import type { Native } from "../../../base/native.ts";
import { SocketCalls } from "./socket-calls.ts";

/** Bytes that calls write to, and where they are. */
export interface Chunk {
  readonly bytes: Uint8Array;
  readonly address: bigint;
}

/** Most that are kept for the next time. */
const mostKept = 32;

/** Chunks to receive into. Those that come back are used again; the others are V8's to collect. */
export class ChunkPool {
  readonly #native: Native;
  readonly #kept: Chunk[] = [];
  readonly #known = new WeakMap<ArrayBufferLike, Chunk>();

  constructor(native: Native) {
    this.#native = native;
  }

  take(): Chunk {
    const kept = this.#kept.pop();
    if (kept !== undefined) return kept;
    const made = this.#native.allocate(SocketCalls.chunk);
    this.#known.set(made.bytes.buffer, made);
    return made;
  }

  /** Takes a chunk back that was handed to nobody. */
  back(chunk: Chunk): void {
    if (this.#kept.length < mostKept) this.#kept.push(chunk);
  }

  /** Takes a chunk back that nobody has any more; says whether it was one of its own. */
  give({ buffer }: Uint8Array): boolean {
    const chunk = this.#known.get(buffer);
    if (chunk === undefined) return false;
    if (this.#kept.length < mostKept && !this.#kept.includes(chunk)) this.#kept.push(chunk);
    return true;
  }
}
