import { ByteReader, type ByteRange, malformed } from "./reader.ts";
import type { Section } from "./sections.ts";
import {
  type FunctionType,
  limitDefinitions,
  type MemoryType,
  type ModuleFeature,
  type TableType,
  type TypeDefinition,
  TypeReader,
  type ValueType,
} from "./types.ts";

/** What an import or export is, in the words of the JavaScript interface (`WebAssembly.Module.imports`). */
export type ExternKind = "function" | "table" | "memory" | "global" | "tag";

/** The type of what is imported, by its kind. */
export type ExternType =
  | { readonly kind: "function"; readonly typeIndex: number; readonly type: FunctionType }
  | { readonly kind: "table"; readonly type: TableType }
  | { readonly kind: "memory"; readonly type: MemoryType }
  | {
      readonly kind: "global";
      readonly type: { readonly value: ValueType; readonly mutable: boolean };
    }
  | { readonly kind: "tag"; readonly typeIndex: number; readonly type: FunctionType };

/** One import of a core module (WebAssembly 3.0, 5.5.5 Import section). */
export type ImportInfo = ExternType & {
  /** The name before the dot, such as `wasi_snapshot_preview1`. */
  readonly module: string;
  readonly name: string;
};

/** One export of a core module (5.5.10 Export section). */
export interface ExportInfo {
  readonly name: string;
  readonly kind: ExternKind;
  /** Index in the space of its kind, where imports come first. */
  readonly index: number;
  /** The type, where a function is exported. */
  readonly type?: FunctionType;
}

/** The byte that marks a kind (5.5.5, 5.5.10), in order. */
const externKinds: readonly ExternKind[] = ["function", "table", "memory", "global", "tag"];

/** Where the extern types are read from, and what they refer to. */
export interface ExternContext {
  readonly bytes: Uint8Array;
  readonly types: readonly TypeDefinition[];
  readonly features: Set<ModuleFeature>;
}

/** An import and the bytes of its type behind the kind byte, for those who rewrite them. */
export interface LocatedImport {
  readonly info: ImportInfo;
  readonly typeRange: ByteRange;
}

/**
 * The function type at an index.
 *
 * @throws WASM_MALFORMED
 */
export function functionTypeAt(types: readonly TypeDefinition[], index: number, offset: number): FunctionType {
  const type = types[index];
  if (type === undefined) throw malformed(offset, `type ${index} where ${types.length} exist`);
  if (type.kind !== "function") throw malformed(offset, `type ${index} is not a function type`);
  return type;
}

/** Reads an import section one import at a time (5.5.5 Import section; compact import section proposal). */
export function* readImports(section: Section, context: ExternContext): Generator<LocatedImport, void> {
  const reader = new ByteReader(context.bytes, section.body);
  let total = 0;
  for (let count = reader.count(); count > 0; count -= 1) {
    for (const located of readImportEntry(reader, context)) {
      total += 1;
      limitDefinitions(total, "imports");
      yield located;
    }
  }
  reader.expectEnd("the imports");
}

function* readImportEntry(reader: ByteReader, context: ExternContext): Generator<LocatedImport, void> {
  const module = reader.name();
  const name = reader.name();
  const form = name === "" ? reader.peek() : undefined;
  if (form !== 0x7e && form !== 0x7f) {
    yield readTypedImport(reader, context, { module, name });
    return;
  }
  // One module name for many imports: 0x7f gives a type with each name, 0x7e one type before all of them.
  reader.u8();
  context.features.add("compact-imports");
  const common = form === 0x7e ? readTypedImport(reader, context, { module, name }) : undefined;
  for (let count = reader.count(); count > 0; count -= 1) {
    const itemName = reader.name();
    if (common === undefined) yield readTypedImport(reader, context, { module, name: itemName });
    else yield { ...common, info: { ...common.info, name: itemName } };
  }
}

function readTypedImport(
  reader: ByteReader,
  context: ExternContext,
  names: { readonly module: string; readonly name: string },
): LocatedImport {
  const kindOffset = reader.offset;
  const kindByte = reader.u8();
  const start = reader.offset;
  const type = readExternType(reader, context, { kindByte, kindOffset });
  return { info: { ...names, ...type }, typeRange: { start, end: reader.offset } };
}

/** Reads what an import is behind its names and its kind byte (5.5.5 Import section: `externtype`). */
export function readExternType(
  reader: ByteReader,
  context: ExternContext,
  at: { readonly kindByte: number; readonly kindOffset: number },
): ExternType {
  const types = new TypeReader(reader, context.features);
  const start = reader.offset;
  switch (at.kindByte) {
    case 0x20:
    case 0x00: {
      if (at.kindByte === 0x20) context.features.add("custom-descriptors");
      const typeIndex = reader.u32();
      return { kind: "function", typeIndex, type: functionTypeAt(context.types, typeIndex, start) };
    }
    case 0x01:
      return { kind: "table", type: types.tableType() };
    case 0x02:
      return { kind: "memory", type: types.memoryType() };
    case 0x03:
      return { kind: "global", type: types.globalType() };
    case 0x04: {
      const attribute = reader.u8();
      if (attribute !== 0) throw malformed(start, `an unknown tag attribute (${attribute})`);
      context.features.add("exceptions");
      const typeIndex = reader.u32();
      return { kind: "tag", typeIndex, type: functionTypeAt(context.types, typeIndex, start) };
    }
    default:
      throw malformed(at.kindOffset, `an unknown import kind (0x${at.kindByte.toString(16)})`);
  }
}

/** Reads an export section (5.5.10 Export section); `typeOfFunction` gives the type of a function by its index. */
export function readExports(
  bytes: Uint8Array,
  section: Section,
  typeOfFunction: (index: number, offset: number) => FunctionType,
): ExportInfo[] {
  const reader = new ByteReader(bytes, section.body);
  const exports: ExportInfo[] = [];
  for (let count = reader.count(); count > 0; count -= 1) {
    limitDefinitions(exports.length + 1, "exports");
    const name = reader.name();
    const start = reader.offset;
    const kindByte = reader.u8();
    const kind = externKinds[kindByte];
    if (kind === undefined) throw malformed(start, `an unknown export kind (0x${kindByte.toString(16)})`);
    const index = reader.u32();
    exports.push(
      kind === "function" ? { name, kind, index, type: typeOfFunction(index, start) } : { name, kind, index },
    );
  }
  reader.expectEnd("the exports");
  return exports;
}
