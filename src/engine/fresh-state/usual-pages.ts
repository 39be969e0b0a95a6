/** Pages of a memory that lie together, counted in the system's pages. */
export interface PageRange {
  readonly start: number;
  readonly count: number;
}

/** Looks that are remembered of each page, as bits of one byte. */
const remembered = 8;
/** Rounds until the first look that is not one of the first; each wait after it is twice as long as the one before. */
const firstPause = 16;
const longestPause = 4096;
/**
 * What things cost in µs, roughly: to copy a page, to fill one with zeros, one more range to drop, a page that is written
 * after it was dropped.
 */
const cost = { copy: 0.075, fill: 0.037, drop: 0.6, fault: 2.1 };
/** Unwritten pages between two ranges that cost less to copy than to drop. */
const widestGap = Math.floor(cost.drop / cost.copy);

/**
 * Learns which pages of a memory a workload usually writes: those that were written in at least half of the last rounds that
 * were looked at, or all of a small memory's where that costs less. It is shared by all instances of a module. What it holds
 * decides how fast a memory is put back and never what is put back.
 */
export class UsualPages {
  /** A byte for each page, a bit for each of the last looks. */
  #seen = new Uint8Array(0);
  #looks = 0;
  #pause = firstPause;
  #wait = 0;
  #ranges: readonly PageRange[] = [];
  /** Pages that a round writes and that are not usual, on average of the last looks. */
  #unusual = 0;
  readonly #imagePages: number;
  /** What it costs in µs to put back all of the image. */
  readonly #all: number;

  /** Pages of the memory at the moment to which it is put back, and how many of them are all zeros. */
  constructor({ pages, zeros }: { readonly pages: number; readonly zeros: number }) {
    this.#imagePages = pages;
    this.#all = zeros * cost.fill + (pages - zeros) * cost.copy;
  }

  /** The usual pages in few ranges, in order; another array whenever they change. */
  get ranges(): readonly PageRange[] {
    return this.#ranges;
  }

  /** The looks that found each page written, as bits of a byte: what is not 0 was written in one of the last. */
  get seen(): Uint8Array {
    return this.#seen;
  }

  /** Whether the round that now begins is to be looked at; it has to begin with no page written. */
  takeLook(): boolean {
    if (this.#looks < remembered) return true;
    this.#wait += 1;
    if (this.#wait < this.#pause) return false;
    this.#wait = 0;
    this.#pause = Math.min(this.#pause * 2, longestPause);
    return true;
  }

  /** Takes down a round that was looked at: for each page 1 where it was written, 0 where not. */
  note(written: Uint8Array): void {
    if (written.length > this.#seen.length) {
      const wider = new Uint8Array(written.length);
      wider.set(this.#seen);
      this.#seen = wider;
    }
    this.#looks = Math.min(remembered, this.#looks + 1);
    const seen = this.#seen;
    for (let page = 0; page < seen.length; page++) seen[page] = ((seen[page] ?? 0) << 1) | (written[page] ?? 0);
    const usual = this.#collect();
    this.#unusual += (countOutside(usual, written) - this.#unusual) / this.#looks;
    const ranges = this.#cheapest(usual);
    if (!isSame(ranges, this.#ranges)) this.#ranges = ranges;
  }

  /** The usual pages, or all pages where copying all of them costs less than dropping some and having them written again. */
  #cheapest(usual: readonly PageRange[]): readonly PageRange[] {
    const copied = usual.reduce((sum, { count }) => sum + count, 0);
    const some = copied * cost.copy + (usual.length + 1) * cost.drop + this.#unusual * cost.fault;
    if (this.#imagePages === 0 || this.#all >= some) return usual;
    const grown = usual.filter(({ start, count }) => start + count > this.#imagePages);
    const beyond = grown.map(({ start, count }) => {
      const first = Math.max(start, this.#imagePages);
      return { start: first, count: start + count - first };
    });
    return [{ start: 0, count: this.#imagePages }, ...beyond];
  }

  #collect(): PageRange[] {
    const ranges: PageRange[] = [];
    let start = -1;
    let last = -1;
    const close = (): void => {
      if (start >= 0) ranges.push({ start, count: last - start + 1 });
    };
    for (let page = 0; page < this.#seen.length; page++) {
      const bits = this.#seen[page] ?? 0;
      if (bits === 0 || bitsOf(bits) * 2 < this.#looks) continue;
      if (start < 0 || page - last - 1 > widestGap) {
        close();
        start = page;
      }
      last = page;
    }
    close();
    return ranges;
  }
}

function countOutside(ranges: readonly PageRange[], written: Uint8Array): number {
  const inside = (page: number): boolean => ranges.some(({ start, count }) => page >= start && page < start + count);
  let outside = 0;
  for (const [page, isWritten] of written.entries()) if (isWritten === 1 && !inside(page)) outside += 1;
  return outside;
}

function bitsOf(byte: number): number {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

function isSame(a: readonly PageRange[], b: readonly PageRange[]): boolean {
  return a.length === b.length && a.every((range, i) => range.start === b[i]?.start && range.count === b[i]?.count);
}
