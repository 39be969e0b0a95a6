import { SampanError } from "../../base/index.ts";
import { type ComponentFunctionType, type ComponentValueType, printType } from "../../wasm/component/index.ts";
import { camelCase } from "../canonical/names.ts";
import { waveInvalid, WaveReader } from "./wave-reader.ts";

/** A call as it is typed: what is called, and where its arguments begin. */
export interface WaveCall {
  /** Such as `run` or `wasi:cli/run@0.2.0#run`. */
  readonly name: string;
  /** The arguments in their parentheses; undefined where there are none. */
  readonly args: string | undefined;
}

/** Takes `name(arguments)` apart; the arguments are not read. */
export function splitWaveCall(text: string): WaveCall {
  const at = text.indexOf("(");
  return at < 0 ? { name: text.trim(), args: undefined } : { name: text.slice(0, at).trim(), args: text.slice(at) };
}

/**
 * Reads one value in WAVE, the text form of components' values; it comes in the form in which functions take it.
 *
 * @throws WAVE_INVALID naming the column and what is wanted there
 */
export function parseWave(text: string, type: ComponentValueType): unknown {
  const reader = new WaveReader(text);
  const value = parseValue(reader, type);
  if (reader.peek().kind !== "end") throw reader.invalid("the end of the value");
  return value;
}

/**
 * Reads a call's arguments in their parentheses; options at the end may be left out.
 *
 * @throws WAVE_INVALID naming the parameter, the column and what is wanted there
 */
export function parseWaveArguments(text: string, { params }: ComponentFunctionType): unknown[] {
  const reader = new WaveReader(text);
  const values: unknown[] = [];
  const signature = `(${params.map(({ name, type }) => `${name}: ${printType(type)}`).join(", ")})`;
  reader.expect("(", "the arguments");
  reader.list(")", "the arguments", (at) => {
    const param = params[at];
    if (param === undefined) throw reader.invalid(`")": the function takes ${signature}`);
    values.push(parseParameter(reader, param));
  });
  if (reader.peek().kind !== "end") throw reader.invalid("the end of the call");
  for (const { name, type } of params.slice(values.length)) {
    if (type.kind !== "option")
      throw waveInvalid(`the argument "${name}" is missing`, { hint: `the function takes ${signature}` });
    values.push(noneOf(type));
  }
  return values;
}

function parseParameter(reader: WaveReader, { name, type }: ComponentFunctionType["params"][number]): unknown {
  try {
    return parseValue(reader, type);
  } catch (error) {
    if (!(error instanceof SampanError) || error.code !== "WAVE_INVALID") throw error;
    const message = error.message.replace("Cannot read the value", `Cannot read the argument "${name}"`);
    throw new SampanError("WAVE_INVALID", message, { hint: error.hint, cause: error });
  }
}

function noneOf({ type }: ComponentValueType & { readonly kind: "option" }): unknown {
  return type.kind === "option" ? { tag: "none" } : undefined;
}

const bits: Readonly<Record<string, readonly [low: bigint, high: bigint]>> = Object.fromEntries(
  [8n, 16n, 32n, 64n].flatMap((width) => [
    [`u${width}`, [0n, 2n ** width - 1n]],
    [`s${width}`, [-(2n ** (width - 1n)), 2n ** (width - 1n) - 1n]],
  ]),
);

function parseValue(reader: WaveReader, type: ComponentValueType): unknown {
  switch (type.kind) {
    case "bool":
      if (reader.skip("true")) return true;
      if (reader.skip("false")) return false;
      throw reader.invalid("true or false");
    case "f32":
    case "f64":
      return parseFloat(reader, type);
    case "char":
    case "string":
      if (reader.peek().kind !== type.kind)
        throw reader.invalid(type.kind === "char" ? "a char in '" : 'a string in "');
      return reader.next().text;
    case "list":
      return parseList(reader, type);
    case "tuple":
      return parseTuple(reader, type);
    case "map":
      return parseMap(reader, type);
    case "record":
      return parseRecord(reader, type);
    case "flags":
      return parseFlags(reader, type.names);
    case "enum":
      return parseLabel(reader, type.names, "the names of the enum");
    case "variant":
      return parseVariant(reader, type);
    case "option":
      return parseOption(reader, type);
    case "result":
      return parseResult(reader, type);
    case "s8":
    case "u8":
    case "s16":
    case "u16":
    case "s32":
    case "u32":
    case "s64":
    case "u64":
      return parseInteger(reader, type.kind);
    case "own":
    case "borrow":
    case "stream":
    case "future":
    case "error-context":
      throw reader.invalid(`a ${type.kind}, which has no text form: the function can be called by a program alone`);
  }
}

function parseInteger(reader: WaveReader, kind: string): number | bigint {
  const [low, high] = bits[kind] ?? [0n, 0n];
  const token = reader.peek();
  if (token.kind !== "number" || !/^-?[0-9]+$/.test(token.text)) throw reader.invalid(`${kind}, an integer`);
  const value = BigInt(token.text);
  if (value < low || value > high)
    throw reader.problem(`${value} is out of the range ${low} to ${high} of ${kind}`, token);
  reader.next();
  return kind === "u64" || kind === "s64" ? value : Number(value);
}

function parseFloat(reader: WaveReader, { kind }: ComponentValueType): number {
  if (reader.skip("nan")) return Number.NaN;
  if (reader.skip("inf")) return Infinity;
  const token = reader.peek();
  if (token.kind !== "number") throw reader.invalid(`${kind}, a number`);
  reader.next();
  const value = token.text === "-inf" ? -Infinity : Number(token.text);
  return kind === "f32" ? Math.fround(value) : value;
}

type Of<Kind extends ComponentValueType["kind"]> = ComponentValueType & { readonly kind: Kind };

