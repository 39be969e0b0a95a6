import { formatBytes, SampanError } from "../../base/index.ts";
import { defaultPageSize, type MemoryType, type TableType } from "../types.ts";
import { ByteWriter } from "../writer.ts";

/**
 * The bytes of a memory's type with the limit in it, or `undefined` where it already keeps within (WebAssembly 3.0, 5.3.12
 * Memory types). The limit is in pages of 64 KiB; a memory with pages of another size gets as many of those as fit.
 *
 * @throws LIMIT_MEMORY where it begins with more
 */
export function limitedMemory(type: MemoryType, index: number, maxPages: number): Uint8Array | undefined {
  const maxBytes = maxPages * defaultPageSize;
  const max = Math.floor(maxBytes / type.pageSize);
  if (type.min > max) {
    const needed = type.min * type.pageSize;
    throw new SampanError(
      "LIMIT_MEMORY",
      `Cannot give memory ${index} the ${formatBytes(needed)} that it begins with: at most ${formatBytes(maxBytes)} are allowed`,
      { hint: `--memory ${asSizeOption(needed)}`, data: { needed, allowed: maxBytes } },
    );
  }
  // Without a maximum of its own a 32-bit memory ends where its addresses do.
  const reachable = type.max ?? (type.is64 ? Infinity : 2 ** 32 / type.pageSize);
  if (reachable <= max) return undefined;
  const flags = 1 | (type.shared ? 2 : 0) | (type.is64 ? 4 : 0);
  const hasPageSize = type.pageSize !== defaultPageSize;
  const writer = new ByteWriter().u8(hasPageSize ? flags | 8 : flags);
  writeSizes(writer, type, max);
  if (hasPageSize) writer.u32(Math.log2(type.pageSize));
  return writer.finish();
}

/**
 * The bytes of a table's limits, behind the type of its elements, with the limit in them, or `undefined` where it already
 * keeps within (5.3.13 Table types).
 *
 * @throws LIMIT_TABLE where it begins with more
 */
export function limitedTable(type: TableType, index: number, maxElements: number): Uint8Array | undefined {
  if (type.min > maxElements) {
    throw new SampanError(
      "LIMIT_TABLE",
      `Cannot give table ${index} the ${type.min} elements that it begins with: at most ${maxElements} are allowed`,
      { hint: "raise the limit on table elements", data: { needed: type.min, allowed: maxElements } },
    );
  }
  const reachable = type.max ?? (type.is64 ? Infinity : 2 ** 32 - 1);
  if (reachable <= maxElements) return undefined;
  const writer = new ByteWriter().u8(1 | (type.is64 ? 4 : 0));
  writeSizes(writer, type, maxElements);
  return writer.finish();
}

function writeSizes(writer: ByteWriter, type: { readonly is64: boolean; readonly min: number }, max: number): void {
  for (const size of [type.min, max]) {
    if (type.is64) writer.u64(BigInt(size));
    else writer.u32(size);
  }
}

/** A size in bytes in the form that `--memory` takes, rounded up to KiB. */
function asSizeOption(bytes: number): string {
  const kib = Math.ceil(bytes / 1024);
  return kib % 1024 === 0 ? `${kib / 1024}m` : `${kib}k`;
}
