import type { Native } from "../../base/native.ts";
import {
  changedPages,
  type Copy,
  type DropList,
  type Fill,
  type ImageFile,
  type MemoryImage,
  type Pieces,
  putPieces,
} from "./memory-image.ts";
import { regionsOf } from "./page-scan.ts";
import type { PageRange } from "./usual-pages.ts";

/** A part of putting an instance back that is no work of the rewriter's. */
export type FreshStep = "memory" | "zeroing" | "host";

/** Puts one memory of one instance back. */
export interface MemoryReset {
  /** Puts it back to its image; false where the system did not do it: then nobody may see it any more. */
  reset(): boolean;
}

const dontNeed = 4;
/** From here on the system zeroes by dropping pages quicker than they can be written. */
const leastDropped = 262_144;

/** Puts a memory back by copying all of its image. */
export class CopiedMemory implements MemoryReset {
  readonly #memory: WebAssembly.Memory;
  readonly #image: MemoryImage;
  readonly #pieces: Pieces;
  readonly #native: Native | undefined;
  readonly #omit: ReadonlySet<FreshStep>;

  /** `native` lets the system zero what a memory grew by, where that is much. */
  constructor(
    memory: WebAssembly.Memory,
    image: MemoryImage,
    { native, omit }: { readonly native: Native | undefined; readonly omit: ReadonlySet<FreshStep> },
  ) {
    this.#memory = memory;
    this.#image = image;
    this.#pieces = image.pieces(0, image.bytes.length);
    this.#native = native;
    this.#omit = omit;
  }

