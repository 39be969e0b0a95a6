import { SampanError } from "../../base/index.ts";
import { Effort } from "./cursor.ts";
import { DebugSections } from "./debug-sections.ts";
import { attribute } from "./entries.ts";
import { type LineRow, LineTable } from "./line-program.ts";
import { shownPath } from "./paths.ts";
import { SourceMapReader } from "./source-map.ts";
import { AbbreviationTables, Unit } from "./unit.ts";

/** A place in a source. */
export interface SourcePlace {
  /** The path that the compiler was given, without the folder that was compiled in. */
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  /** Counts from 1; left out where it is not known. */
  readonly column?: number;
}

/** A function of the source that code is in. */
export interface SourceFrame {
  /** With the namespaces that it is in, `a::b`. */
  readonly functionName?: string;
  readonly place?: SourcePlace;
}

/** What reading sources of a module takes beside its bytes. */
export interface SourceLinesOptions {
  /**
   * Answers a file beside the module that it names: a plain relative path without `..`, of a source map or of a module
   * with its debug information; undefined where there is none.
   */
  readonly readBeside?: ((name: string) => Uint8Array | undefined) | undefined;
}

/**
 * Enough for the parts that a backtrace reads of debug information of some hundred megabytes; a crafted one ends within
 * seconds and some hundred megabytes.
 */
const mostSteps = 20_000_000;

/**
 * Finds the source lines of a core module's code: from DWARF 2 to 5 in its custom sections or in the file that
 * `external_debug_info` names, or else from the source map that `sourceMappingURL` names (tool conventions, Debugging;
 * DWARF for WebAssembly). Nothing is read before the first question. Defects of debug information are no errors: what
 * they leave unknown is left out.
 */
export class SourceLines {
  readonly #bytes: Uint8Array;
  readonly #readBeside: (name: string) => Uint8Array | undefined;
  #opened: Opened | undefined;

  constructor(bytes: Uint8Array, { readBeside }: SourceLinesOptions = {}) {
    this.#bytes = bytes;
    this.#readBeside = readBeside ?? (() => undefined);
  }

  /**
   * The functions that the instruction at a byte offset in the module is in, and where: those that were inlined first, the
   * innermost at the front, and the one that has the code last. Empty where nothing is known of it.
   */
  framesAt(offset: number): readonly SourceFrame[] {
    this.#opened ??= orNothing(() => this.#open()) ?? {};
    const { module, dwarf, map } = this.#opened;
    const code = module?.code;
    if (module === undefined || code === undefined || !(offset >= code.start && offset < code.end)) return [];
    const frames = dwarf?.framesAt(offset - code.start) ?? [];
    if (frames.length > 0 || map === undefined) return frames;
    const body = orNothing(() => module.functionBody(offset));
    const place = body && map.place(offset, body.start);
    return place === undefined ? [] : [{ place }];
  }

  #open(): Opened {
    const module = new DebugSections(this.#bytes);
    const dwarf = orNothing(() => this.#findDwarf(module));
    const map = orNothing(() => this.#findMap(module));
    return { module, ...(dwarf && { dwarf }), ...(map && { map }) };
  }

  #findDwarf(module: DebugSections): Dwarf | undefined {
    if (module.has("line")) return new Dwarf(module);
    const bytes = this.#beside(module.url("external_debug_info"));
    return bytes === undefined ? undefined : new Dwarf(new DebugSections(bytes));
  }

  #findMap(module: DebugSections): SourceMapReader | undefined {
    const url = module.url("sourceMappingURL");
    const bytes = inlineBytes(url) ?? this.#beside(url);
    return bytes === undefined ? undefined : SourceMapReader.parse(new TextDecoder().decode(bytes));
  }

  /** A module names files beside it and no others. */
  #beside(url: string | undefined): Uint8Array | undefined {
    if (url === undefined || /^[/\\]|[:?#\0]/.test(url)) return undefined;
    const parts = url.split(/[/\\]/).filter((part) => part !== "." && part !== "");
    return parts.length === 0 || parts.includes("..") ? undefined : this.#readBeside(parts.join("/"));
  }
}

interface Opened {
  readonly module?: DebugSections;
  readonly dwarf?: Dwarf;
  readonly map?: SourceMapReader;
}

/** What a `data:` URL of JSON holds. */
function inlineBytes(url: string | undefined): Uint8Array | undefined {
  const text = /^data:application\/json(?:;charset=[\w-]+)?;base64,(.*)$/s.exec(url ?? "")?.[1];
  if (text === undefined) return undefined;
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SampanError && error.code === "WASM_MALFORMED") return undefined;
    throw error;
  }
}

