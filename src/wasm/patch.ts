import type { ByteRange } from "./reader.ts";

/** Bytes to stand in place of a range of a binary. */
export interface Patch extends ByteRange {
  readonly replacement: Uint8Array;
}

/** A rewritten binary. */
export interface RewrittenBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * The offset in bytes in the original of an offset in the rewritten binary, so that backtraces name what the author has.
   * An offset inside a replacement answers one inside the replaced range, at most its end.
   */
  readonly originalOffset: (offset: number) => number;
}

interface PlacedPatch extends Patch {
  /** Offset in bytes of the replacement in the rewritten binary. */
  readonly newStart: number;
}

/** Applies patches that are in order and do not overlap; without any the result holds the same bytes object. */
export function applyPatches(bytes: Uint8Array<ArrayBuffer>, patches: readonly Patch[]): RewrittenBytes {
  if (patches.length === 0) return { bytes, originalOffset: (offset) => offset };
  const placed: PlacedPatch[] = [];
  let shift = 0;
  for (const patch of patches) {
    placed.push({ ...patch, newStart: patch.start + shift });
    shift += patch.replacement.length - (patch.end - patch.start);
  }
  const rewritten = new Uint8Array(bytes.length + shift);
  let from = 0;
  let to = 0;
  for (const patch of placed) {
    rewritten.set(bytes.subarray(from, patch.start), to);
    rewritten.set(patch.replacement, patch.newStart);
    from = patch.end;
    to = patch.newStart + patch.replacement.length;
  }
  rewritten.set(bytes.subarray(from), to);
  return { bytes: rewritten, originalOffset: (offset) => originalOffset(placed, offset) };
}

function originalOffset(placed: readonly PlacedPatch[], offset: number): number {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((placed[middle]?.newStart ?? Infinity) <= offset) low = middle + 1;
    else high = middle;
  }
  const patch = placed[low - 1];
  if (patch === undefined) return offset;
  const inside = offset - patch.newStart;
  const past = inside - patch.replacement.length;
  return past >= 0 ? patch.end + past : Math.min(patch.start + inside, patch.end);
}
