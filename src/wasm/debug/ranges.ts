import { malformed } from "../reader.ts";
import type { Effort } from "./cursor.ts";
import type { DebugSections } from "./debug-sections.ts";
import { type AttributeValue, addressOf, type Encoding, type UnitBases } from "./forms.ts";
import { isLeftOut } from "./line-program.ts";

/** Addresses from `low` to below `high`. */
export interface AddressRange {
  readonly low: number;
  readonly high: number;
}

/** Where the ranges of a unit are read from. */
export interface RangesContext {
  readonly sections: DebugSections;
  readonly encoding: Encoding;
  readonly bases: UnitBases;
  /** The unit's own first address, which its lists count from. */
  readonly base: number;
  readonly effort: Effort;
}

/** What an entry says of the addresses that it covers. */
export interface Extent {
  readonly lowPc: AttributeValue | undefined;
  readonly highPc: AttributeValue | undefined;
  readonly ranges: AttributeValue | undefined;
}

/** The addresses that an entry covers (DWARF 5, 2.17), without what the linker left out. @throws WASM_MALFORMED */
export function rangesOf({ lowPc, highPc, ranges }: Extent, context: RangesContext): AddressRange[] {
  const found: AddressRange[] = [];
  const low = addressOf(lowPc, context);
  if (ranges !== undefined) {
    const add = (from: number, to: number): void =>
      void (from < to && !isLeftOut(from) && found.push({ low: from, high: to }));
    if (context.encoding.version >= 5) readRangeList(listOffset(ranges, context), context, add);
    else readOlderRanges(ranges.kind === "number" ? ranges.value : 0, context, add);
  } else if (low !== undefined && highPc !== undefined && !isLeftOut(low)) {
    const high = highPc.kind === "number" ? low + highPc.value : addressOf(highPc, context);
    if (high !== undefined && high > low) found.push({ low, high });
  }
  return found;
}

/** Whether any of the ranges holds an address. */
export function rangesHold(ranges: readonly AddressRange[], address: number): boolean {
  return ranges.some(({ low, high }) => low <= address && address < high);
}

type Add = (low: number, high: number) => void;

function listOffset(ranges: AttributeValue, { sections, encoding, bases }: RangesContext): number {
  if (ranges.kind === "number") return ranges.value;
  if (ranges.kind !== "rangesIndex") return 0;
  const entry = bases.rnglists + ranges.value * encoding.offsetSize;
  return bases.rnglists + sections.cursor("rnglists", entry).unsigned(encoding.offsetSize);
}

/** Reads a list of versions 3 and 4 (DWARF 4, 2.17.3): pairs of offsets from a base, up to a pair of zeros. */
function readOlderRanges(offset: number, { sections, encoding, base, effort }: RangesContext, add: Add): void {
  const cursor = sections.cursor("ranges", offset);
  const { addressSize } = encoding;
  const newBase = 2 ** (8 * addressSize) - 1;
  let from = base;
  for (;;) {
    effort.spend(cursor.offset, 8);
    const low = cursor.unsigned(addressSize);
    const high = cursor.unsigned(addressSize);
    if (low === 0 && high === 0) return;
    if (low === newBase) from = high;
    else if (!isLeftOut(low) || from !== 0) add(from + low, from + high);
  }
}

/** Reads a list of version 5 (2.17.3). */
function readRangeList(offset: number, context: RangesContext, add: Add): void {
  const { sections, encoding, effort } = context;
  const { addressSize } = encoding;
  const cursor = sections.cursor("rnglists", offset);
  const indexed = (): number => addressOf({ kind: "addressIndex", value: cursor.uleb() }, context) ?? 0;
  const direct = (): number => cursor.unsigned(addressSize);
  let { base } = context;
  for (;;) {
    effort.spend(cursor.offset, 8);
    const kind = cursor.u8();
    switch (kind) {
      case 0:
        return;
      case 1:
        base = indexed();
        break;
      case 2:
        add(indexed(), indexed());
        break;
      case 3: {
        const low = indexed();
        add(low, low + cursor.uleb());
        break;
      }
      case 4: {
        const low = base + cursor.uleb();
        const high = base + cursor.uleb();
        if (!isLeftOut(base) || base === 0) add(low, high);
        break;
      }
      case 5:
        base = direct();
        break;
      case 6:
        add(direct(), direct());
        break;
      case 7: {
        const low = direct();
        add(low, low + cursor.uleb());
        break;
      }
      default:
        throw malformed(cursor.offset, `a range of unknown kind ${kind}`);
    }
  }
}
