import type { Native } from "../../base/native.ts";

/** PAGEMAP_SCAN of <linux/fs.h>, and what it calls pages. */
const scanRequest = 0xc060_6610n;
const page = { ofFile: 1n << 2n, present: 1n << 3n, swapped: 1n << 4n, ofZeros: 1n << 5n };
/** Most regions that are asked for; whoever has more is better off dropping all pages. */
const mostRegions = 1024;
/** Bytes of a region as the system writes it: where it begins, where it ends, which kind. */
const regionSize = 24;
const argumentSize = 96;

/** Finds the pages of memories that are this process's own, which one becomes by being written, in one call (Linux 6.7). */
export class PageScan {
  readonly #native: Native;
  readonly #pagemap: number;
  readonly #address: bigint;
  readonly #argument: BigUint64Array;
  readonly #regions: Uint8Array;
  /** Until the system turns out not to have the call. */
  #isThere = true;

  /** `pagemap` is a descriptor of `/proc/self/pagemap`, which stays the caller's. */
  constructor(native: Native, pagemap: number) {
    this.#native = native;
    this.#pagemap = pagemap;
    const argument = native.allocate(argumentSize);
    const regions = native.allocate(mostRegions * regionSize);
    this.#address = argument.address;
    this.#regions = regions.bytes;
    this.#argument = new BigUint64Array(argument.bytes.buffer);
    // Neither a file's nor that of zeros, and in memory or moved out of it.
    const isNot = page.ofFile | page.ofZeros;
    const some = page.present | page.swapped;
    const [most, size] = [BigInt(mostRegions), BigInt(argumentSize)];
    this.#argument.set([size, 0n, 0n, 0n, 0n, regions.address, most, 0n, isNot, isNot, some, 0n]);
  }

  /** Regions of own pages, as {@link regionsOf} reads them, until the next call; undefined where the system does not tell. */
  find(address: number, length: number): Uint8Array | undefined {
    if (!this.#isThere) return undefined;
    this.#argument[2] = BigInt(address);
    this.#argument[3] = BigInt(address + length);
    const count = this.#native.c.ioctl(this.#pagemap, scanRequest, this.#address);
    if (count < 0) this.#isThere = false;
    // One that ended early has not seen all.
    if (count < 0 || count === mostRegions) return undefined;
    return this.#regions.subarray(0, count * regionSize);
  }
}

/** Regions that {@link PageScan.find} answered, as bytes behind an address. */
export function regionsOf(found: Uint8Array, address: number): { readonly at: number; readonly end: number }[] {
  const words = new BigUint64Array(found.buffer, found.byteOffset, found.length / 8);
  const regions: { at: number; end: number }[] = [];
  for (let word = 0; word < words.length; word += regionSize / 8)
    regions.push({ at: Number(words[word]) - address, end: Number(words[word + 1]) - address });
  return regions;
}