  reset(): boolean {
    const { buffer } = this.#memory;
    const { bytes } = this.#image;
    const target = new Uint8Array(buffer);
    if (!this.#omit.has("memory")) putPieces(target, this.#pieces);
    const grown = target.length - bytes.length;
    if (grown === 0 || this.#omit.has("zeroing")) return true;
    if (this.#native === undefined || grown < leastDropped) {
      target.fill(0, bytes.length);
      return true;
    }
    const from = BigInt(this.#native.addressOf(buffer) + bytes.length);
    return this.#native.c.madvise(from, BigInt(grown), dontNeed) === 0;
  }
}

/** What putting back comes to, for one memory at one size: usual pages, and the rest, which is dropped. */
interface Plan extends Pieces {
  readonly drops: DropList | undefined;
}

/** What putting back only what was written comes to. */
interface WrittenPlan extends Pieces {
  /** What is dropped, because it is seldom written. */
  readonly unusual: readonly { readonly address: bigint; readonly length: bigint }[];
}

/** Usual ranges from which on it is quicker to ask the system what was written, and to leave alone what was only read. */
const leastAsked = 20;
/** Most ranges that are dropped one by one. */
const mostSingly = 16;
/** Rounds after which all is dropped nevertheless: what a guest reads once would make every later question longer. */
const roundsAsked = 128;

/** What a {@link MappedMemory} is made with. */
export interface MappedMemoryOptions {
  readonly image: MemoryImage;
  /** Which of the file's images it is. */
  readonly index: number;
  readonly file: ImageFile;
  readonly omit: ReadonlySet<FreshStep>;
  /** Asks for what the mapping takes, once, before it is made. @throws LIMIT_MEMORIES */
  readonly takeMaps: () => void;
}

/**
 * Puts a memory back by copy-on-write: the image lies privately mapped over it; the pages that are usually written are copied
 * back, and all others are dropped, whether anybody touched them or not, so that they are the image's again.
 */
export class MappedMemory implements MemoryReset {
  readonly #memory: WebAssembly.Memory;
  readonly #options: MappedMemoryOptions;
  #buffer: ArrayBufferLike | undefined;
  #bytes = new Uint8Array(0);
  #address = 0;
  #isMapped = false;
  #isLookedAt = false;
  /** All of it dropped, and the usual pages kept. */
  #whole: Plan = emptyPlan;
  #plan: Plan = emptyPlan;
  #ranges: readonly PageRange[] | undefined;
  #written: WrittenPlan = { copies: [], fills: [], unusual: [] };
  /** What {@link #written} was made for. */
  #found = new Uint8Array(0);
  #foundBeside: readonly PageRange[] | undefined;
  #asked = 0;

  constructor(memory: WebAssembly.Memory, options: MappedMemoryOptions) {
    this.#memory = memory;
    this.#options = options;
  }

  reset(): boolean {
    if (this.#memory.buffer !== this.#buffer && !this.#locate()) return false;
    const { usual } = this.#options.image;
    if (this.#isLookedAt) usual.note(this.#writtenPages());
    this.#isLookedAt = usual.takeLook();
    // The first mapping puts all of the image in place; what the memory grew by before is dropped like any other time.
    if (!this.#isMapped) this.#map();
    if (this.#isLookedAt) return this.#run(this.#whole);
    if (usual.ranges !== this.#ranges) {
      this.#ranges = usual.ranges;
      this.#plan = this.#planFor(usual.ranges);
    }
    return this.#putWritten() ?? this.#run(this.#plan);
  }

  /** Puts back the pages that were written and no others; undefined where dropping serves. */
  #putWritten(): boolean | undefined {
    const { file, image, omit } = this.#options;
    const { ranges } = image.usual;
    this.#asked += 1;
    if (ranges.length < leastAsked) return undefined;
    if (this.#asked % roundsAsked === 0) return this.#run(this.#whole);
    const edge = image.bytes.length;
    const from = omit.has("memory") ? edge : 0;
    const to = omit.has("zeroing") ? edge : this.#bytes.length;
    const found = file.ownRegions(this.#address + from, to - from);
    if (found === undefined) return undefined;
    if (ranges !== this.#foundBeside || Buffer.compare(found, this.#found) !== 0) {
      this.#foundBeside = ranges;
      this.#found = Uint8Array.from(found);
      this.#written = this.#planWritten(found);
    }
    // Not the plan that copies usual ranges: what lies between their pages would be the process's own next time, and unusual again.
    if (this.#written.unusual.length > mostSingly) return this.#run(this.#whole);
    putPieces(this.#bytes, this.#written);
    return this.#written.unusual.every(({ address, length }) => file.native.c.madvise(address, length, dontNeed) === 0);
  }

  /** Copies for pages that stay the process's own, because they were written in one of the last looks, and drops for all others. */
  #planWritten(found: Uint8Array): WrittenPlan {
    const { image, file } = this.#options;
    const { seen } = image.usual;
    const copies: Copy[] = [];
    const fills: Fill[] = [];
    const unusual: { address: bigint; length: bigint }[] = [];
    const isUsual = (byte: number): boolean => (seen[byte / file.pageSize] ?? 0) !== 0;
    for (const { at, end } of regionsOf(found, this.#address)) {
      for (let first = at, next = at; first < end; first = next) {
        do next += file.pageSize;
        while (next < end && isUsual(next) === isUsual(first));
        if (isUsual(first)) this.#addPieces({ copies, fills }, first, next);
        else unusual.push({ address: BigInt(this.#address + first), length: BigInt(next - first) });
      }
    }
    return { copies, fills, unusual };
  }

  /** Finds a memory that was not seen yet or that grew; false where it grew by moving away from the mapping. */
  #locate(): boolean {
    const { buffer } = this.#memory;
    const address = this.#options.file.native.addressOf(buffer);
    if (this.#isMapped && address !== this.#address) return false;
    this.#buffer = buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#address = address;
    this.#ranges = undefined;
    this.#whole = this.#planFor([]);
    return true;
  }

  #map(): void {
    const { file, index, image, takeMaps, omit } = this.#options;
    if (omit.has("memory")) return;
    takeMaps();
    file.map(index, this.#address, image.bytes.length);
    this.#isMapped = true;
  }

  #run(plan: Plan): boolean {
    putPieces(this.#bytes, plan);
    const { drops } = plan;
    return drops === undefined || this.#options.file.drop(drops);
  }

  #planFor(ranges: readonly PageRange[]): Plan {
    const { image, file, omit } = this.#options;
    const edge = image.bytes.length;
    // A step that is left out leaves its part of the memory out of the plan.
    const from = omit.has("memory") ? edge : 0;
    const to = omit.has("zeroing") ? edge : this.#bytes.length;
    const copies: Copy[] = [];
    const fills: Fill[] = [];
    const drops: { address: number; length: number }[] = [];
    let at = from;
    const dropTo = (end: number): void => {
      if (end > at) drops.push({ address: this.#address + at, length: end - at });
    };
    for (const { start, count } of ranges) {
      const first = Math.max(start * file.pageSize, from);
      const end = Math.min((start + count) * file.pageSize, to);
      if (end <= first) continue;
      dropTo(first);
      this.#addPieces({ copies, fills }, first, end);
      at = end;
    }
    dropTo(to);
    return { copies, fills, drops: drops.length === 0 ? undefined : file.dropList(drops) };
  }

  /** Adds what puts back the bytes from a page's begin to a page's end. */
  #addPieces({ copies, fills }: { readonly copies: Copy[]; readonly fills: Fill[] }, first: number, end: number): void {
    const { image } = this.#options;
    const edge = image.bytes.length;
    if (first < edge) {
      const pieces = image.pieces(first, Math.min(end, edge));
      copies.push(...pieces.copies);
      fills.push(...pieces.fills);
    }
    // What a memory grew by begins as zeros.
    if (end > edge) fills.push({ at: Math.max(first, edge), end });
  }

  /** Which pages the round wrote that began with all of them dropped. */
  #writtenPages(): Uint8Array {
    const { image, file } = this.#options;
    return file.ownPages(this.#address, this.#bytes.length) ?? changedPages(this.#bytes, image.bytes, file.pageSize);
  }
}

const emptyPlan: Plan = { copies: [], fills: [], drops: undefined };
