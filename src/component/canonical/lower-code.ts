import type { ComponentValueType } from "../../wasm/component/index.ts";
import { type FlatType, maxByteLength } from "./layout.ts";
import { camelCase, isCommonName } from "./names.ts";
import { addressOf, bulkArrays, type Program } from "./program.ts";
import { tag32, tag64 } from "./strings.ts";

/** Where a value is lowered to: memory, or core values, of which the writer answers the expressions. */
export type Target =
  | { readonly kind: "memory"; readonly base: string; readonly offset: number }
  | { readonly kind: "flat" };

/** Code that takes values apart and checks them, and code that then allocates and writes. */
export interface LowerCode {
  readonly read: string[];
  readonly write: string[];
}

/** How a scalar is checked, `#`, and written at `@`, and its core value. */
const scalars: Readonly<Record<string, readonly [fits: string, write: string, flat: string]>> = {
  bool: [`typeof # === "boolean"`, "V.u8[@] = # ? 1 : 0;", "(# ? 1 : 0)"],
  u8: [`typeof # === "number" && (# & 255) === #`, "V.u8[@] = #;", "#"],
  s8: [`typeof # === "number" && (# << 24 >> 24) === #`, "V.u8[@] = #;", "#"],
  u16: [`typeof # === "number" && (# & 65535) === #`, "V.data.setUint16(@, #, true);", "#"],
  s16: [`typeof # === "number" && (# << 16 >> 16) === #`, "V.data.setInt16(@, #, true);", "#"],
  u32: [`typeof # === "number" && (# >>> 0) === #`, "V.data.setUint32(@, #, true);", "#"],
  s32: [`typeof # === "number" && (# | 0) === #`, "V.data.setInt32(@, #, true);", "#"],
  u64: [`typeof # === "bigint" && BigInt.asUintN(64, #) === #`, "V.data.setBigUint64(@, #, true);", "#"],
  s64: [`typeof # === "bigint" && BigInt.asIntN(64, #) === #`, "V.data.setBigInt64(@, #, true);", "#"],
  f32: [`typeof # === "number"`, "V.data.setFloat32(@, #, true);", "#"],
  f64: [`typeof # === "number"`, "V.data.setFloat64(@, #, true);", "#"],
};

const handles: Readonly<Record<string, string>> = { own: "lowerOwn", borrow: "lowerBorrow" };

/** Writes the code that lowers values. */
export class LowerWriter {
  readonly #program: Program;
  /** Variables of the function that is being written. */
  #variables: string[] = [];

  constructor(program: Program) {
    this.#program = program;
  }

  /** The declaration of the variables that the code so far uses, for the beginning of its function. */
  takeVariables(): string {
    const names = this.#variables;
    this.#variables = [];
    return names.length === 0 ? "" : `let ${names.join(", ")};`;
  }

