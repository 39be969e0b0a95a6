import { SampanError } from "../../base/index.ts";
import { walkExpression } from "../code/walk.ts";
import { type ExportInfo, readExports, readImports } from "../externs.ts";
import { type ByteRange, ByteReader, malformed } from "../reader.ts";
import { readModuleSections, readPreamble, type Section, sectionId } from "../sections.ts";
import {
  type FunctionType,
  limitDefinitions,
  type MemoryType,
  type ModuleFeature,
  type TableType,
  type TypeDefinition,
  TypeReader,
  type ValueType,
} from "../types.ts";

/** A memory and where its type lies in the binary. */
export interface LocatedMemory {
  readonly type: MemoryType;
  readonly range: ByteRange;
  readonly imported: boolean;
  /** The names that it is imported under. */
  readonly source?: { readonly module: string; readonly name: string };
}

/** A table and where it lies. */
export interface LocatedTable {
  readonly type: TableType;
  /** The bytes of its type: element type and limits. */
  readonly range: ByteRange;
  /** The bytes of the type of its elements. */
  readonly elementRange: ByteRange;
  /** The constant expression that each element begins as, if the module gives one. */
  readonly initial: ByteRange | undefined;
  readonly imported: boolean;
  /** The names that it is imported under. */
  readonly source?: { readonly module: string; readonly name: string };
}

/** A global and where it lies. */
export interface LocatedGlobal {
  readonly value: ValueType;
  readonly mutable: boolean;
  readonly valueRange: ByteRange;
  /** The constant expression that it begins as; `undefined` for an imported one. */
  readonly initial: ByteRange | undefined;
}

/** What the rewriter has to know of a module before it looks at the code. */
export interface ModuleShape {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sections: readonly Section[];
  readonly types: readonly TypeDefinition[];
  /** Module names of all imports. */
  readonly importModules: ReadonlySet<string>;
  readonly importedFunctions: number;
  /** Number of functions, imported ones included. */
  readonly functionCount: number;
  readonly tables: readonly LocatedTable[];
  readonly memories: readonly LocatedMemory[];
  readonly globals: readonly LocatedGlobal[];
  readonly exports: readonly ExportInfo[];
  /** Index of the function that runs at instantiation. */
  readonly start: number | undefined;
}

const someFunction: FunctionType = { kind: "function", params: [], results: [] };

/**
 * Reads the declarations of a core module with the places of what the rewriter changes.
 *
 * @throws WASM_MALFORMED, WASM_FEATURE
 */
export function readShape(bytes: Uint8Array<ArrayBuffer>): ModuleShape {
  const { version, layer } = readPreamble(bytes);
  if (layer === 1) throw new SampanError("WASM_FEATURE", "Cannot rewrite a component as a core module");
  if (version !== 1 || layer !== 0)
    throw malformed(4, `version ${version} of layer ${layer}, wanted version 1 of layer 0`);
  const reading = new ShapeReading(bytes);
  for (const section of readModuleSections(bytes)) reading.section(section);
  return reading.finish();
}

class ShapeReading {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #sections: Section[] = [];
  readonly #importModules = new Set<string>();
  readonly #tables: LocatedTable[] = [];
  readonly #memories: LocatedMemory[] = [];
  readonly #globals: LocatedGlobal[] = [];
  #types: readonly TypeDefinition[] = [];
  #importedFunctions = 0;
  #ownFunctions = 0;
  #exports: readonly ExportInfo[] = [];
  #start: number | undefined;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  section(section: Section): void {
    this.#sections.push(section);
    const reader = new ByteReader(this.#bytes, section.body);
    switch (section.id) {
      case sectionId.type:
        this.#types = new TypeReader(reader, new Set()).typeSection();
        break;
      case sectionId.import:
        this.#readImports(section);
        return;
      case sectionId.function:
        this.#ownFunctions = reader.count();
        limitDefinitions(this.#ownFunctions, "functions");
        return;
      case sectionId.table:
        this.#readTables(reader);
        break;
      case sectionId.memory:
        this.#readMemories(reader);
        break;
      case sectionId.global:
        this.#readGlobals(reader);
        break;
      case sectionId.export:
        this.#exports = readExports(this.#bytes, section, () => someFunction);
        return;
      case sectionId.start:
        this.#start = reader.u32();
        break;
      default:
        return;
    }
    reader.expectEnd(`the content of a section (id ${section.id})`);
  }

  finish(): ModuleShape {
    return {
      bytes: this.#bytes,
      sections: this.#sections,
      types: this.#types,
      importModules: this.#importModules,
      importedFunctions: this.#importedFunctions,
      functionCount: this.#importedFunctions + this.#ownFunctions,
      tables: this.#tables,
      memories: this.#memories,
      globals: this.#globals,
      exports: this.#exports,
      start: this.#start,
    };
  }

  #readImports(section: Section): void {
    const context = { bytes: this.#bytes, types: this.#types, features: new Set<ModuleFeature>() };
    for (const { info, typeRange } of readImports(section, context)) {
      this.#importModules.add(info.module);
      if (info.kind === "function") this.#importedFunctions += 1;
      if (info.kind === "memory") {
        const { type, module, name } = info;
        this.#memories.push({ type, range: typeRange, imported: true, source: { module, name } });
      }
      if (info.kind === "table") {
        const { type, module, name } = info;
        const elementRange = this.#typeRange(typeRange.start);
        const source = { module, name };
        this.#tables.push({ type, range: typeRange, elementRange, initial: undefined, imported: true, source });
      }
      if (info.kind === "global") {
        this.#globals.push({ ...info.type, valueRange: this.#typeRange(typeRange.start), initial: undefined });
      }
    }
  }

  #readTables(reader: ByteReader): void {
    for (let count = reader.count(); count > 0; count -= 1) {
      limitDefinitions(this.#tables.length + 1, "tables");
      const hasInitial = reader.peek() === 0x40;
      if (hasInitial) {
        reader.u8();
        const reserved = reader.u8();
        if (reserved !== 0) throw malformed(reader.offset - 1, `an unknown table form (${reserved})`);
      }
      const start = reader.offset;
      const elementRange = this.#typeRange(start);
      const type = new TypeReader(reader, new Set()).tableType();
      const range = { start, end: reader.offset };
      const initial = hasInitial ? this.#expression(reader) : undefined;
      this.#tables.push({ type, range, elementRange, initial, imported: false });
    }
  }

  #readMemories(reader: ByteReader): void {
    const types = new TypeReader(reader, new Set());
    for (let count = reader.count(); count > 0; count -= 1) {
      limitDefinitions(this.#memories.length + 1, "memories");
      const start = reader.offset;
      const type = types.memoryType();
      this.#memories.push({ type, range: { start, end: reader.offset }, imported: false });
    }
  }

  #readGlobals(reader: ByteReader): void {
    const types = new TypeReader(reader, new Set());
    for (let count = reader.count(); count > 0; count -= 1) {
      limitDefinitions(this.#globals.length + 1, "globals");
      const valueRange = this.#typeRange(reader.offset);
      const type = types.globalType();
      this.#globals.push({ ...type, valueRange, initial: this.#expression(reader) });
    }
  }

  #expression(reader: ByteReader): ByteRange {
    const start = reader.offset;
    const end = walkExpression(this.#bytes, { start, limit: reader.end });
    reader.skip(end - start);
    return { start, end };
  }

  #typeRange(start: number): ByteRange {
    const reader = new ByteReader(this.#bytes, { start, end: this.#bytes.length });
    new TypeReader(reader, new Set()).valueType();
    return { start, end: reader.offset };
  }
}
