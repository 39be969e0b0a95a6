import type { ComponentValueType } from "../../wasm/component/index.ts";
import { type FlatType, type VariantLayout } from "./layout.ts";
import type { CanonicalShape } from "./runtime.ts";
import { addressOf, bulkArrays, type Program } from "./program.ts";
import { tag32, tag64 } from "./strings.ts";

/** Where a value is lifted from: memory, or core values in order. */
export type Source =
  | { readonly kind: "memory"; readonly base: string; readonly offset: number }
  | { readonly kind: "flat"; next(want: FlatType): string };

/** Core values by their names in the code, as JavaScript receives them from Wasm. */
export function flatSource(names: readonly string[], have: readonly FlatType[]): Source & { kind: "flat" } {
  let at = 0;
  return {
    kind: "flat",
    next(want) {
      const [name, type] = [names[at] ?? "", have[at] ?? want];
      at += 1;
      return narrowed(name, type, want);
    },
  };
}

/** A core value of a variant as its case wants it (Flat Lifting: CoerceValueIter). */
function narrowed(name: string, have: FlatType, want: FlatType): string {
  if (have === want) return name;
  if (have === "i32") return `f32OfBits(${name})`;
  if (want === "i32") return `Number(BigInt.asIntN(32, ${name}))`;
  return want === "f32" ? `f32OfBits(Number(BigInt.asIntN(32, ${name})))` : `f64OfBits(${name})`;
}

/** How a scalar is read: from memory, at `@`, and out of a core value, `#`. */
const scalars: Readonly<Record<string, readonly [memory: string, want: FlatType, flat: string]>> = {
  bool: ["V.u8[@] !== 0", "i32", "# !== 0"],
  u8: ["V.u8[@]", "i32", "# & 255"],
  s8: ["V.data.getInt8(@)", "i32", "# << 24 >> 24"],
  u16: ["V.data.getUint16(@, true)", "i32", "# & 65535"],
  s16: ["V.data.getInt16(@, true)", "i32", "# << 16 >> 16"],
  u32: ["V.data.getUint32(@, true)", "i32", "# >>> 0"],
  s32: ["V.data.getInt32(@, true)", "i32", "#"],
  u64: ["V.data.getBigUint64(@, true)", "i64", "BigInt.asUintN(64, #)"],
  s64: ["V.data.getBigInt64(@, true)", "i64", "#"],
  f32: ["V.data.getFloat32(@, true)", "f32", "#"],
  f64: ["V.data.getFloat64(@, true)", "f64", "#"],
};

interface FixedList {
  readonly element: ComponentValueType;
  readonly length: number;
  readonly from: Source;
  readonly out: string[];
}

const handles: Readonly<Record<string, string>> = { own: "liftOwn", borrow: "liftBorrow" };

/** Bytes that a typed array takes beside its elements, and an entry of a Map beside its key and value. */
const typedArrayCost = 256;
const mapEntryCost = 64;

/** Writes the code that lifts values: statements into `out`, and each answers the expression of its value. */
export class LiftWriter {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  /** Lifts one value; `isRoot` where the code being written is the type's own function. */
  lift(type: ComponentValueType, from: Source, out: string[], { isRoot = false } = {}): string {
    const scalar = scalars[type.kind];
    if (scalar !== undefined) {
      const [memory, want, flat] = scalar;
      const code =
        from.kind === "memory"
          ? memory.replace("@", addressOf(from.base, from.offset))
          : flat.replace("#", from.next(want));
      return this.#keep(code, out);
    }
    if (!isRoot && this.#program.isLarge(type)) return this.#keep(this.#call(type, from), out);
    if (type.kind === "string") return this.#string(from, out);
    if (type.kind === "record" || type.kind === "tuple") return this.#record(type, from, out);
    if (type.kind === "flags") return this.#flags(type, from, out);
    if (type.kind === "map") return this.#map(type, from, out);
    if (type.kind === "list") {
      const { element, length } = type;
      return length === undefined ? this.#list(element, from, out) : this.#fixedList({ element, length, from, out });
    }
    const called = this.#calledWith(type);
    return called === undefined ? this.#variant(type, from, out) : this.#keep(`${called}${this.#u32(from)})`, out);
  }

  /** The beginning of the call that makes a value of one unsigned word. */
  #calledWith(type: ComponentValueType): string | undefined {
    if (type.kind === "char") return "liftChar(rt, ";
    const slot = this.#program.slotOf(type);
    if (type.kind === "own" || type.kind === "borrow") return `rt.${handles[type.kind]}(${slot}, `;
    const isAsync = type.kind === "stream" || type.kind === "future" || type.kind === "error-context";
    return isAsync ? `rt.liftAsync("${type.kind}", ${slot}, ` : undefined;
  }

