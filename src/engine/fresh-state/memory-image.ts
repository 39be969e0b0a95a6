import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { type Native, throwErrno } from "../../base/native.ts";
import { PageScan } from "./page-scan.ts";
import { UsualPages } from "./usual-pages.ts";

/** A part of a memory that is copied back. */
export interface Copy {
  readonly at: number;
  readonly source: Uint8Array;
}

/** A part of a memory that is filled with zeros. */
export interface Fill {
  readonly at: number;
  readonly end: number;
}

/** What puts a part of a memory back. */
export interface Pieces {
  readonly copies: readonly Copy[];
  readonly fills: readonly Fill[];
}

/** Bytes of zeros from which on filling them is quicker than copying them with what is around them. */
const leastFilled = 16_384;

/** A memory as it was at the moment to which it is put back, and what was learned about it. */
export class MemoryImage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly usual: UsualPages;
  readonly #pageSize: number;
  /** For each page 1 where it is all zeros. */
  readonly #zeros: Uint8Array;

  /** `pageSize` is that of the system's pages, in bytes. */
  constructor({ buffer }: WebAssembly.Memory, pageSize: number = 4096) {
    this.bytes = new Uint8Array(buffer.byteLength);
    this.bytes.set(new Uint8Array(buffer));
    this.#pageSize = pageSize;
    this.#zeros = changedPages(this.bytes, new Uint8Array(0), pageSize).map((isChanged) => 1 - isChanged);
    const zeros = this.#zeros.reduce((sum, isZero) => sum + isZero, 0);
    this.usual = new UsualPages({ pages: this.#zeros.length, zeros });
  }

  /** What puts back the bytes from a page's begin to a page's end: copies, and zeros where they are many. */
  pieces(from: number, to: number): Pieces {
    const copies: Copy[] = [];
    const fills: Fill[] = [];
    let at = from;
    const copyTo = (end: number): void => {
      if (end > at) copies.push({ at, source: this.bytes.subarray(at, end) });
    };
    for (let page = from; page < to; page += this.#pageSize) {
      if (page < at || this.#zeros[page / this.#pageSize] === 0) continue;
      let end = page;
      while (end < to && this.#zeros[end / this.#pageSize] === 1) end += this.#pageSize;
      if (end - page < leastFilled) continue;
      copyTo(page);
      fills.push({ at: page, end });
      at = end;
    }
    copyTo(to);
    return { copies, fills };
  }
}

/** Puts pieces of a memory back. */
export function putPieces(memory: Uint8Array, { copies, fills }: Pieces): void {
  for (const { at, source } of copies) memory.set(source, at);
  for (const { at, end } of fills) memory.fill(0, at, end);
}

/** For each page 1 where it differs from the image, behind whose end all is zero. */
export function changedPages(bytes: Uint8Array, image: Uint8Array, pageSize: number): Uint8Array {
  const zeros = new Uint8Array(pageSize);
  const changed = new Uint8Array(bytes.length / pageSize);
  for (let page = 0; page < changed.length; page++) {
    const at = page * pageSize;
    const was = at < image.length ? image.subarray(at, at + pageSize) : zeros;
    changed[page] = Buffer.compare(bytes.subarray(at, at + pageSize), was) === 0 ? 0 : 1;
  }
  return changed;
}

/** Takes images of memories; `pageSize` is that of the system's pages, in bytes. */
export function takeImages(memories: readonly WebAssembly.Memory[], pageSize?: number): MemoryImage[] {
  return memories.map((memory) => new MemoryImage(memory, pageSize));
}

/** Whether memories are, byte by byte, as their images are. */
export function isAsImages(memories: readonly WebAssembly.Memory[], images: readonly MemoryImage[]): boolean {
  return memories.every(({ buffer }, index) => {
    const bytes = images[index]?.bytes;
    return bytes !== undefined && Buffer.compare(new Uint8Array(buffer), bytes) === 0;
  });
}

const closeOnExec = 1;
const allowSealing = 2;
const addSeals = 1033;
/** No more seals, no shrinking, no growing, no writing: F_SEAL_SEAL to F_SEAL_WRITE. */
const allSeals = 1 | 2 | 4 | 8;
const chunk = 65_536;
const protectReadWrite = 3;
/** MAP_PRIVATE, MAP_FIXED and MAP_NORESERVE, which V8 maps its memories with as well. */
const mapFlags = 0x02 | 0x10 | 0x4000;
const dontNeed = 4;
/** PIDFD_SELF_THREAD_GROUP: this process, without a descriptor of it. */
const thisProcess = -10_001;
/** From so many ranges on one call for all of them is quicker than one for each. */
const fewestAtOnce = 6;
/** Most ranges that one call takes (IOV_MAX). */
const mostAtOnce = 1024;

/** Ranges of addresses, as the calls of the system take them. */
export interface DropList {
  readonly addresses: readonly bigint[];
  readonly lengths: readonly bigint[];
  readonly total: bigint;
  /** Where they lie in memory as iovec records, if they are enough to be dropped in one call. */
  readonly records: { readonly bytes: Uint8Array; readonly address: bigint } | undefined;
}

/**
 * The images of a module's memories in one file of the system's memory, sealed: neither a guest nor the engine can change it
 * any more. It is mapped privately over memories, so that they share what they do not write.
 */
export class ImageFile {
  readonly native: Native;
  /** Bytes of one of the system's pages. */
  readonly pageSize: number;
  readonly fd: number;
  readonly #offsets: readonly number[];
  readonly #pagemap: number | undefined;
  readonly #scan: PageScan | undefined;
  /** Until the system turns out not to have `process_madvise`, or not for what it is wanted for (before Linux 6.15). */
  #dropsAtOnce = true;
  #isClosed = false;

  /** @throws HostError where the system gives no such file */
  constructor(native: Native, images: readonly MemoryImage[]) {
    this.native = native;
    this.pageSize = native.c.getpagesize();
    const name = native.allocate(16);
    name.bytes.set(Buffer.from("sampan-image"));
    this.fd = native.c.memfd_create(name.address, closeOnExec | allowSealing);
    if (this.fd < 0) throwErrno(native);
    try {
      this.#offsets = writeImages(this.fd, images);
      if (native.c.fcntl(this.fd, addSeals, allSeals) < 0) throwErrno(native);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
    this.#pagemap = openPagemap();
    this.#scan = this.#pagemap === undefined ? undefined : new PageScan(native, this.#pagemap);
  }

  /** Maps an image over the memory that begins at an address. @throws HostError */
  map(index: number, address: number, length: number): void {
    if (length === 0) return;
    const offset = BigInt(this.#offsets[index] ?? 0);
    const { mmap } = this.native.c;
    const mapped = mmap(BigInt(address), BigInt(length), protectReadWrite, mapFlags, this.fd, offset);
    if (mapped < 0n) throwErrno(this.native);
  }

  /** Makes a list of the ranges that {@link drop} takes. */
  dropList(ranges: readonly { readonly address: number; readonly length: number }[]): DropList {
    const addresses = ranges.map(({ address }) => BigInt(address));
    const lengths = ranges.map(({ length }) => BigInt(length));
    const total = lengths.reduce((sum, length) => sum + length, 0n);
    if (ranges.length < fewestAtOnce || ranges.length > mostAtOnce)
      return { addresses, lengths, total, records: undefined };
    const records = this.native.allocate(ranges.length * 16);
    const words = new BigUint64Array(records.bytes.buffer);
    for (let i = 0; i < ranges.length; i++) words.set([addresses[i] ?? 0n, lengths[i] ?? 0n], i * 2);
    return { addresses, lengths, total, records };
  }

  /** Drops the pages of all ranges, which are then the image's again, or zero; false where the system does not. */
  drop({ addresses, lengths, total, records }: DropList): boolean {
    if (records !== undefined && this.#dropsAtOnce) {
      if (this.#dropAtOnce(records.address, addresses.length) === total) return true;
      this.#dropsAtOnce = false;
    }
    const { madvise } = this.native.c;
    for (let i = 0; i < addresses.length; i++) {
      if (madvise(addresses[i] ?? 0n, lengths[i] ?? 0n, dontNeed) !== 0) return false;
    }
    return true;
  }

  #dropAtOnce(records: bigint, count: number): bigint {
    try {
      return this.native.c.process_madvise(thisProcess, records, BigInt(count), dontNeed, 0);
    } catch {
      // A C library without the function.
      return -1n;
    }
  }

  /**
   * For each page 1 where it is this process's own since it was last dropped, which a page becomes by being written; undefined
   * where the system does not tell (`/proc/self/pagemap`).
   */
  ownPages(address: number, length: number): Uint8Array | undefined {
    if (this.#pagemap === undefined) return undefined;
    const entries = new Uint8Array((length / this.pageSize) * 8);
    const count = readSync(this.#pagemap, entries, 0, entries.length, (address / this.pageSize) * 8);
    if (count !== entries.length) return undefined;
    const own = new Uint8Array(length / this.pageSize);
    for (let page = 0; page < own.length; page++) {
      // Of the highest byte: bit 61 says that the page is the file's, bit 56 that it is mapped only here, which the page of
      // zeros that reading makes is not.
      own[page] = ((entries[page * 8 + 7] ?? 0) & 0x21) === 0x01 ? 1 : 0;
    }
    return own;
  }

  /**
   * Where this process has pages of its own, as {@link regionsOf} reads it, until the next call; undefined where the system does not
   * tell in one call.
   */
  ownRegions(address: number, length: number): Uint8Array | undefined {
    return this.#scan?.find(address, length);
  }

  /** Gives the file up; memories that it is mapped over keep what they have. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.fd);
    if (this.#pagemap !== undefined) closeSync(this.#pagemap);
  }
}

/** Writes what is not zero, one image behind the other, and answers where each begins. */
function writeImages(fd: number, images: readonly MemoryImage[]): number[] {
  const offsets: number[] = [];
  let size = 0;
  for (const { bytes } of images) {
    offsets.push(size);
    size += bytes.length;
  }
  ftruncateSync(fd, size);
  const zeros = new Uint8Array(chunk);
  for (const [index, { bytes }] of images.entries()) {
    for (let at = 0; at < bytes.length; at += chunk) {
      const piece = bytes.subarray(at, at + chunk);
      if (Buffer.compare(piece, zeros) === 0) continue;
      // Memory takes all of a write, or there is none left: then the write fails.
      writeSync(fd, piece, 0, piece.length, (offsets[index] ?? 0) + at);
    }
  }
  return offsets;
}

function openPagemap(): number | undefined {
  try {
    return openSync("/proc/self/pagemap", "r");
  } catch {
    return undefined;
  }
}