const arrays: Readonly<Record<string, { from(values: never[]): unknown }>> = {
  u8: Uint8Array,
  s8: Int8Array,
  u16: Uint16Array,
  s16: Int16Array,
  u32: Uint32Array,
  s32: Int32Array,
  u64: BigUint64Array,
  s64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
};

function parseList(reader: WaveReader, { element, length }: Of<"list">): unknown {
  const values: unknown[] = [];
  const start = reader.peek();
  reader.expect("[", "a list");
  reader.list("]", "the list", () => values.push(parseValue(reader, element)));
  if (length !== undefined && values.length !== length)
    throw reader.problem(`a list of ${values.length} where ${length} are wanted`, start);
  return arrays[element.kind]?.from(values as never[]) ?? values;
}

function parseTuple(reader: WaveReader, { types }: Of<"tuple">): unknown[] {
  const values: unknown[] = [];
  const start = reader.peek();
  reader.expect("(", "a tuple");
  reader.list(")", "the tuple", (at) => {
    const type = types[at];
    if (type === undefined) throw reader.invalid(`")": the tuple has ${types.length} values`);
    values.push(parseValue(reader, type));
  });
  if (values.length < types.length)
    throw reader.problem(`a tuple of ${values.length} where ${types.length} are wanted`, start);
  return values;
}

/** A map is written as the list of its pairs, which is what it is for the component model. */
function parseMap(reader: WaveReader, { key, value }: Of<"map">): Map<unknown, unknown> {
  const entry: Of<"tuple"> = { kind: "tuple", types: [key, value] };
  const map = new Map<unknown, unknown>();
  reader.expect("[", "a map, the list of its pairs");
  reader.list("]", "the map", () => {
    const [one, other] = parseTuple(reader, entry);
    map.set(one, other);
  });
  return map;
}

function parseRecord(reader: WaveReader, { fields }: Of<"record">): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  const left = new Map(fields.map(({ name, type }) => [name, type]));
  const start = reader.peek();
  const set = (name: string, value: unknown): void => {
    // A field may have a name such as `__proto__`, were it not that WIT has no underscores.
    record[camelCase(name)] = value;
    left.delete(name);
  };
  reader.expect("{", "a record");
  const isMarkedEmpty = reader.skip(":");
  if (isMarkedEmpty) reader.expect("}", 'the record, of which ":" says that it has nothing in it');
  else
    reader.list("}", "the record", () => {
      const name = parseLabel(reader, [...left.keys()], "the fields that are left");
      reader.expect(":", `the field "${name}"`);
      const type = left.get(name);
      if (type !== undefined) set(name, parseValue(reader, type));
    });
  for (const [name, type] of left) {
    if (type.kind !== "option") throw reader.problem(`the record lacks the field "${name}"`, start);
    set(name, noneOf(type));
  }
  return record;
}

function parseFlags(reader: WaveReader, names: readonly string[]): Record<string, boolean> {
  const flags = Object.fromEntries(names.map((name) => [camelCase(name), false]));
  reader.expect("{", "flags");
  reader.list("}", "the flags", () => {
    flags[camelCase(parseLabel(reader, names, "the flags"))] = true;
  });
  return flags;
}

/** Reads a label that is one of the names; a keyword is none unless it is escaped. */
function parseLabel(reader: WaveReader, names: readonly string[], what: string): string {
  const { kind, text } = reader.peek();
  // Fields and flags need no % even where their names are keywords.
  const isLabel = kind === "label" || (kind === "keyword" && what !== "the cases" && !what.includes("enum"));
  if (!isLabel || !names.includes(text)) throw reader.invalid(`one of ${what}: ${shown(names)}`, names);
  reader.next();
  return text;
}

function shown(names: readonly string[]): string {
  return `${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`;
}

function parsePayload(reader: WaveReader, name: string, type: ComponentValueType): unknown {
  reader.expect("(", `what "${name}" carries`);
  const value = parseValue(reader, type);
  reader.expect(")", `the end of what "${name}" carries`);
  return value;
}

function parseVariant(reader: WaveReader, { cases }: Of<"variant">): { tag: string; val?: unknown } {
  const tag = parseLabel(
    reader,
    cases.map(({ name }) => name),
    "the cases",
  );
  const payload = cases.find(({ name }) => name === tag)?.type;
  return payload === undefined ? { tag } : { tag, val: parsePayload(reader, tag, payload) };
}

/** Whether a payload may stand without `some` or `ok` around it. */
function isFlat(type: ComponentValueType): boolean {
  return type.kind !== "option" && type.kind !== "result";
}

function parseOption(reader: WaveReader, { type }: Of<"option">): unknown {
  const some = (value: unknown): unknown => (type.kind === "option" ? { tag: "some", val: value } : value);
  if (reader.skip("none")) return noneOf({ kind: "option", type });
  if (reader.skip("some")) return some(parsePayload(reader, "some", type));
  if (!isFlat(type)) throw reader.invalid("some(…) or none");
  return some(parseValue(reader, type));
}

function parseResult(reader: WaveReader, { ok, error }: Of<"result">): { tag: string; val: unknown } {
  for (const [tag, type] of [
    ["ok", ok],
    ["err", error],
  ] as const) {
    if (!reader.skip(tag)) continue;
    const { kind, text } = reader.peek();
    const hasPayload = kind === "sign" && text === "(";
    if (type === undefined && hasPayload) throw reader.invalid(`no payload: "${tag}" carries none here`);
    return { tag, val: type === undefined ? undefined : parsePayload(reader, tag, type) };
  }
  if (ok === undefined || !isFlat(ok)) throw reader.invalid("ok or err");
  return { tag: "ok", val: parseValue(reader, ok) };
}
