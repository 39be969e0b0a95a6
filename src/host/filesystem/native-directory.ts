import { failureOfLinux } from "../../base/index.ts";
import { type Native, scratch } from "../../base/native.ts";
import type { DirectoryReader, FileType } from "./file-calls.ts";
import { AT, fileTypeOf, statxMask } from "./linux.ts";

const batchSize = 32 * 1024;
/** Bytes of a `struct linux_dirent64` before its name: ino, off, reclen, type. */
const headSize = 19;

/**
 * Reads entries by getdents64(2). A cookie is the kernel's own (`d_off`), so that it means the same after entries came and
 * went, and going back costs one lseek.
 */
export class NativeDirectoryReader implements DirectoryReader {
  readonly #native: Native;
  readonly #fd: number;
  readonly #address: bigint;
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;
  readonly bytes: Uint8Array;
  #filled = 0;
  /** Where the entry after the present one begins. */
  #next = 0;
  /** Where the present entry begins. */
  #at = 0;
  #start = 0n;
  #started = false;
  cookie = 0n;
  nameLength = 0;

  /** `fd` becomes the reader's own: its position is where the reader is. */
  constructor(native: Native, fd: number) {
    this.#native = native;
    this.#fd = fd;
    const { bytes, address } = native.allocate(batchSize);
    this.bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer);
    this.#longs = new BigUint64Array(bytes.buffer);
    this.#address = address;
  }

  get ino(): bigint {
    const isParent = this.nameLength === 2 && this.#pairAt(this.nameStart) === 0x2e2e;
    return isParent ? this.#ownIno() : (this.#longs[this.#at >> 3] ?? 0n);
  }

  get type(): FileType {
    return fileTypeOf(this.bytes[this.#at + 18] ?? 0);
  }

  get nameStart(): number {
    return this.#at + headSize;
  }

  seek(cookie: bigint): void {
    if (this.#started && cookie === this.cookie && cookie !== 0n) return;
    if (this.#started && cookie !== 0n && this.#seekInBatch(cookie)) return;
    if (this.#native.c.lseek(this.#fd, BigInt.asIntN(64, cookie), 0) < 0n) throw failureOfLinux(this.#native.errno());
    this.#started = true;
    this.#start = cookie;
    this.#filled = 0;
    this.#next = 0;
    this.cookie = cookie;
  }

  next(): boolean {
    if (this.#next >= this.#filled && !this.#fill()) return false;
    const at = this.#next;
    this.#at = at;
    const word = at >> 2;
    const length = (this.#words[word + 4] ?? 0) & 0xffff;
    this.#next = at + length;
    this.cookie = this.#longs[(at >> 3) + 1] ?? 0n;
    // A record is as long as the name and its NUL need, rounded up to eight bytes: the NUL is among the last eight.
    let end = Math.max(at + headSize, at + length - 8);
    while (this.bytes[end] !== 0) end += 1;
    this.nameLength = end - at - headSize;
    return true;
  }

  #pairAt(at: number): number {
    return (this.bytes[at] ?? 0) | ((this.bytes[at + 1] ?? 0) << 8);
  }

  /** `..` answers as `.` does: what lies above the folder is not told. */
  #ownIno(): bigint {
    const { c, bytes, address, longs } = this.#native;
    bytes[scratch.empty] = 0;
    const done = c.statx(
      this.#fd,
      address + BigInt(scratch.empty),
      AT.emptyPath,
      statxMask.ino,
      address + BigInt(scratch.stat),
    );
    if (done < 0) throw failureOfLinux(this.#native.errno());
    return longs[scratch.stat / 8 + 4] ?? 0n;
  }

  close(): void {
    this.#native.c.close(this.#fd);
  }

  /** Goes back within what is read already: a guest asks again for the entry that did not fit its buffer. */
  #seekInBatch(cookie: bigint): boolean {
    if (cookie === this.#start) {
      this.#next = 0;
      this.cookie = cookie;
      return this.#filled > 0;
    }
    for (let at = 0; at < this.#filled; at += (this.#words[(at >> 2) + 4] ?? 0) & 0xffff) {
      if (this.#longs[(at >> 3) + 1] !== cookie) continue;
      this.#at = at;
      this.#next = at + ((this.#words[(at >> 2) + 4] ?? 0) & 0xffff);
      this.cookie = cookie;
      return true;
    }
    return false;
  }

  #fill(): boolean {
    if (!this.#started) this.seek(0n);
    const count = this.#native.c.getdents64(this.#fd, this.#address, BigInt(batchSize));
    if (count < 0) throw failureOfLinux(this.#native.errno());
    this.#start = this.cookie;
    this.#filled = count;
    this.#next = 0;
    return count > 0;
  }
}
