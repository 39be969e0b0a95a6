import { moduleOf, named, section } from "../engine-fixture.ts";

/** A function of a test's module: what it takes and returns, and its code without the end. */
interface FunctionSource {
  readonly params?: readonly number[];
  readonly results?: readonly number[];
  readonly code: readonly number[];
}

interface FunctionImport {
  readonly module: string;
  readonly name: string;
  readonly params: readonly number[];
  readonly results: readonly number[];
}

/** A module that a test writes by hand; sections are given as their items, each in bytes. */
export interface StateSource {
  readonly imports?: readonly FunctionImport[];
  /** By the names under which they are exported. */
  readonly functions: Readonly<Record<string, FunctionSource>>;
  readonly tables?: readonly (readonly number[])[];
  readonly memories?: readonly (readonly number[])[];
  readonly globals?: readonly (readonly number[])[];
  readonly elements?: readonly (readonly number[])[];
  readonly data?: readonly (readonly number[])[];
}

export const i32 = 0x7f;
export const i64 = 0x7e;
export const f32 = 0x7d;
export const f64 = 0x7c;
export const v128 = 0x7b;
export const funcref = 0x70;
export const externref = 0x6f;
/** The type of functions without parameters that return an i32: index 0 in every module of {@link stateModule}. */
export const answerType = 0;

/** A constant of 32 bits, signed. */
export function constant(value: number): number[] {
  const bytes = [0x41];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

/** A module of these parts; its first memory is exported as `memory`. */
export function stateModule(source: StateSource): Uint8Array<ArrayBuffer> {
  const { imports = [], tables = [], memories = [], globals = [], elements = [], data = [] } = source;
  const functions = Object.entries(source.functions);
  const typeOf = ({ params = [], results = [] }: Omit<FunctionSource, "code">): number[] => [
    0x60,
    params.length,
    ...params,
    results.length,
    ...results,
  ];
  const types = [typeOf({ results: [i32] }), ...imports.map(typeOf), ...functions.map(([, each]) => typeOf(each))];
  const exported = functions.map(([name], index) => [...named(name), 0, imports.length + index]);
  const memory = memories.length === 0 ? [] : [[...named("memory"), 2, 0]];
  const list = (id: number, items: readonly (readonly number[])[]): number[] =>
    items.length === 0 ? [] : section(id, items.length, ...items.flat());
  return moduleOf(
    list(1, types),
    list(
      2,
      imports.map(({ module, name }, index) => [...named(module), ...named(name), 0, 1 + index]),
    ),
    section(3, functions.length, ...functions.map((_, index) => 1 + imports.length + index)),
    list(4, tables),
    list(5, memories),
    list(6, globals),
    list(7, [...exported, ...memory]),
    list(9, elements),
    data.length === 0 ? [] : section(12, data.length),
    list(
      10,
      functions.map(([, { code }]) => [(code.length + 2) | 0x80, (code.length + 2) >> 7, 0, ...code, 0x0b]),
    ),
    list(11, data),
  );
}
