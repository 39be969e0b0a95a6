import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { camelCase } from "../canonical/names.ts";
import { waveKeywords } from "./wave-reader.ts";

/** What came of a call: what it returned, or the payload of the error that it threw. */
export type WaveOutcome = { readonly returned: unknown } | { readonly thrown: unknown };

/** A value in WAVE, from the form in which functions answer it; {@link parseWave} reads it back. */
export function printWave(value: unknown, type: ComponentValueType): string {
  switch (type.kind) {
    case "f32":
    case "f64":
      return printFloat(Number(value), type.kind);
    case "char":
      return `'${escaped(String(value), "'")}'`;
    case "string":
      return `"${escaped(String(value), '"')}"`;
    case "list":
      return `[${[...iterable(value)].map((each) => printWave(each, type.element)).join(", ")}]`;
    case "tuple": {
      const values = [...iterable(value)];
      return `(${type.types.map((each, at) => printWave(values[at], each)).join(", ")})`;
    }
    case "map": {
      const entry: ComponentValueType = { kind: "tuple", types: [type.key, type.value] };
      return `[${[...iterable(value)].map((each) => printWave(each, entry)).join(", ")}]`;
    }
    case "record":
      return printRecord(property(value), type.fields);
    case "flags": {
      const get = property(value);
      return `{${type.names.filter((name) => get(camelCase(name)) === true).join(", ")}}`;
    }
    case "enum":
      return caseLabel(String(value));
    case "variant":
    case "option":
    case "result":
      return printCase(value, type);
    case "own":
    case "borrow":
      return `<${type.resource.name ?? "resource"}>`;
    case "stream":
    case "future":
    case "error-context":
      return `<${type.kind}>`;
    case "bool":
    case "s8":
    case "u8":
    case "s16":
    case "u16":
    case "s32":
    case "u32":
    case "s64":
    case "u64":
      return String(value);
  }
}

/** What a call answered, in WAVE; `()` where the function answers nothing. */
export function printWaveOutcome(outcome: WaveOutcome, { result }: ComponentFunctionType): string {
  if (result === undefined) return "()";
  if (result.kind !== "result") return printWave("returned" in outcome ? outcome.returned : outcome.thrown, result);
  const whole = "returned" in outcome ? { tag: "ok", val: outcome.returned } : { tag: "err", val: outcome.thrown };
  return printWave(whole, result);
}

function iterable(value: unknown): Iterable<unknown> {
  const isIterable = typeof value === "object" && value !== null && Symbol.iterator in value;
  return isIterable ? (value as Iterable<unknown>) : [];
}

function property(value: unknown): (name: string) => unknown {
  const values = new Map<string, unknown>(typeof value === "object" && value !== null ? Object.entries(value) : []);
  return (name) => values.get(name);
}

function printRecord(
  get: (name: string) => unknown,
  fields: (ComponentValueType & { readonly kind: "record" })["fields"],
): string {
  const printed = fields.flatMap(({ name, type }) => {
    const value = get(camelCase(name));
    const isNone = type.kind === "option" && type.type.kind !== "option" && (value === undefined || value === null);
    return isNone ? [] : [`${name}: ${printWave(value, type)}`];
  });
  // What has nothing in it would be taken for flags.
  return printed.length === 0 ? "{:}" : `{${printed.join(", ")}}`;
}

function printCase(
  value: unknown,
  type: ComponentValueType & { readonly kind: "variant" | "option" | "result" },
): string {
  const around = (label: string, payload: ComponentValueType | undefined, inner: unknown): string =>
    payload === undefined ? label : `${label}(${printWave(inner, payload)})`;
  if (type.kind === "option" && type.type.kind !== "option")
    return value === undefined || value === null ? "none" : around("some", type.type, value);
  const get = property(value);
  const [tag, val] = [String(get("tag")), get("val")];
  if (type.kind === "option") return tag === "none" ? tag : around(tag, type.type, val);
  if (type.kind === "result") return around(tag, tag === "ok" ? type.ok : type.error, val);
  return around(caseLabel(tag), type.cases.find(({ name }) => name === tag)?.type, val);
}

function caseLabel(name: string): string {
  return waveKeywords.has(name) ? `%${name}` : name;
}

function printFloat(value: number, kind: "f32" | "f64"): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  return kind === "f64" ? String(value) : shortest(value);
}

/** The fewest digits that say which number of 32 bits is meant. */
function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits += 1) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(value);
}

function escaped(text: string, quote: string): string {
  const letters: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
  return text.replace(/[\\'"]|\p{Cc}|\p{Cf}|[\u2028\u2029]/gu, (letter) => {
    if (letter === "'" || letter === '"') return letter === quote ? `\\${letter}` : letter;
    return letters[letter] ?? `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
