import { SampanError } from "../base/index.ts";
import { type ByteReader, malformed } from "./reader.ts";

/** Proposals beyond the first edition that a binary's own declarations show it to use; code is not looked at. */
export type ModuleFeature =
  | "compact-imports"
  | "custom-descriptors"
  | "custom-page-sizes"
  | "exceptions"
  | "gc"
  | "memory64"
  | "multi-memory"
  | "shared-everything"
  | "shared-memory"
  | "stack-switching"
  | "stringref";

/**
 * A value type as the text format writes it: `i32`, `funcref`, `(ref null 3)`, `(ref extern)` … (WebAssembly 3.0, 5.3.5
 * Value types). A number names an entry of the module's types.
 */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | `${string}ref` | `(ref ${string})`;

/** What a field of a structure or an array holds (5.3.7 Composite types). */
export interface FieldType {
  readonly storage: ValueType | "i8" | "i16";
  readonly mutable: boolean;
}

/** A function type: what a call takes and gives. */
export interface FunctionType {
  readonly kind: "function";
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** One entry of a module's types; recursion groups are flattened, as type indices count them. */
export type TypeDefinition =
  | FunctionType
  | { readonly kind: "struct"; readonly fields: readonly FieldType[] }
  | { readonly kind: "array"; readonly element: FieldType }
  | { readonly kind: "continuation"; readonly functionType: string };

/** A memory's type; sizes are in pages of `pageSize` bytes, and above 2^53 pages they are rounded. */
export interface MemoryType {
  /** Pages that it begins with. */
  readonly min: number;
  /** Pages that it may grow to, if it says so. */
  readonly max: number | undefined;
  readonly shared: boolean;
  /** Whether addresses are 64-bit. */
  readonly is64: boolean;
  /** Bytes in a page: 65,536 unless the custom page sizes proposal is used. */
  readonly pageSize: number;
}

/** A table's type; sizes are in elements. */
export interface TableType {
  readonly element: ValueType;
  readonly min: number;
  readonly max: number | undefined;
  readonly is64: boolean;
}

/** Most entries of one index space that engines take (WebAssembly JavaScript Interface, Implementation-defined Limits). */
export const maxDefinitions = 1_000_000;

/** Most parameters, most results and most fields that engines take (the same limits). */
const maxValues = 1000;
const maxFields = 10_000;

/** Bytes in a page where a memory does not choose its own size. */
export const defaultPageSize = 65_536;

const numberTypes = new Map<number, ValueType>([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
]);

/** Abstract heap types by their byte: the name inside `(ref …)`, the shorthand, and the proposal (5.3.3 Heap types). */
const heapTypes = new Map<number, readonly [name: string, shorthand: ValueType, feature?: ModuleFeature]>([
  [0x75, ["nocont", "nullcontref", "stack-switching"]],
  [0x74, ["noexn", "nullexnref", "exceptions"]],
  [0x73, ["nofunc", "nullfuncref", "gc"]],
  [0x72, ["noextern", "nullexternref", "gc"]],
  [0x71, ["none", "nullref", "gc"]],
  [0x70, ["func", "funcref"]],
  [0x6f, ["extern", "externref"]],
  [0x6e, ["any", "anyref", "gc"]],
  [0x6d, ["eq", "eqref", "gc"]],
  [0x6c, ["i31", "i31ref", "gc"]],
  [0x6b, ["struct", "structref", "gc"]],
  [0x6a, ["array", "arrayref", "gc"]],
  [0x69, ["exn", "exnref", "exceptions"]],
  [0x68, ["cont", "contref", "stack-switching"]],
  [0x67, ["string", "stringref", "stringref"]],
]);

/** Reads types from a reader and notes the proposals that they belong to. */
export class TypeReader {
  readonly features: Set<ModuleFeature>;
  readonly #reader: ByteReader;

  constructor(reader: ByteReader, features: Set<ModuleFeature>) {
    this.#reader = reader;
    this.features = features;
  }

  /** Reads the type section's content (WebAssembly 3.0, 5.5.4 Type section). */
  typeSection(): TypeDefinition[] {
    const reader = this.#reader;
    const types: TypeDefinition[] = [];
    for (let groups = reader.count(); groups > 0; groups -= 1) this.typeGroup(types);
    return types;
  }

