import { Cursor, type Effort } from "./cursor.ts";
import type { DebugSections } from "./debug-sections.ts";
import {
  type Abbreviations,
  attribute,
  type Entry,
  readAbbreviations,
  readEntries,
  tag,
  type UnitBytes,
} from "./entries.ts";
import { addressOf, type AttributeValue, textOf, type UnitBases } from "./forms.ts";
import { type AddressRange, rangesHold, rangesOf, type RangesContext } from "./ranges.ts";

/** A function with code of its own, or the code of one that was inlined. */
export interface FunctionRecord {
  readonly entry: Entry;
  readonly ranges: readonly AddressRange[];
}

/** A function's own name and where it is declared, for those that refer to it. */
interface Declaration {
  readonly entry: Entry;
  /** Names of the namespaces and types around it, `a::b`. */
  readonly scope: string;
}

interface UnitTree {
  readonly functions: readonly FunctionRecord[];
  readonly declarations: ReadonlyMap<number, Declaration>;
}

/** Most references that are followed from one entry to its name. */
const longestChain = 8;

/** One unit of `.debug_info` (DWARF 5, 7.5.1): what was compiled from one source, say. */
export class Unit {
  /** Offset in bytes in `.debug_info`, of the unit and of what follows it. */
  readonly offset: number;
  readonly next: number;
  readonly #sections: DebugSections;
  readonly #effort: Effort;
  readonly #bytes: UnitBytes;
  readonly #bases: UnitBases;
  readonly #root: Entry | undefined;
  readonly #base: number;
  #ranges: readonly AddressRange[] | undefined;
  #tree: UnitTree | undefined;