  #keep(code: string, out: string[]): string {
    const name = this.#program.name("x");
    out.push(`const ${name} = ${code};`);
    return name;
  }

  #u32(from: Source): string {
    return from.kind === "memory"
      ? `V.data.getUint32(${addressOf(from.base, from.offset)}, true)`
      : `${from.next("i32")} >>> 0`;
  }

  /** A pointer or a length; `at` counts pointers from the place on. */
  #pointer(from: Source, at: 0 | 1, convert64: string): string {
    const { is64, layout } = this.#program;
    if (from.kind === "flat") {
      const core = from.next(layout.pointer);
      return is64 ? `${convert64}(${core})` : `${core} >>> 0`;
    }
    const address = addressOf(from.base, from.offset + at * layout.pointerSize);
    return is64 ? `${convert64}(V.data.getBigUint64(${address}, true))` : `V.data.getUint32(${address}, true)`;
  }

  #string(from: Source, out: string[]): string {
    const { shape, is64 } = this.#program;
    const isTagged = shape.stringEncoding === "latin1+utf16";
    const at = this.#keep(this.#pointer(from, 0, "pointer64"), out);
    const length = this.#keep(this.#pointer(from, 1, isTagged ? "taggedLength64" : "pointer64"), out);
    if (isTagged) return this.#keep(`liftLatin1OrUtf16(rt, ${at}, ${length}, ${is64 ? tag64 : tag32})`, out);
    return this.#keep(`${shape.stringEncoding === "utf8" ? "liftUtf8" : "liftUtf16"}(rt, ${at}, ${length})`, out);
  }

  #flags(type: ComponentValueType & { kind: "flags" }, from: Source, out: string[]): string {
    const size = this.#program.layout.sizeOf(type);
    const bits =
      from.kind === "memory"
        ? `V.data.getUint${8 * size}(${addressOf(from.base, from.offset)}, true)`
        : from.next("i32");
    const word = this.#keep(bits, out);
    const values = type.names.map((_, at) => `(${word} >>> ${at} & 1) === 1`);
    return this.#keep(this.#program.objectOf(type, type.names, values), out);
  }

  #list(element: ComponentValueType, from: Source, out: string[]): string {
    const { layout } = this.#program;
    const at = this.#keep(this.#pointer(from, 0, "pointer64"), out);
    const length = this.#keep(this.#pointer(from, 1, "pointer64"), out);
    const bulk = bulkArrays[element.kind];
    const size = layout.sizeOf(element);
    const cost = bulk === undefined ? this.#program.costOf(element) : size;
    const check = this.#program.tableOf("list", element, () => ({
      size,
      alignment: layout.alignmentOf(element),
      cost,
      base: bulk === undefined ? 64 : typedArrayCost,
    }));
    out.push(`checkList(rt, ${at}, ${length}, ${check});`);
    if (bulk !== undefined) return this.#keep(bulkOf(bulk, at, length, this.#program.shape), out);
    return this.#elements(element, at, length, out);
  }

  #fixedList({ element, length, from, out }: FixedList): string {
    const bulk = bulkArrays[element.kind];
    if (from.kind === "flat") {
      const values = Array.from({ length }, () => this.lift(element, from, out)).join(", ");
      return this.#keep(bulk === undefined ? `[${values}]` : `${bulk}.of(${values})`, out);
    }
    const at = this.#keep(addressOf(from.base, from.offset), out);
    const cost = bulk === undefined ? this.#program.costOf(element) : this.#program.layout.sizeOf(element);
    out.push(`charge(rt, ${length * cost});`);
    if (bulk !== undefined) return this.#keep(bulkOf(bulk, at, String(length), this.#program.shape), out);
    return this.#elements(element, at, String(length), out);
  }

  /** The loop over a list whose bounds are checked. */
  #elements(element: ComponentValueType, at: string, length: string, out: string[]): string {
    const [list, i, place] = [
      this.#keep(`new Array(${length})`, out),
      this.#program.name("i"),
      this.#program.name("p"),
    ];
    const size = this.#program.layout.sizeOf(element);
    const body: string[] = [];
    const value = this.lift(element, { kind: "memory", base: place, offset: 0 }, body);
    out.push(`for (let ${i} = 0, ${place} = ${at}; ${i} < ${length}; ${i}++, ${place} += ${size}) {`);
    out.push(...body, `${list}[${i}] = ${value};`, "}");
    return list;
  }

  #map(type: ComponentValueType & { kind: "map" }, from: Source, out: string[]): string {
    const entries = this.#list(this.#program.layout.entryOf(type), from, out);
    out.push(`charge(rt, 256 + ${entries}.length * ${mapEntryCost});`);
    return this.#keep(`new Map(${entries})`, out);
  }

  #record(type: ComponentValueType & { kind: "record" | "tuple" }, from: Source, out: string[]): string {
    const types = type.kind === "tuple" ? type.types : type.fields.map((field) => field.type);
    const offsets = this.#program.layout.offsetsOf(types);
    const values = types.map((each, at) => this.lift(each, within(from, offsets[at] ?? 0), out));
    if (type.kind === "tuple") return this.#keep(`[${values.join(", ")}]`, out);
    const names = type.fields.map((field) => field.name);
    return this.#keep(this.#program.objectOf(type, names, values), out);
  }

  #variant(type: ComponentValueType, from: Source, out: string[]): string {
    const layout = this.#program.layout.variantOf(type);
    if (layout === undefined) throw new TypeError(`A value of type "${type.kind}" cannot be lifted`);
    const { discriminantSize: size, cases } = layout;
    const bits =
      from.kind === "memory"
        ? `V.data.getUint${8 * size}(${addressOf(from.base, from.offset)}, true)`
        : `${from.next("i32")} >>> 0`;
    const discriminant = this.#keep(bits, out);
    if (type.kind === "enum") {
      out.push(`if (${discriminant} >= ${cases.length}) rt.trap("invalid-discriminant");`);
      return this.#keep(`${this.#program.constant(type.names)}[${discriminant}]`, out);
    }
    const value = this.#program.name("x");
    out.push(`let ${value};`, `switch (${discriminant}) {`);
    const payloads = this.#payloads(type, layout, from);
    cases.forEach((each, at) => {
      out.push(`case ${at}: {`);
      const payload = each === undefined ? undefined : this.lift(each, payloads(), out);
      out.push(`${value} = ${this.#case(type, at, payload)}; break; }`);
    });
    out.push(`default: rt.trap("invalid-discriminant");`, "}");
    return value;
  }

  /** Makes the source of a payload, anew for each case. */
  #payloads(type: ComponentValueType, layout: VariantLayout, from: Source): () => Source {
    if (from.kind === "memory") return () => within(from, layout.payloadOffset);
    const [, ...have] = this.#program.layout.flatten(type) ?? [];
    const names = have.map((core) => from.next(core));
    return () => flatSource(names, have);
  }

  /** What a case looks like in JavaScript. */
  #case(type: ComponentValueType, at: number, payload: string | undefined): string {
    const value = payload ?? "undefined";
    if (type.kind === "option") {
      if (type.type.kind !== "option") return at === 0 ? "undefined" : value;
      return at === 0 ? `{ tag: "none" }` : `{ tag: "some", val: ${value} }`;
    }
    if (type.kind === "result") return `{ tag: "${at === 0 ? "ok" : "err"}", val: ${value} }`;
    const tag = type.kind === "variant" ? this.#program.constant(type.cases[at]?.name) : "undefined";
    return payload === undefined ? `{ tag: ${tag} }` : `{ tag: ${tag}, val: ${payload} }`;
  }

  /** The call of a large type's own function. */
  #call(type: ComponentValueType, from: Source): string {
    if (from.kind === "memory") {
      const name = this.#program.functionOf("load", type, () => this.#function(type, "at", memoryAt("at")));
      return `${name}(rt, V, ${addressOf(from.base, from.offset)})`;
    }
    const flat = this.#program.layout.flatten(type) ?? [];
    const parameters = flat.map((_, at) => `s${at}`);
    const name = this.#program.functionOf("lift", type, () =>
      this.#function(type, parameters.join(", "), flatSource(parameters, flat)),
    );
    return `${name}(rt, V, ${flat.map((core) => from.next(core)).join(", ")})`;
  }

  #function(type: ComponentValueType, parameters: string, from: Source): string {
    const out: string[] = [];
    const value = this.lift(type, from, out, { isRoot: true });
    return `(rt, V, ${parameters}) {\n${out.join("\n")}\nreturn ${value};\n}`;
  }
}

/** A place in memory. */
export function memoryAt(base: string): Source {
  return { kind: "memory", base, offset: 0 };
}

function within(from: Source, offset: number): Source {
  return from.kind === "flat" ? from : { ...from, offset: from.offset + offset };
}

/** A typed array that is a copy of the guest's list, or of bytes the list itself. */
function bulkOf(array: string, at: string, length: string, { lendsBytes }: CanonicalShape): string {
  if (array === "Uint8Array" && lendsBytes === true) return `V.u8.subarray(${at}, ${at} + ${length})`;
  if (array === "Uint8Array") return `V.u8.slice(${at}, ${at} + ${length})`;
  return `new ${array}(V.buffer, ${at}, ${length}).slice()`;
}