  /** Reads one recursion group, or a type that is one by itself, and adds its members to `types` (5.3.9 Recursive types). */
  typeGroup(types: TypeDefinition[]): void {
    const reader = this.#reader;
    let members = 1;
    if (reader.peek() === 0x4e) {
      reader.u8();
      this.features.add("gc");
      members = reader.count();
    }
    for (; members > 0; members -= 1) {
      limitDefinitions(types.length + 1, "types");
      types.push(this.#subType());
    }
  }

  /** Reads a value type (5.3.5 Value types). */
  valueType(): ValueType {
    const byte = this.#reader.peek();
    const number = numberTypes.get(byte ?? -1);
    if (number !== undefined) {
      this.#reader.u8();
      return number;
    }
    return this.referenceType();
  }

  /** Reads a reference type (5.3.4 Reference types); abstract ones have a shorthand of one byte. */
  referenceType(): ValueType {
    const start = this.#reader.offset;
    const byte = this.#reader.u8();
    if (byte === 0x63) return `(ref null ${this.#heapType()})`;
    if (byte === 0x64) return `(ref ${this.#heapType()})`;
    if (byte === 0x65) {
      this.features.add("shared-everything");
      return `(ref null (shared ${this.#heapType()}))`;
    }
    const heapType = heapTypes.get(byte);
    if (heapType === undefined) throw malformed(start, `an unknown type (0x${byte.toString(16)})`);
    if (heapType[2] !== undefined) this.features.add(heapType[2]);
    return heapType[1];
  }

  /** Reads a memory's type (5.3.12 Memory types; threads; custom page sizes). */
  memoryType(): MemoryType {
    const reader = this.#reader;
    const start = reader.offset;
    const flags = reader.u8();
    if (flags > 0x0f) throw malformed(start, `unknown memory flags (0x${flags.toString(16)})`);
    const is64 = (flags & 4) !== 0;
    const shared = (flags & 2) !== 0;
    const min = this.#size(is64);
    const max = flags & 1 ? this.#size(is64) : undefined;
    const exponent = flags & 8 ? reader.u32() : 16;
    if (exponent > 16) throw malformed(start, `a page size of 2^${exponent} bytes`);
    if (is64) this.features.add("memory64");
    if (shared) this.features.add("shared-memory");
    if (flags & 8) this.features.add("custom-page-sizes");
    return { min, max, shared, is64, pageSize: 2 ** exponent };
  }

  /** Reads a table's type (5.3.13 Table types). */
  tableType(): TableType {
    const element = this.referenceType();
    const start = this.#reader.offset;
    const flags = this.#reader.u8();
    if (flags > 7) throw malformed(start, `unknown table flags (0x${flags.toString(16)})`);
    const is64 = (flags & 4) !== 0;
    if (is64) this.features.add("memory64");
    if (flags & 2) this.features.add("shared-everything");
    const min = this.#size(is64);
    return { element, min, max: flags & 1 ? this.#size(is64) : undefined, is64 };
  }

  /** Reads a global's type (5.3.11 Global types). */
  globalType(): { readonly value: ValueType; readonly mutable: boolean } {
    const value = this.valueType();
    const start = this.#reader.offset;
    const flags = this.#reader.u8();
    if (flags > 3) throw malformed(start, `unknown global flags (0x${flags.toString(16)})`);
    if (flags & 2) this.features.add("shared-everything");
    return { value, mutable: (flags & 1) !== 0 };
  }

  #size(is64: boolean): number {
    return is64 ? Number(this.#reader.u64()) : this.#reader.u32();
  }

  #subType(): TypeDefinition {
    const byte = this.#reader.peek();
    if (byte === 0x50 || byte === 0x4f) {
      this.#reader.u8();
      this.features.add("gc");
      for (let supertypes = this.#reader.count(); supertypes > 0; supertypes -= 1) this.#reader.u32();
    }
    return this.#compositeType();
  }

  #compositeType(): TypeDefinition {
    const reader = this.#reader;
    this.#compositePrefixes();
    const start = reader.offset;
    const form = reader.u8();
    switch (form) {
      case 0x60:
        return { kind: "function", params: this.#valueTypes(), results: this.#valueTypes() };
      case 0x5f: {
        this.features.add("gc");
        const fields: FieldType[] = [];
        let count = reader.count();
        limitDefinitions(count, "fields", maxFields);
        for (; count > 0; count -= 1) fields.push(this.#fieldType());
        return { kind: "struct", fields };
      }
      case 0x5e:
        this.features.add("gc");
        return { kind: "array", element: this.#fieldType() };
      case 0x5d:
        this.features.add("stack-switching");
        return { kind: "continuation", functionType: this.#heapType() };
      default:
        throw malformed(start, `an unknown type form (0x${form.toString(16)})`);
    }
  }

  /** Goes over what proposals put before a composite type: shared (0x65), descriptor (0x4d) and describes (0x4c). */
  #compositePrefixes(): void {
    const reader = this.#reader;
    if (reader.peek() === 0x65) {
      reader.u8();
      this.features.add("shared-everything");
    }
    for (let byte = reader.peek(); byte === 0x4c || byte === 0x4d; byte = reader.peek()) {
      reader.u8();
      reader.u32();
      this.features.add("custom-descriptors");
    }
  }

  #valueTypes(): ValueType[] {
    const types: ValueType[] = [];
    let count = this.#reader.count();
    limitDefinitions(count, "parameters or results", maxValues);
    for (; count > 0; count -= 1) types.push(this.valueType());
    return types;
  }

  #fieldType(): FieldType {
    const reader = this.#reader;
    const packed = reader.peek();
    let storage: FieldType["storage"];
    if (packed === 0x78 || packed === 0x77) {
      reader.u8();
      storage = packed === 0x78 ? "i8" : "i16";
    } else {
      storage = this.valueType();
    }
    const start = reader.offset;
    const mutability = reader.u8();
    if (mutability > 1) throw malformed(start, `an unknown mutability (0x${mutability.toString(16)})`);
    return { storage, mutable: mutability === 1 };
  }

  /** Reads a heap type: a type index, or the byte of an abstract one as a signed integer (5.3.3). */
  #heapType(): string {
    const reader = this.#reader;
    const start = reader.offset;
    if (reader.peek() === 0x62) {
      reader.u8();
      this.features.add("custom-descriptors");
      return `(exact ${reader.u32()})`;
    }
    const isShared = reader.peek() === 0x65;
    if (isShared) {
      reader.u8();
      this.features.add("shared-everything");
    }
    const code = reader.s33();
    if (code >= 0) {
      this.features.add("gc");
      return String(code);
    }
    const heapType = code >= -64 ? heapTypes.get(code & 0x7f) : undefined;
    if (heapType === undefined) throw malformed(start, `an unknown heap type (${code})`);
    if (heapType[2] !== undefined) this.features.add(heapType[2]);
    return isShared ? `(shared ${heapType[0]})` : heapType[0];
  }
}

/** Refuses a number of things that no engine takes, before memory is spent on them. */
export function limitDefinitions(count: number, what: string, most = maxDefinitions): void {
  if (count > most) {
    throw new SampanError("WASM_FEATURE", `Cannot read the WebAssembly binary: ${count} ${what}, at most ${most}`);
  }
}