/** The sections of DWARF of one module. */
class Dwarf {
  readonly #sections: DebugSections;
  readonly #effort = new Effort(mostSteps);
  readonly #tables = new Map<number, LineTable | undefined>();
  #units: readonly Unit[] | undefined;
  #lineOffsets: readonly number[] | undefined;

  constructor(sections: DebugSections) {
    this.#sections = sections;
  }

  /** The functions at an address, in bytes from the beginning of the code section's content. */
  framesAt(address: number): readonly SourceFrame[] {
    this.#units ??= this.#readUnits();
    for (const unit of this.#units) {
      if (orNothing(() => unit.holds(address)) !== true) continue;
      const frames = this.#framesOf(unit, address);
      if (frames.length > 0) return frames;
    }
    const place = this.#placeWithoutUnit(address);
    return place === undefined ? [] : [{ place }];
  }

  #framesOf(unit: Unit, address: number): SourceFrame[] {
    const table = unit.lineTable === undefined ? undefined : this.#table(unit.lineTable);
    const folder = orNothing(() => unit.compileFolder) ?? "";
    let place = table && placeOf(table, table.row(address), folder);
    const frames: SourceFrame[] = [];
    for (const { entry } of orNothing(() => unit.functionsAt(address)) ?? []) {
      const functionName = orNothing(() => unit.functionName(entry, (offset) => this.#unitAt(offset)));
      frames.push({ ...(functionName !== undefined && { functionName }), ...(place && { place }) });
      const numberOf = (name: number): number => {
        const value = entry.attributes.get(name);
        return value?.kind === "number" ? value.value : 0;
      };
      const file = numberOf(attribute.callFile);
      const call = { file, line: numberOf(attribute.callLine), column: numberOf(attribute.callColumn) };
      place = table && placeOf(table, call, folder);
    }
    return frames.length === 0 && place !== undefined ? [{ place }] : frames;
  }

  /** Reads every unit's head, up to the first that is broken. */
  #readUnits(): Unit[] {
    const units: Unit[] = [];
    const tables = new AbbreviationTables(this.#sections, this.#effort);
    orNothing(() => {
      const end = this.#sections.cursor("info");
      const length = end.end - end.offset;
      for (let offset = 0; offset < length; offset = units.at(-1)?.next ?? length) {
        units.push(new Unit(this.#sections, offset, { effort: this.#effort, tables }));
      }
    });
    return units;
  }

  #unitAt(offset: number): Unit | undefined {
    return this.#units?.find((unit) => unit.offset <= offset && offset < unit.next);
  }

  /** Looks through all line tables, for code that no unit says is its own. */
  #placeWithoutUnit(address: number): SourcePlace | undefined {
    this.#lineOffsets ??= this.#readLineOffsets();
    for (const offset of this.#lineOffsets) {
      const table = this.#table(offset);
      const place = table && placeOf(table, table.row(address), "");
      if (place !== undefined) return place;
    }
    return undefined;
  }

  #readLineOffsets(): number[] {
    const offsets: number[] = [];
    orNothing(() => {
      const cursor = this.#sections.cursor("line");
      const { offset: start } = cursor;
      while (!cursor.isAtEnd) {
        this.#effort.spend(cursor.offset);
        const offset = cursor.offset - start;
        cursor.offset = cursor.unitLength().end;
        offsets.push(offset);
      }
    });
    return offsets;
  }

  #table(offset: number): LineTable | undefined {
    if (!this.#tables.has(offset)) {
      this.#tables.set(
        offset,
        orNothing(() => new LineTable(this.#sections, offset, this.#effort)),
      );
    }
    return this.#tables.get(offset);
  }
}

/** What a row of a line table says for people; undefined where code comes from no line (DWARF 5, 6.2.2, line 0). */
function placeOf(table: LineTable, row: LineRow | undefined, folder: string): SourcePlace | undefined {
  if (row === undefined || row.line < 1) return undefined;
  const path = table.file(row.file);
  if (path === undefined || path === "") return undefined;
  const file = shownPath(path, folder);
  return { file, line: row.line, ...(row.column > 0 && { column: row.column }) };
}
