import { SampanError } from "../../base/index.ts";
import { type ExternContext, functionTypeAt, readExports, readImports } from "../externs.ts";
import { ByteReader, type ByteRange, malformed } from "../reader.ts";
import { readModuleSections, readPreamble, sectionId, type Section } from "../sections.ts";
import { type FunctionType, limitDefinitions, type ModuleFeature, type TypeDefinition, TypeReader } from "../types.ts";
import { CoreTypeText } from "./core-types.ts";
import { importKey } from "./match-core.ts";
import type { CoreExtern, CoreImport, CoreModuleType } from "./types.ts";

/**
 * The type of a core module: only what its imports and exports need is read, so that the time depends on its
 * declarations and not on its size. Code is left to whoever compiles it.
 *
 * @throws WASM_MALFORMED, or WASM_FEATURE
 */
export function readCoreModuleType(bytes: Uint8Array): CoreModuleType {
  const { version, layer } = readPreamble(bytes);
  if (version !== 1 || layer !== 0) throw malformed(4, "something that is not a core module");
  const reading = new CoreModuleReading(bytes);
  for (const section of readModuleSections(bytes)) reading.section(section);
  return reading.finish();
}

/** The same, with the place of the module in messages: its range in a larger binary. */
export function readCoreModuleAt(bytes: Uint8Array, range: ByteRange, index: number): CoreModuleType {
  try {
    return readCoreModuleType(bytes.subarray(range.start, range.end));
  } catch (error) {
    if (!(error instanceof SampanError) || error.code !== "WASM_MALFORMED") throw error;
    const message = `${error.message} of core module ${index}, which begins at byte ${range.start}`;
    throw new SampanError("WASM_MALFORMED", message, { cause: error, data: { offset: range.start } });
  }
}

