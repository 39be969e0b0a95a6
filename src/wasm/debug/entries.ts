import { malformed } from "../reader.ts";
import { Cursor, type Effort } from "./cursor.ts";
import type { DebugSections } from "./debug-sections.ts";
import { type AttributeValue, type Encoding, implicitConstant, readForm, skipForm } from "./forms.ts";

/** Tags of entries that lead to a source line or a function's name (DWARF 5, 7.5.3). */
export const tag = {
  classType: 0x02,
  enumerationType: 0x04,
  compileUnit: 0x11,
  structureType: 0x13,
  unionType: 0x17,
  inlinedSubroutine: 0x1d,
  module: 0x1e,
  subprogram: 0x2e,
  interfaceType: 0x38,
  namespace: 0x39,
  partialUnit: 0x3c,
  skeletonUnit: 0x4a,
} as const;

/** Attributes that are read (7.5.4). */
export const attribute = {
  name: 0x03,
  lineProgram: 0x10,
  lowPc: 0x11,
  highPc: 0x12,
  compileFolder: 0x1b,
  abstractOrigin: 0x31,
  specification: 0x47,
  ranges: 0x55,
  callColumn: 0x57,
  callFile: 0x58,
  callLine: 0x59,
  linkageName: 0x6e,
  strOffsetsBase: 0x72,
  addrBase: 0x73,
  rnglistsBase: 0x74,
} as const;

const wanted: ReadonlySet<number> = new Set(Object.values(attribute));
/** Tags whose entries hold none of these and are gone over. */
const telling: ReadonlySet<number> = new Set(Object.values(tag));

/** An entry of a unit: what it is and the attributes that are read, by their numbers. */
export interface Entry {
  /** Offset in bytes in `.debug_info`. */
  readonly offset: number;
  readonly tag: number;
  readonly hasChildren: boolean;
  /** How many entries it stands in. */
  readonly depth: number;
  readonly attributes: ReadonlyMap<number, AttributeValue>;
}

interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** Attribute, form and constant of each. */
  readonly attributes: readonly (readonly [name: number, form: number, constant: number])[];
}

/** The shapes of entries, by their codes (7.5.3). */
export type Abbreviations = ReadonlyMap<number, Abbreviation>;

/** Reads the table at an offset of `.debug_abbrev`. @throws WASM_MALFORMED */
export function readAbbreviations(sections: DebugSections, offset: number, effort: Effort): Abbreviations {
  const table = new Map<number, Abbreviation>();
  const cursor = sections.cursor("abbrev", offset);
  for (let code = cursor.uleb(); code !== 0; code = cursor.uleb()) {
    const entryTag = cursor.uleb();
    const hasChildren = cursor.u8() !== 0;
    const attributes: [number, number, number][] = [];
    for (;;) {
      effort.spend(cursor.offset);
      const name = cursor.uleb();
      const form = cursor.uleb();
      const constant = form === implicitConstant ? cursor.sleb() : 0;
      if (name === 0 && form === 0) break;
      attributes.push([name, form, constant]);
    }
    table.set(code, { tag: entryTag, hasChildren, attributes });
  }
  return table;
}

/** A unit's bytes and how to read them. */
export interface UnitBytes {
  readonly encoding: Encoding;
  readonly abbreviations: Abbreviations;
  readonly entries: Cursor;
  /** Offset in bytes of `.debug_info` in all the bytes. */
  readonly infoStart: number;
}

/** What keeping an entry costs beside stepping over one: memory, above all. */
const costOfEntry = 20;

/** Walks over a unit's entries in order; of those that tell nothing here only the depth counts. @throws WASM_MALFORMED */
export function* readEntries(unit: UnitBytes, effort: Effort): Generator<Entry, void> {
  const cursor = new Cursor(unit.entries.bytes, { start: unit.entries.offset, end: unit.entries.end });
  let depth = 0;
  while (!cursor.isAtEnd) {
    effort.spend(cursor.offset);
    const offset = cursor.offset - unit.infoStart;
    const code = cursor.uleb();
    if (code === 0) {
      depth -= 1;
      if (depth <= 0) return;
      continue;
    }
    const shape = unit.abbreviations.get(code);
    if (shape === undefined) throw malformed(cursor.offset, `an entry of unknown shape ${code}`);
    effort.spend(cursor.offset, shape.attributes.length);
    if (telling.has(shape.tag)) {
      effort.spend(cursor.offset, costOfEntry);
      const attributes = readAttributes(cursor, shape, unit.encoding);
      yield { offset, tag: shape.tag, hasChildren: shape.hasChildren, depth, attributes };
    } else {
      for (const [, form] of shape.attributes) skipForm(cursor, form, unit.encoding);
    }
    if (shape.hasChildren) depth += 1;
    else if (depth === 0) return;
  }
}

function readAttributes(cursor: Cursor, shape: Abbreviation, encoding: Encoding): Map<number, AttributeValue> {
  const attributes = new Map<number, AttributeValue>();
  for (const [name, form, constant] of shape.attributes) {
    if (!wanted.has(name)) {
      skipForm(cursor, form, encoding);
    } else if (form === implicitConstant) {
      attributes.set(name, { kind: "number", value: constant });
    } else {
      const value = readForm(cursor, form, encoding);
      if (value !== undefined) attributes.set(name, value);
    }
  }
  return attributes;
}
