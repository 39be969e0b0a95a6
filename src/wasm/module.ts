import { SampanError } from "../base/index.ts";
import { CustomSections, type CustomSectionInfo, type Producers } from "./custom.ts";
import { type ExportInfo, functionTypeAt, type ImportInfo, readExports, readImports } from "./externs.ts";
import { ByteReader, malformed } from "./reader.ts";
import { readModuleSections, readPreamble, type Section, sectionId } from "./sections.ts";
import {
  type FunctionType,
  limitDefinitions,
  type MemoryType,
  type ModuleFeature,
  type TypeDefinition,
  TypeReader,
} from "./types.ts";

/** A memory of a module: its type (sizes in pages of `pageSize` bytes), and whether it comes from outside. */
export interface MemoryInfo extends MemoryType {
  readonly imported: boolean;
}

/** What a core module's declarations say; function bodies, data and elements are not looked at. */
export interface ModuleInfo {
  readonly kind: "module";
  /** The binary format's version: 1. */
  readonly version: number;
  /** Size in bytes of the whole binary. */
  readonly size: number;
  readonly types: readonly TypeDefinition[];
  readonly imports: readonly ImportInfo[];
  readonly exports: readonly ExportInfo[];
  /** In the order of their indices: imported ones first. */
  readonly memories: readonly MemoryInfo[];
  /** Number of tables that are the module's own. */
  readonly ownTables: number;
  /** Number of functions, imported ones included. */
  readonly functionCount: number;
  /** Index of the function that runs at instantiation. */
  readonly start: number | undefined;
  /** Number of data segments, if the module says it before its code. */
  readonly dataCount: number | undefined;
  /** At most the first 10,000. */
  readonly customSections: readonly CustomSectionInfo[];
  readonly producers: Producers;
  /** Names of features that the compiler was allowed, such as `simd128`; sorted. */
  readonly targetFeatures: readonly string[];
  /** Proposals that the declarations use; sorted. */
  readonly features: readonly ModuleFeature[];
  readonly hasDebugInfo: boolean;
  /** The module's own name, from the name section. */
  readonly moduleName: string | undefined;
  /** The name of the function at an index (imports come first); it reads the name section when first asked. */
  readonly functionName: (index: number) => string | undefined;
}

/**
 * Reads what a core module declares (WebAssembly 3.0, 5.5 Modules). Code and data are skipped by their size, so the time
 * depends on the declarations alone. The result keeps the bytes for the name section.
 *
 * @throws WASM_MALFORMED, or WASM_FEATURE where the bytes are a component or hold more definitions than engines take
 */
export function readModule(bytes: Uint8Array): ModuleInfo {
  const { version, layer } = readPreamble(bytes);
  if (layer === 1) throw new SampanError("WASM_FEATURE", "Cannot read a component as a core module");
  if (version !== 1 || layer !== 0)
    throw malformed(4, `version ${version} of layer ${layer}, wanted version 1 of layer 0`);
  const reading = new ModuleReading(bytes);
  for (const section of readModuleSections(bytes)) reading.section(section);
  return reading.finish(version);
}

class ModuleReading {
  readonly #bytes: Uint8Array;
  readonly #custom: CustomSections;
  readonly #features = new Set<ModuleFeature>();
  readonly #imports: ImportInfo[] = [];
  readonly #importedFunctions: FunctionType[] = [];
  readonly #memories: MemoryInfo[] = [];
  #types: readonly TypeDefinition[] = [];
  #ownFunctions = new Uint32Array(0);
  #exports: readonly ExportInfo[] = [];
  #start: number | undefined;
  #dataCount: number | undefined;
  #ownTables = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#custom = new CustomSections(bytes);
  }

  section(section: Section): void {
    const reader = new ByteReader(this.#bytes, section.body);
    switch (section.id) {
      case sectionId.custom:
        this.#custom.add(section);
        return;
      case sectionId.type:
        this.#types = new TypeReader(reader, this.#features).typeSection();
        break;
      case sectionId.import:
        this.#readImports(section);
        return;
      case sectionId.function:
        this.#ownFunctions = readFunctionSection(reader);
        break;
      case sectionId.memory:
        this.#readMemories(reader);
        break;
      case sectionId.table:
        this.#ownTables = reader.u32();
        return;
      case sectionId.tag:
        this.#features.add("exceptions");
        return;
      case sectionId.export:
        this.#exports = readExports(this.#bytes, section, (index, offset) => this.#functionType(index, offset));
        return;
      case sectionId.start:
        this.#start = reader.u32();
        break;
      case sectionId.dataCount:
        this.#dataCount = reader.u32();
        break;
      default:
        return;
    }
    reader.expectEnd(`the content of a section (id ${section.id})`);
  }

  finish(version: number): ModuleInfo {
    if (this.#memories.length > 1) this.#features.add("multi-memory");
    const names = this.#custom.names();
    return {
      kind: "module",
      version,
      size: this.#bytes.length,
      types: this.#types,
      imports: this.#imports,
      ownTables: this.#ownTables,
      exports: this.#exports,
      memories: this.#memories,
      functionCount: this.#importedFunctions.length + this.#ownFunctions.length,
      start: this.#start,
      dataCount: this.#dataCount,
      customSections: this.#custom.list,
      producers: this.#custom.producers(),
      targetFeatures: this.#custom.targetFeatures().sort(),
      features: [...this.#features].sort(),
      hasDebugInfo: this.#custom.hasDebugInfo,
      moduleName: names.moduleName(),
      functionName: (index) => names.functionName(index),
    };
  }

  #readImports(section: Section): void {
    const context = { bytes: this.#bytes, types: this.#types, features: this.#features };
    for (const { info } of readImports(section, context)) {
      this.#imports.push(info);
      if (info.kind === "function") this.#importedFunctions.push(info.type);
      if (info.kind === "memory") this.#memories.push({ ...info.type, imported: true });
    }
  }

  #readMemories(reader: ByteReader): void {
    const types = new TypeReader(reader, this.#features);
    for (let count = reader.count(); count > 0; count -= 1) {
      limitDefinitions(this.#memories.length + 1, "memories");
      this.#memories.push({ ...types.memoryType(), imported: false });
    }
  }

  #functionType(index: number, offset: number): FunctionType {
    const imported = this.#importedFunctions[index];
    if (imported !== undefined) return imported;
    const typeIndex = this.#ownFunctions[index - this.#importedFunctions.length];
    if (typeIndex === undefined) throw malformed(offset, `an export of function ${index}, which does not exist`);
    return functionTypeAt(this.#types, typeIndex, offset);
  }
}

/** Reads the type index of each function that the module defines (5.5.6 Function section). */
function readFunctionSection(reader: ByteReader): Uint32Array<ArrayBuffer> {
  const count = reader.count();
  limitDefinitions(count, "functions");
  const typeIndices = new Uint32Array(count);
  for (let index = 0; index < count; index += 1) typeIndices[index] = reader.u32();
  return typeIndices;
}