  /** Lowers the value of a variable; answers its core values, which hold once `write` has run. */
  lower(
    type: ComponentValueType,
    value: string,
    { to, code, isRoot = false }: { to: Target; code: LowerCode; isRoot?: boolean },
  ): string[] {
    const scalar = scalars[type.kind];
    if (scalar !== undefined) {
      const [fits, write, flat] = scalar;
      code.read.push(`if (!(${fits.replaceAll("#", value)})) throw mismatch;`);
      if (to.kind === "flat") return [flat.replace("#", value)];
      code.write.push(write.replace("#", value).replace("@", addressOf(to.base, to.offset)));
      return [];
    }
    if (!isRoot && this.#program.isLarge(type)) return this.#call(type, value, to, code);
    if (type.kind === "string") return this.#string(value, to, code);
    if (type.kind === "record" || type.kind === "tuple") return this.#record(type, value, to, code);
    if (type.kind === "flags") return this.#flags(type, value, to, code);
    if (type.kind === "char") return this.#word(this.#read(`lowerChar(${value})`, code), 4, to, code);
    if (type.kind === "list" && type.length !== undefined) {
      return this.#fixedList(type.element, this.#read(`elementsOfFixed(${value}, ${type.length})`, code), type.length, {
        to,
        code,
      });
    }
    if (type.kind === "list" || type.kind === "map") {
      const element = type.kind === "map" ? this.#program.layout.entryOf(type) : type.element;
      return this.#list(element, this.#read(`elementsOf(${value})`, code), to, code);
    }
    const called = this.#calledWith(type);
    if (called === undefined) return this.#variant(type, value, to, code);
    return this.#word(this.#written(`${called}${value})`, code), 4, to, code);
  }

  /** The beginning of the call that makes a handle of a value. */
  #calledWith(type: ComponentValueType): string | undefined {
    const slot = this.#program.slotOf(type);
    if (type.kind === "own" || type.kind === "borrow") return `rt.${handles[type.kind]}(${slot}, `;
    const isAsync = type.kind === "stream" || type.kind === "future" || type.kind === "error-context";
    return isAsync ? `rt.lowerAsync("${type.kind}", ${slot}, ` : undefined;
  }

  #variable(): string {
    const name = this.#program.name("y");
    this.#variables.push(name);
    return name;
  }

  #read(expression: string, { read }: LowerCode): string {
    const name = this.#variable();
    read.push(`${name} = ${expression};`);
    return name;
  }

  #written(expression: string, { write }: LowerCode): string {
    const name = this.#variable();
    write.push(`${name} = ${expression};`);
    return name;
  }

  /** An unsigned number of so many bytes. */
  #word(value: string, size: number, to: Target, { write }: LowerCode): string[] {
    if (to.kind === "flat") return [value];
    const at = addressOf(to.base, to.offset);
    write.push(size === 1 ? `V.u8[${at}] = ${value};` : `V.data.setUint${8 * size}(${at}, ${value}, true);`);
    return [];
  }

  /** A pointer and the length that the views hold. */
  #range(at: string, to: Target, code: LowerCode, { isTagged }: { isTagged: boolean }): string[] {
    const { is64, layout } = this.#program;
    const length = this.#written("V.length", code);
    const cores = is64 ? [`BigInt(${at})`, `${isTagged ? "asTagged64" : "BigInt"}(${length})`] : [at, length];
    if (to.kind === "flat") return cores;
    cores.forEach((core, index) => {
      const place = addressOf(to.base, to.offset + index * layout.pointerSize);
      code.write.push(`V.data.set${is64 ? "BigUint64" : "Uint32"}(${place}, ${core}, true);`);
    });
    return [];
  }

  #string(value: string, to: Target, code: LowerCode): string[] {
    const { shape, is64 } = this.#program;
    const { stringEncoding: encoding } = shape;
    const most = encoding === "utf8" ? maxByteLength : Math.floor(maxByteLength / 2);
    code.read.push(`if (typeof ${value} !== "string" || ${value}.length > ${most}) throw mismatch;`);
    const isTagged = encoding === "latin1+utf16";
    const lowered = isTagged
      ? `lowerLatin1OrUtf16(rt, ${value}, ${is64 ? tag64 : tag32})`
      : `${encoding === "utf8" ? "lowerUtf8" : "lowerUtf16"}(rt, ${value})`;
    return this.#range(this.#written(lowered, code), to, code, { isTagged });
  }

  #flags(type: ComponentValueType & { kind: "flags" }, value: string, to: Target, code: LowerCode): string[] {
    this.#program.keysOf(type.names);
    code.read.push(`if (typeof ${value} !== "object" || ${value} === null) throw mismatch;`);
    const bits = type.names.map((name, at) => `flagOf(${this.#field(value, name)}) << ${at}`);
    const word = this.#read(bits.join(" | "), code);
    return this.#word(word, this.#program.layout.sizeOf(type), to, code);
  }

  /** The expression that reads a field or flag by its name in WIT. */
  #field(object: string, name: string): string {
    const key = this.#program.key(name);
    return isCommonName(camelCase(name)) ? `ownOf(${object}, ${key})` : `${object}[${key}]`;
  }

  #list(element: ComponentValueType, elements: string, to: Target, code: LowerCode): string[] {
    const { layout } = this.#program;
    const length = this.#written(`${elements}.length`, code);
    const [size, alignment] = [layout.sizeOf(element), layout.alignmentOf(element)];
    const at = this.#written(`allocateList(rt, ${length}, ${alignment}, ${size})`, code);
    this.#elements(element, elements, { at, length }, code);
    code.write.push(`V.length = ${length};`);
    return this.#range(at, to, code, { isTagged: false });
  }

  #fixedList(
    element: ComponentValueType,
    elements: string,
    length: number,
    { to, code }: { to: Target; code: LowerCode },
  ): string[] {
    if (to.kind === "flat") {
      return Array.from({ length }, (_, at) => at).flatMap((at) =>
        this.lower(element, this.#read(`${elements}[${at}]`, code), { to, code }),
      );
    }
    this.#elements(element, elements, { at: addressOf(to.base, to.offset), length: String(length) }, code);
    return [];
  }

  /** Writes so many elements to where there is room for them. */
  #elements(
    element: ComponentValueType,
    elements: string,
    { at, length }: { at: string; length: string },
    { write }: LowerCode,
  ): void {
    const [i, place, value] = [this.#program.name("i"), this.#program.name("p"), this.#variable()];
    const size = this.#program.layout.sizeOf(element);
    const code: LowerCode = { read: [], write: [] };
    this.lower(element, value, { to: { kind: "memory", base: place, offset: 0 }, code });
    const loop = [
      `for (let ${i} = 0, ${place} = ${at}; ${i} < ${length}; ${i}++, ${place} += ${size}) {`,
      `${value} = ${elements}[${i}];`,
      ...code.read,
      ...code.write,
      "}",
    ];
    const bulk = bulkArrays[element.kind];
    if (bulk === undefined) {
      write.push(...loop);
      return;
    }
    const view =
      bulk === "Uint8Array"
        ? `V.u8.set(${elements}, ${at})`
        : `new ${bulk}(V.buffer, ${at}, ${length}).set(${elements})`;
    write.push(`if (${elements} instanceof ${bulk}) {`);
    // An array over a memory that grew meanwhile has no elements any more.
    write.push(`if (${elements}.length !== ${length}) throw mismatch;`, `${view};`, "} else {", ...loop, "}");
  }

  #record(
    type: ComponentValueType & { kind: "record" | "tuple" },
    value: string,
    to: Target,
    code: LowerCode,
  ): string[] {
    const types = type.kind === "tuple" ? type.types : type.fields.map((field) => field.type);
    const offsets = this.#program.layout.offsetsOf(types);
    let fields: string[];
    if (type.kind === "tuple") {
      const elements = this.#read(`elementsOfFixed(${value}, ${types.length})`, code);
      fields = types.map((_, at) => `${elements}[${at}]`);
    } else {
      code.read.push(`if (typeof ${value} !== "object" || ${value} === null) throw mismatch;`);
      this.#program.keysOf(type.fields.map(({ name }) => name));
      fields = type.fields.map((field) => this.#field(value, field.name));
    }
    return types.flatMap((each, at) => {
      const field = this.#read(fields[at] ?? "", code);
      return this.lower(each, field, { to: within(to, offsets[at] ?? 0), code });
    });
  }

  #variant(type: ComponentValueType, value: string, to: Target, code: LowerCode): string[] {
    const layout = this.#program.layout.variantOf(type);
    if (layout === undefined) throw new TypeError(`A value of type "${type.kind}" cannot be lowered`);
    const { discriminant, payload, read } = this.#caseOf(type, value, code);
    if (type.kind === "enum") return this.#word(discriminant, layout.discriminantSize, to, code);
    const [, ...want] = to.kind === "flat" ? (this.#program.layout.flatten(type) ?? []) : [];
    const slots = want.map(() => this.#variable());
    const [reads, writes]: [string[], string[]] = [[], []];
    layout.cases.forEach((each, at) => {
      const inner: LowerCode = { read: [], write: [] };
      let cores: string[] = [];
      if (each !== undefined) {
        inner.read.push(`${payload} = ${read};`);
        cores = this.lower(each, payload, { to: within(to, layout.payloadOffset), code: inner });
      }
      const have = to.kind === "flat" && each !== undefined ? (this.#program.layout.flatten(each) ?? []) : [];
      const stores = slots.map(
        (slot, index) => `${slot} = ${widened(cores[index], have[index], want[index] ?? "i32")};`,
      );
      reads.push(`case ${at}: {`, ...inner.read, ...(inner.write.length === 0 ? stores : []), "break; }");
      if (inner.write.length > 0) writes.push(`case ${at}: {`, ...inner.write, ...stores, "break; }");
    });
    code.read.push(`switch (${discriminant}) {`, ...reads, "}");
    this.#word(discriminant, layout.discriminantSize, to, code);
    if (writes.length > 0) code.write.push(`switch (${discriminant}) {`, ...writes, "}");
    return to.kind === "flat" ? [discriminant, ...slots] : [];
  }

  /** Reads which case a value is, and says by what expression its payload is read, and into what variable. */
  #caseOf(type: ComponentValueType, value: string, code: LowerCode): CaseCode {
    const program = this.#program;
    if (type.kind === "enum") {
      const table = program.tableOf("cases", type, () => new Map(type.names.map((name, at) => [name, at])));
      return { discriminant: this.#found(`${table}.get(${value})`, code), payload: "", read: "" };
    }
    const payload = this.#variable();
    if (type.kind === "option" && type.type.kind !== "option") {
      const discriminant = this.#read(`${value} === undefined || ${value} === null ? 0 : 1`, code);
      return { discriminant, payload, read: value };
    }
    code.read.push(`if (typeof ${value} !== "object" || ${value} === null) throw mismatch;`);
    const table = program.tableOf("cases", type, () => new Map(tagsOf(type).map((tag, at) => [tag, at])));
    return { discriminant: this.#found(`${table}.get(${value}.tag)`, code), payload, read: `${value}.val` };
  }

  #found(expression: string, code: LowerCode): string {
    const found = this.#read(expression, code);
    code.read.push(`if (${found} === undefined) throw mismatch;`);
    return found;
  }

  /** The call of a large type's own function, which checks and writes in one go. */
  #call(type: ComponentValueType, value: string, to: Target, { write }: LowerCode): string[] {
    if (to.kind === "memory") {
      const name = this.#program.functionOf("store", type, () =>
        this.#function(type, { ...to, base: "at", offset: 0 }),
      );
      write.push(`${name}(rt, V, ${value}, ${addressOf(to.base, to.offset)});`);
      return [];
    }
    const name = this.#program.functionOf("lower", type, () => this.#function(type, to));
    const cores = this.#written(`${name}(rt, V, ${value})`, { read: [], write });
    return (this.#program.layout.flatten(type) ?? []).map((_, at) => `${cores}[${at}]`);
  }

  #function(type: ComponentValueType, to: Target): string {
    const writer = new LowerWriter(this.#program);
    const code: LowerCode = { read: [], write: [] };
    const cores = writer.lower(type, "v", { to, code, isRoot: true });
    return `(rt, V, v, at) {
      ${writer.takeVariables()}
      ${code.read.join("\n")}
      ${code.write.join("\n")}
      ${to.kind === "flat" ? `return [${cores.join(", ")}];` : ""}
    }`;
  }
}

/** How a variant's value is taken apart. */
interface CaseCode {
  readonly discriminant: string;
  readonly payload: string;
  readonly read: string;
}

/** The tags that the cases of a variant have in JavaScript, in order. */
export function tagsOf(type: ComponentValueType): readonly string[] {
  if (type.kind === "option") return ["none", "some"];
  if (type.kind === "result") return ["ok", "err"];
  return type.kind === "variant" ? type.cases.map((each) => each.name) : [];
}

function within(to: Target, offset: number): Target {
  return to.kind === "flat" ? to : { ...to, offset: to.offset + offset };
}

/** A case's core value as the variant's joined type holds it; zero where the case has none (Flat Lowering). */
function widened(core: string | undefined, have: FlatType | undefined, want: FlatType): string {
  if (core === undefined || have === undefined) return want === "i64" ? "0n" : "0";
  if (have === want) return core;
  if (want === "i32") return `bitsOfF32(${core})`;
  if (have === "i32") return `BigInt(${core} >>> 0)`;
  return have === "f32" ? `BigInt(bitsOfF32(${core}) >>> 0)` : `bitsOfF64(${core})`;
}
