import { formatBytes, SampanError } from "../base/index.ts";
import { readImports } from "./externs.ts";
import { applyPatches, type Patch, type RewrittenBytes } from "./patch.ts";
import { type ByteRange, ByteReader, malformed } from "./reader.ts";
import { readModuleSections, readPreamble, type Section, sectionId } from "./sections.ts";
import { defaultPageSize, type MemoryType, type TypeDefinition, TypeReader } from "./types.ts";
import { ByteWriter } from "./writer.ts";

/**
 * Gives every memory of a core module, its own and imported ones, a maximum of at most `maxPages` pages of 64 KiB each
 * (WebAssembly 3.0, 5.5.5 Import section, 5.5.8 Memory section), so that `memory.grow` past it answers -1. A memory with
 * pages of another size gets as many of those as fit. Where nothing has to change the result holds the same bytes object.
 * The limit holds for each memory, not for their sum.
 *
 * @throws LIMIT_MEMORY where a memory begins with more, WASM_MALFORMED, WASM_FEATURE
 */
export function limitMemory(bytes: Uint8Array<ArrayBuffer>, maxPages: number): RewrittenBytes {
  const { version, layer } = readPreamble(bytes);
  if (layer === 1) throw new SampanError("WASM_FEATURE", "Cannot limit the memory of a component as a core module's");
  if (version !== 1 || layer !== 0)
    throw malformed(4, `version ${version} of layer ${layer}, wanted version 1 of layer 0`);
  const patches: Patch[] = [];
  let types: readonly TypeDefinition[] = [];
  let memories = 0;
  for (const section of readModuleSections(bytes)) {
    if (section.id === sectionId.type) {
      types = new TypeReader(new ByteReader(bytes, section.body), new Set()).typeSection();
      continue;
    }
    const located = locateMemories(bytes, section, types);
    const changed: Patch[] = [];
    for (const { type, range } of located) {
      const replacement = limitedType(type, { index: memories, maxPages });
      memories += 1;
      // Compact imports give one type to many names: it is replaced once.
      if (replacement !== undefined && changed.at(-1)?.start !== range.start) changed.push({ ...range, replacement });
    }
    patches.push(...withSectionSize(section, changed));
    // What follows declares no memory.
    if (section.id === sectionId.memory) break;
  }
  return applyPatches(bytes, patches);
}

interface LocatedMemory {
  readonly type: MemoryType;
  readonly range: ByteRange;
}

/** The memory types in an import or memory section, with their bytes; none in other sections. */
function locateMemories(bytes: Uint8Array, section: Section, types: readonly TypeDefinition[]): LocatedMemory[] {
  const memories: LocatedMemory[] = [];
  if (section.id === sectionId.import) {
    for (const { info, typeRange } of readImports(section, { bytes, types, features: new Set() })) {
      if (info.kind === "memory") memories.push({ type: info.type, range: typeRange });
    }
  }
  if (section.id === sectionId.memory) {
    const reader = new ByteReader(bytes, section.body);
    const typeReader = new TypeReader(reader, new Set());
    for (let count = reader.count(); count > 0; count -= 1) {
      const start = reader.offset;
      const type = typeReader.memoryType();
      memories.push({ type, range: { start, end: reader.offset } });
    }
    reader.expectEnd("the memories");
  }
  return memories;
}

/** The bytes of a memory's type with the limit in it, or `undefined` where it already keeps within. */
function limitedType(
  type: MemoryType,
  limit: { readonly index: number; readonly maxPages: number },
): Uint8Array | undefined {
  const maxBytes = limit.maxPages * defaultPageSize;
  const max = Math.floor(maxBytes / type.pageSize);
  if (type.min > max) {
    const needed = type.min * type.pageSize;
    throw new SampanError(
      "LIMIT_MEMORY",
      `Cannot give memory ${limit.index} the ${formatBytes(needed)} that it begins with: at most ${formatBytes(maxBytes)} are allowed`,
      { hint: `--memory ${asSizeOption(needed)}`, data: { needed, allowed: maxBytes } },
    );
  }
  // Without a maximum of its own a 32-bit memory ends where its addresses do.
  const reachable = type.max ?? (type.is64 ? Infinity : 2 ** 32 / type.pageSize);
  if (reachable <= max) return undefined;
  const flags = 1 | (type.shared ? 2 : 0) | (type.is64 ? 4 : 0);
  const writer = new ByteWriter();
  const hasPageSize = type.pageSize !== defaultPageSize;
  writer.u8(hasPageSize ? flags | 8 : flags);
  for (const pages of [type.min, max]) {
    if (type.is64) writer.u64(BigInt(pages));
    else writer.u32(pages);
  }
  if (hasPageSize) writer.u32(Math.log2(type.pageSize));
  return writer.finish();
}

/** The patches of a section's content behind the patch of its size field. */
function withSectionSize(section: Section, changed: readonly Patch[]): Patch[] {
  if (changed.length === 0) return [];
  let size = section.body.end - section.body.start;
  for (const { start, end, replacement } of changed) size += replacement.length - (end - start);
  return [{ ...section.sizeField, replacement: new ByteWriter().u32(size).finish() }, ...changed];
}

/** A size in bytes in the form that `--memory` takes, rounded up to KiB. */
function asSizeOption(bytes: number): string {
  const kib = Math.ceil(bytes / 1024);
  return kib % 1024 === 0 ? `${kib / 1024}m` : `${kib}k`;
}
