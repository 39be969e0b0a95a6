import { type CallRow, coreParameters, coreResults, type CoreType, type NamedRow } from "./bind.ts";

const typeCodes: Readonly<Record<CoreType, number>> = { i32: 0x7f, i64: 0x7e };

const wasmHeader = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()];
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const content = vector(items);
  return [id, ...leb(content.length), ...content];
}

function name(text: string): number[] {
  return vector([...new TextEncoder().encode(text)].map((byte) => [byte]));
}

/** Functions of Wasm that call what rows were bound to, by the rows' names: `Suspending` imports can be called from Wasm alone. */
export function forward<C>(
  rows: readonly NamedRow<C>[],
  values: readonly WebAssembly.ImportValue[],
): Readonly<Record<string, (...core: (number | bigint)[]) => unknown>> {
  const types = (list: readonly CoreType[]): number[] => vector(list.map((type) => [typeCodes[type]]));
  const bodyOf = (row: CallRow<C>, index: number): number[] => {
    const gets = coreParameters(row).flatMap((_, at) => [0x20, at]);
    const body = [0, ...gets, 0x10, ...leb(index), 0x0b];
    return [...leb(body.length), ...body];
  };
  const bytes = new Uint8Array([
    ...wasmHeader,
    ...section(
      1,
      rows.map(([, row]) => [0x60, ...types(coreParameters(row)), ...types(coreResults(row))]),
    ),
    ...section(
      2,
      rows.map(([label], index) => [...name("host"), ...name(label), 0, ...leb(index)]),
    ),
    ...section(
      3,
      rows.map((_, index) => leb(index)),
    ),
    ...section(
      7,
      rows.map(([label], index) => [...name(label), 0, ...leb(rows.length + index)]),
    ),
    ...section(
      10,
      rows.map(([, row], index) => bodyOf(row, index)),
    ),
  ]);
  const host = Object.fromEntries(rows.map(([label], index) => [label, values[index] ?? 0]));
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { host }).exports as never;
}