  /** Reads the unit's head and its first entry. @throws WASM_MALFORMED */
  constructor(
    sections: DebugSections,
    offset: number,
    { effort, tables }: { effort: Effort; tables: AbbreviationTables },
  ) {
    this.#sections = sections;
    this.#effort = effort;
    const head = readHead(sections, offset, tables);
    this.offset = offset;
    this.next = head.next;
    this.#bytes = head.bytes;
    this.#root = readEntries(head.bytes, effort).next().value ?? undefined;
    const numberOf = (name: number, otherwise: number): number => {
      const value = this.#root?.attributes.get(name);
      return value?.kind === "number" ? value.value : otherwise;
    };
    // Without a base the indices begin past the section's head.
    const headLength = head.bytes.encoding.offsetSize === 8 ? 16 : 8;
    this.#bases = {
      strOffsets: numberOf(attribute.strOffsetsBase, headLength),
      addr: numberOf(attribute.addrBase, headLength),
      rnglists: numberOf(attribute.rnglistsBase, headLength + 4),
    };
    this.#base = addressOf(this.#root?.attributes.get(attribute.lowPc), this.#context) ?? 0;
  }

  /** The folder that was compiled in; empty where nothing says it. @throws WASM_MALFORMED */
  get compileFolder(): string {
    return textOf(this.#root?.attributes.get(attribute.compileFolder), this.#context) ?? "";
  }

  /** Offset in `.debug_line` of its line table. */
  get lineTable(): number | undefined {
    const value = this.#root?.attributes.get(attribute.lineProgram);
    return value?.kind === "number" ? value.value : undefined;
  }

  /** Whether code at an address comes from this unit. @throws WASM_MALFORMED */
  holds(address: number): boolean {
    this.#ranges ??= this.#root === undefined ? [] : this.#rangesOf(this.#root);
    this.#effort.spend(0, 1 + this.#ranges.length);
    return rangesHold(this.#ranges, address);
  }

  /** The functions that an address is in: the innermost inlined one first, the one with code of its own last. */
  functionsAt(address: number): FunctionRecord[] {
    this.#tree ??= this.#readTree();
    const { functions } = this.#tree;
    this.#effort.spend(0, functions.length);
    const holding = functions.filter(({ ranges }) => rangesHold(ranges, address));
    holding.sort((a, b) => b.entry.depth - a.entry.depth);
    const own = holding.findIndex(({ entry }) => entry.tag === tag.subprogram);
    return own < 0 ? holding : holding.slice(0, own + 1);
  }

  /**
   * The name of a function with the namespaces that it is in, following what it refers to; `elsewhere` answers the unit that
   * holds an offset of `.debug_info`.
   *
   * @throws WASM_MALFORMED
   */
  functionName(entry: Entry, elsewhere: (offset: number) => Unit | undefined, links = 0): string | undefined {
    this.#tree ??= this.#readTree();
    const name = textOf(entry.attributes.get(attribute.name), this.#context);
    const reference = entry.attributes.get(attribute.specification) ?? entry.attributes.get(attribute.abstractOrigin);
    if (reference !== undefined && links < longestChain) {
      const target = this.#target(reference);
      const unit = target === undefined || this.#includes(target) ? this : elsewhere(target);
      const declared = target === undefined ? undefined : unit?.declaration(target);
      const found = declared && unit?.functionName(declared.entry, elsewhere, links + 1);
      if (found !== undefined) return found;
    }
    const scope = this.#tree.declarations.get(entry.offset)?.scope ?? "";
    if (name !== undefined) return scope === "" ? name : `${scope}::${name}`;
    return textOf(entry.attributes.get(attribute.linkageName), this.#context);
  }

  /** The function that is declared at an offset of `.debug_info`. @throws WASM_MALFORMED */
  declaration(offset: number): Declaration | undefined {
    this.#tree ??= this.#readTree();
    return this.#tree.declarations.get(offset);
  }

  get #context(): RangesContext {
    const { encoding } = this.#bytes;
    return { sections: this.#sections, encoding, bases: this.#bases, base: this.#base ?? 0, effort: this.#effort };
  }

  #includes(offset: number): boolean {
    return this.offset <= offset && offset < this.next;
  }

  #target(reference: AttributeValue): number | undefined {
    if (reference.kind === "unitReference") return this.offset + reference.value;
    return reference.kind === "infoReference" ? reference.value : undefined;
  }

  #rangesOf({ attributes }: Entry): AddressRange[] {
    const lowPc = attributes.get(attribute.lowPc);
    const highPc = attributes.get(attribute.highPc);
    return rangesOf({ lowPc, highPc, ranges: attributes.get(attribute.ranges) }, this.#context);
  }

  #readTree(): UnitTree {
    const functions: FunctionRecord[] = [];
    const declarations = new Map<number, Declaration>();
    const scopes: { depth: number; scope: string }[] = [];
    for (const entry of readEntries(this.#bytes, this.#effort)) {
      while ((scopes.at(-1)?.depth ?? -1) >= entry.depth) scopes.pop();
      const scope = scopes.at(-1)?.scope ?? "";
      if (entry.tag === tag.subprogram) declarations.set(entry.offset, { entry, scope });
      if (entry.tag === tag.subprogram || entry.tag === tag.inlinedSubroutine) {
        const ranges = this.#rangesOf(entry);
        if (ranges.length > 0) functions.push({ entry, ranges });
      } else if (entry.hasChildren && entry.depth > 0) {
        const name = textOf(entry.attributes.get(attribute.name), this.#context);
        this.#effort.spend(entry.offset, name?.length);
        if (name !== undefined) scopes.push({ depth: entry.depth, scope: joinScope(scope, name) });
      }
    }
    return { functions, declarations };
  }
}

/** Longest that names of namespaces may grow by nesting. */
const longestScope = 1000;

function joinScope(scope: string, name: string): string {
  return scope === "" || scope.length > longestScope ? name : `${scope}::${name}`;
}

/** Reads each table of `.debug_abbrev` once, however many units share it. */
export class AbbreviationTables {
  readonly #sections: DebugSections;
  readonly #effort: Effort;
  readonly #tables = new Map<number, Abbreviations>();

  constructor(sections: DebugSections, effort: Effort) {
    this.#sections = sections;
    this.#effort = effort;
  }

  /** @throws WASM_MALFORMED */
  at(offset: number): Abbreviations {
    let table = this.#tables.get(offset);
    if (table === undefined) {
      table = readAbbreviations(this.#sections, offset, this.#effort);
      this.#tables.set(offset, table);
    }
    return table;
  }
}

/** Kinds of units of version 5 whose head goes on: with a signature and an offset of a type, or with an identifier. */
const typeUnit = 0x02;
const splitTypeUnit = 0x06;
const skeletonUnit = 0x04;
const splitCompileUnit = 0x05;

function readHead(
  sections: DebugSections,
  offset: number,
  tables: AbbreviationTables,
): { readonly next: number; readonly bytes: UnitBytes } {
  const section = sections.cursor("info", offset);
  const infoStart = section.offset - offset;
  const { end, offsetSize } = section.unitLength();
  const cursor = new Cursor(section.bytes, { start: section.offset, end });
  const version = cursor.unsigned(2);
  const next = end - infoStart;
  const empty = { encoding: { version, offsetSize, addressSize: 4 }, abbreviations: new Map(), infoStart };
  // One of a version that is not known is gone over: the next may be.
  if (version < 2 || version > 5)
    return { next, bytes: { ...empty, entries: new Cursor(cursor.bytes, { start: end, end }) } };
  const kind = version >= 5 ? cursor.u8() : 0;
  const early = version >= 5 ? cursor.u8() : 0;
  const abbreviations = tables.at(cursor.unsigned(offsetSize));
  const addressSize = version >= 5 ? early : cursor.u8();
  if (kind === typeUnit || kind === splitTypeUnit) cursor.skip(8 + offsetSize);
  if (kind === skeletonUnit || kind === splitCompileUnit) cursor.skip(8);
  const encoding = { version, offsetSize, addressSize: Math.min(addressSize, 8) };
  return { next, bytes: { encoding, abbreviations, entries: cursor, infoStart } };
}