class CoreModuleReading {
  readonly #bytes: Uint8Array;
  readonly #context: ExternContext & { types: readonly TypeDefinition[] };
  readonly #imports: CoreImport[] = [];
  readonly #importedFunctions: FunctionType[] = [];
  readonly #tables: CoreExtern[] = [];
  readonly #memories: CoreExtern[] = [];
  readonly #globals: CoreExtern[] = [];
  readonly #tags: CoreExtern[] = [];
  #text = new CoreTypeText([]);
  #ownFunctions = new Uint32Array(0);
  #globalSection: Section | undefined;
  #exportSection: Section | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#context = { bytes, types: [], features: new Set<ModuleFeature>() };
  }

  section(section: Section): void {
    const reader = new ByteReader(this.#bytes, section.body);
    const types = new TypeReader(reader, this.#context.features);
    switch (section.id) {
      case sectionId.type:
        this.#context.types = types.typeSection();
        this.#text = new CoreTypeText(this.#context.types);
        return;
      case sectionId.import:
        this.#readImports(section);
        return;
      case sectionId.function:
        this.#ownFunctions = readIndices(reader);
        return;
      case sectionId.table:
        this.#readTables(reader, types);
        return;
      case sectionId.memory:
        for (let count = reader.count(); count > 0; count -= 1) {
          this.#memories.push({ kind: "memory", type: types.memoryType() });
        }
        return;
      case sectionId.tag:
        this.#readTags(reader);
        return;
      case sectionId.global:
        this.#globalSection = section;
        return;
      case sectionId.export:
        this.#exportSection = section;
        return;
      default:
    }
  }

  finish(): CoreModuleType {
    const exports = new Map<string, CoreExtern>();
    const imports = this.#imports;
    if (this.#exportSection === undefined) return { kind: "core-module", imports, exports };
    const start = this.#exportSection.body.start;
    const typeOf = (index: number, offset: number): FunctionType => this.#functionType(index, offset);
    for (const { name, kind, index } of readExports(this.#bytes, this.#exportSection, typeOf)) {
      if (exports.has(name)) throw malformed(start, `a second export "${name}"`);
      const type = this.#exported(kind, index);
      if (type === undefined) throw malformed(start, `an export of ${kind} ${index}, which does not exist`);
      exports.set(name, type);
    }
    return { kind: "core-module", imports, exports };
  }

  #exported(kind: CoreExtern["kind"], index: number): CoreExtern | undefined {
    switch (kind) {
      case "function": {
        const type = this.#functionType(index, this.#exportSection?.body.start ?? 0);
        return { kind: "function", type: this.#text.functionType(type) };
      }
      case "table":
        return this.#tables[index];
      case "memory":
        return this.#memories[index];
      case "global":
        this.#readGlobals();
        return this.#globals[index];
      case "tag":
        return this.#tags[index];
    }
  }

  #readImports(section: Section): void {
    const seen = new Set<string>();
    for (const { info } of readImports(section, this.#context)) {
      const { module, name } = info;
      const key = importKey(module, name);
      if (seen.has(key)) throw malformed(section.body.start, `a second import "${module}" "${name}"`);
      seen.add(key);
      const type = this.#text.extern(info);
      this.#imports.push({ module, name, type });
      if (info.kind === "function") this.#importedFunctions.push(info.type);
      if (type.kind === "table") this.#tables.push(type);
      if (type.kind === "memory") this.#memories.push(type);
      if (type.kind === "global") this.#globals.push(type);
      if (type.kind === "tag") this.#tags.push(type);
    }
  }

  #readTables(reader: ByteReader, types: TypeReader): void {
    for (let count = reader.count(); count > 0; count -= 1) {
      limitDefinitions(this.#tables.length + 1, "tables");
      const hasInitial = reader.peek() === 0x40;
      if (hasInitial) reader.skip(2);
      const type = types.tableType();
      if (hasInitial) skipConstant(reader);
      this.#tables.push(this.#text.extern({ kind: "table", type }));
    }
  }

  #readTags(reader: ByteReader): void {
    for (let count = reader.count(); count > 0; count -= 1) {
      const start = reader.offset;
      reader.u8();
      const typeIndex = reader.u32();
      const type = functionTypeAt(this.#context.types, typeIndex, start);
      this.#tags.push(this.#text.extern({ kind: "tag", typeIndex, type }));
    }
  }

  /** Reads the globals' types when the first exported one asks for them. */
  #readGlobals(): void {
    if (this.#globalSection === undefined) return;
    const reader = new ByteReader(this.#bytes, this.#globalSection.body);
    this.#globalSection = undefined;
    const types = new TypeReader(reader, this.#context.features);
    for (let count = reader.count(); count > 0; count -= 1) {
      limitDefinitions(this.#globals.length + 1, "globals");
      this.#globals.push(this.#text.extern({ kind: "global", type: types.globalType() }));
      skipConstant(reader);
    }
  }

  #functionType(index: number, offset: number): FunctionType {
    const imported = this.#importedFunctions[index];
    if (imported !== undefined) return imported;
    const typeIndex = this.#ownFunctions[index - this.#importedFunctions.length];
    if (typeIndex === undefined) throw malformed(offset, `an export of function ${index}, which does not exist`);
    return functionTypeAt(this.#context.types, typeIndex, offset);
  }
}

function readIndices(reader: ByteReader): Uint32Array<ArrayBuffer> {
  const count = reader.count();
  limitDefinitions(count, "functions");
  const indices = new Uint32Array(count);
  for (let index = 0; index < count; index += 1) indices[index] = reader.u32();
  return indices;
}

/** Goes over a constant expression (WebAssembly 3.0, 3.4.15 Constant expressions). */
function skipConstant(reader: ByteReader): void {
  for (;;) {
    const start = reader.offset;
    const opcode = reader.u8();
    if (opcode === 0x0b) return;
    if (opcode === 0x41 || opcode === 0x42) while (reader.u8() >= 0x80);
    else if (opcode === 0x43) reader.skip(4);
    else if (opcode === 0x44) reader.skip(8);
    else if (opcode === 0x23 || opcode === 0xd2) reader.u32();
    else if (opcode === 0xd0) skipHeapType(reader);
    else if (opcode === 0xfb) skipAggregate(reader, start);
    else if (opcode === 0xfd) {
      if (reader.u32() !== 12) throw malformed(start, "a vector instruction that is not constant");
      reader.skip(16);
    } else if (![0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e].includes(opcode)) {
      throw malformed(start, `an instruction that is not constant (0x${opcode.toString(16)})`);
    }
  }
}

function skipHeapType(reader: ByteReader): void {
  if (reader.peek() === 0x62 || reader.peek() === 0x65) reader.u8();
  reader.s33();
}

/** Goes over what follows the prefix 0xfb in a constant expression. */
function skipAggregate(reader: ByteReader, start: number): void {
  const opcode = reader.u32();
  // struct.new, array.new and their defaults name a type; array.new_fixed a length too; the conversions nothing.
  if ([0, 1, 6, 7, 8].includes(opcode)) reader.u32();
  if (opcode === 8) reader.u32();
  if (![0, 1, 6, 7, 8, 26, 27, 28].includes(opcode)) {
    throw malformed(start, `an instruction that is not constant (0xfb ${opcode})`);
  }
}
