import { type ByteReader, malformed } from "../reader.ts";
import type { Sort, SortIndex } from "./definitions.ts";
import type { Scope } from "./scope.ts";
import type { Validation } from "./validation.ts";

/** Where definitions are read from, into which scope, under which rules. */
export interface Place {
  readonly reader: ByteReader;
  readonly scope: Scope;
  readonly validation: Validation;
}

const sorts: readonly (Sort | undefined)[] = [undefined, "function", "value", "type", "component", "instance"];

const coreSorts: ReadonlyMap<number, Sort> = new Map([
  [0x00, "core-function"],
  [0x01, "core-table"],
  [0x02, "core-memory"],
  [0x03, "core-global"],
  [0x04, "core-tag"],
  [0x10, "core-type"],
  [0x11, "core-module"],
  [0x12, "core-instance"],
]);

/** Reads `core:sort` (component model, Binary: Instance Definitions). */
export function readCoreSort(reader: ByteReader): Sort {
  const start = reader.offset;
  const byte = reader.u8();
  const sort = coreSorts.get(byte);
  if (sort === undefined) throw unknown(start, "core sort", byte);
  return sort;
}

/** Reads `sort`. */
export function readSort({ reader, validation }: Place): Sort {
  const start = reader.offset;
  const byte = reader.u8();
  if (byte === 0) return readCoreSort(reader);
  const sort = sorts[byte];
  if (sort === undefined) throw unknown(start, "sort", byte);
  if (sort === "value") validation.need("values", "a value");
  return sort;
}

/** Reads `sortidx`. */
export function readSortIndex(place: Place): SortIndex {
  return { sort: readSort(place), index: place.reader.u32() };
}

/** Reads `vec(T)`. */
export function readVector<Item>(reader: ByteReader, read: () => Item): Item[] {
  const items: Item[] = [];
  for (let count = reader.count(); count > 0; count -= 1) items.push(read());
  return items;
}

/** Reads `<T>?`: a byte that says whether there is one, and it. */
export function readOptional<Item>(reader: ByteReader, read: () => Item): Item | undefined {
  return readFlag(reader, "an optional part") ? read() : undefined;
}

/** Reads a byte that is 0 or 1. */
export function readFlag(reader: ByteReader, what: string): boolean {
  const start = reader.offset;
  const byte = reader.u8();
  if (byte > 1) throw unknown(start, `byte for ${what}`, byte);
  return byte === 1;
}

/** Reads a byte that can only have one value. */
export function expectByte(reader: ByteReader, wanted: number, what: string): void {
  const start = reader.offset;
  const byte = reader.u8();
  if (byte !== wanted) throw unknown(start, what, byte);
}

/** The error for a byte that stands for nothing. */
export function unknown(offset: number, what: string, byte: number): Error {
  return malformed(offset, `an unknown ${what} (0x${byte.toString(16)})`);
}
