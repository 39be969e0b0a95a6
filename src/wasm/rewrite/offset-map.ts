import { ByteReader } from "../reader.ts";
import { IntList } from "./int-list.ts";
import { Output } from "./output.ts";

const none = new Uint32Array(0);

/** Which offset of the original an offset in a rewritten binary stands for. */
export class OffsetMap {
  /** Where the map is read from when it is first asked; it is long, and most are never asked. */
  #unread: Uint8Array | undefined;
  /** For each place that was changed: offset in the rewritten binary, offset in the original, both at its beginning … */
  #newStarts: Uint32Array = none;
  #oldStarts: Uint32Array = none;
  /** … and the bytes that it has in each. */
  #newLengths: Uint32Array = none;
  #oldLengths: Uint32Array = none;
  /** The map of all binaries that were left as they are: nothing of it changes. */
  static #identity: OffsetMap | undefined;

  private constructor(changes: Changes | Uint8Array) {
    if (changes instanceof Changes) this.#take(changes);
    else this.#unread = changes;
  }

  /** The map of changes. */
  static of(changes: Changes): OffsetMap {
    return new OffsetMap(changes);
  }

  /** The map of a binary that was left as it is. */
  static identity(): OffsetMap {
    return (OffsetMap.#identity ??= new OffsetMap(new Changes()));
  }

  /** The map that {@link toBytes} wrote; bytes that are none throw WASM_MALFORMED when it is first asked. */
  static fromBytes(bytes: Uint8Array): OffsetMap {
    return new OffsetMap(bytes);
  }

  /** Number of places that were changed. */
  get size(): number {
    this.#read();
    return this.#newStarts.length;
  }

  /**
   * The offset in bytes in the original of an offset in the rewritten binary. Inside of what was put in place of something
   * it answers an offset inside of that, at most its end.
   */
  original(offset: number): number {
    this.#read();
    let low = 0;
    let high = this.#newStarts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#newStarts[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    if (index < 0) return offset;
    const inside = offset - (this.#newStarts[index] ?? 0);
    const past = inside - (this.#newLengths[index] ?? 0);
    const start = this.#oldStarts[index] ?? 0;
    const length = this.#oldLengths[index] ?? 0;
    return start + (past >= 0 ? length + past : Math.min(inside, length));
  }

  /** The bytes that were put into the rewritten binary, one place after the other. */
  added(rewritten: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#read();
    const output = new Output(this.#newLengths.reduce((sum, length) => sum + length, 0));
    for (const [index, start] of this.#newStarts.entries()) {
      output.copy(rewritten, start, start + (this.#newLengths[index] ?? 0));
    }
    return output.written().slice();
  }

  /** The rewritten binary from its original and from what {@link added} answered. */
  apply(original: Uint8Array, added: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#read();
    const removed = this.#oldLengths.reduce((sum, length) => sum + length, 0);
    const rewritten = new Uint8Array(original.length - removed + added.length);
    let [from, to, taken] = [0, 0, 0];
    const copy = (bytes: Uint8Array, start: number, end: number): void => {
      rewritten.set(bytes.subarray(start, end), to);
      to += end - start;
    };
    for (const [index, start] of this.#oldStarts.entries()) {
      copy(original, from, start);
      from = start + (this.#oldLengths[index] ?? 0);
      const end = taken + (this.#newLengths[index] ?? 0);
      copy(added, taken, end);
      taken = end;
    }
    copy(original, from, original.length);
    return rewritten;
  }

  /** The map as bytes to keep: each change by its distance from the one before. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const output = new Output(this.size * 4 + 5);
    output.u32(this.size);
    let old = 0;
    for (let index = 0; index < this.size; index += 1) {
      const start = this.#oldStarts[index] ?? 0;
      const length = this.#oldLengths[index] ?? 0;
      output.u32(start - old);
      output.u32(length);
      output.u32(this.#newLengths[index] ?? 0);
      old = start + length;
    }
    return output.written().slice();
  }

  #take(changes: Changes): void {
    this.#newStarts = changes.newStarts.finish();
    this.#oldStarts = changes.oldStarts.finish();
    this.#newLengths = changes.newLengths.finish();
    this.#oldLengths = changes.oldLengths.finish();
  }

  #read(): void {
    if (this.#unread === undefined) return;
    const reader = new ByteReader(this.#unread);
    const changes = new Changes();
    let old = 0;
    for (let count = reader.count(); count > 0; count -= 1) {
      old += reader.u32();
      const oldLength = reader.u32();
      changes.add(old, oldLength, reader.u32());
      old += oldLength;
    }
    reader.expectEnd("the offsets");
    this.#take(changes);
    this.#unread = undefined;
  }
}

/** Places that were changed, in order. */
export class Changes {
  readonly newStarts = new IntList();
  readonly oldStarts = new IntList();
  readonly newLengths = new IntList();
  readonly oldLengths = new IntList();
  /** How far offsets behind the last change are ahead of the original's, in bytes. */
  #shift = 0;

  /** Notes that `newLength` bytes stand where `oldLength` stood at the offset `oldStart` of the original. */
  add(oldStart: number, oldLength: number, newLength: number): void {
    this.newStarts.push(oldStart + this.#shift);
    this.oldStarts.push(oldStart);
    this.oldLengths.push(oldLength);
    this.newLengths.push(newLength);
    this.#shift += newLength - oldLength;
  }

  /** Notes all of another list, which begins where this one ends. */
  addAll(other: Changes): void {
    for (let index = 0; index < other.oldStarts.length; index += 1) {
      this.add(other.oldStarts.at(index), other.oldLengths.at(index), other.newLengths.at(index));
    }
  }
}
