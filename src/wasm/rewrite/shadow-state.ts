import { type Additions, leb, wasm } from "./additions.ts";
import type { LocatedTable } from "./shape.ts";

/** Instructions on 32-bit or 64-bit sizes. */
export interface SizeCode {
  readonly type: number;
  readonly constant: number;
  readonly add: number;
  readonly subtract: number;
  readonly equal: number;
  readonly notEqual: number;
  readonly less: number;
  readonly greater: number;
}

const sizes32: SizeCode = {
  type: wasm.i32,
  constant: wasm.i32Const,
  add: wasm.i32Add,
  subtract: wasm.i32Sub,
  equal: wasm.i32Eq,
  notEqual: wasm.i32Ne,
  less: wasm.i32LtU,
  greater: wasm.i32GtU,
};

const sizes64: SizeCode = {
  type: wasm.i64,
  constant: wasm.i64Const,
  add: wasm.i64Add,
  subtract: wasm.i64Sub,
  equal: wasm.i64Eq,
  notEqual: wasm.i64Ne,
  less: wasm.i64LtU,
  greater: wasm.i64GtU,
};

/** The instructions for the sizes of a memory or table. */
export const sizesOf = ({ type }: { readonly type: { readonly is64: boolean } }): SizeCode =>
  type.is64 ? sizes64 : sizes32;

/** Number of a bulk instruction behind its prefix. */
export const bulk = { memoryInit: 8, tableInit: 12, tableCopy: 14, tableGrow: 15, tableSize: 16 } as const;

/** The constant -1 as LEB128. */
export const minusOne = 0x7f;

/** Code that saves state in shadows, that finds out whether it can be put back, and that puts it back. */
export class ShadowState {
  readonly save: number[] = [];
  readonly check: number[] = [];
  readonly restore: number[] = [];
  readonly #additions: Additions;

  constructor(additions: Additions) {
    this.#additions = additions;
  }

  /** Shadows a mutable global of the type; the shadow begins as the constant expression `initial`. */
  global(index: number, type: readonly number[], initial: readonly number[]): void {
    const shadow = this.#additions.mutableGlobal(type, initial);
    this.save.push(wasm.globalGet, ...leb(index), wasm.globalSet, ...leb(shadow));
    this.restore.push(wasm.globalGet, ...leb(shadow), wasm.globalSet, ...leb(index));
  }

  /** Shadows a table: one that has another size when it is to be put back cannot be. */
  table({
    index,
    table,
    element,
    initial,
  }: {
    readonly index: number;
    readonly table: LocatedTable;
    readonly element: readonly number[];
    readonly initial: readonly number[] | undefined;
  }): void {
    const sizes = sizesOf(table);
    const additions = this.#additions;
    const limits = [table.type.is64 ? 4 : 0, 0];
    const entry = initial === undefined ? [...element, ...limits] : [0x40, 0, ...element, ...limits, ...initial];
    const shadow = additions.table(entry);
    const saved = additions.mutableGlobal([sizes.type], zero(sizes.type));
    const sizeOf = (of: number): number[] => [wasm.bulk, bulk.tableSize, ...leb(of)];
    const first = [sizes.constant, 0];
    const copy = (to: number, from: number): number[] => {
      const length = [wasm.globalGet, ...leb(saved)];
      return [...first, ...first, ...length, wasm.bulk, bulk.tableCopy, ...leb(to), ...leb(from)];
    };
    const filler = isNonNull(table.type.element)
      ? [...first, wasm.tableGet, ...leb(index)]
      : [wasm.refNull, ...heapType(element)];
    this.save.push(
      ...sizeOf(index),
      wasm.globalSet,
      ...leb(saved),
      ...sizeOf(shadow),
      wasm.globalGet,
      ...leb(saved),
      sizes.less,
      wasm.if,
      wasm.empty,
      ...filler,
      wasm.globalGet,
      ...leb(saved),
      ...sizeOf(shadow),
      sizes.subtract,
      wasm.bulk,
      bulk.tableGrow,
      ...leb(shadow),
      sizes.constant,
      minusOne,
      sizes.equal,
      wasm.if,
      wasm.empty,
      wasm.unreachable,
      wasm.end,
      wasm.end,
      ...copy(shadow, index),
    );
    this.check.push(
      ...sizeOf(index),
      wasm.globalGet,
      ...leb(saved),
      sizes.notEqual,
      wasm.if,
      wasm.empty,
      wasm.i32Const,
      0,
      wasm.return,
      wasm.end,
    );
    this.restore.push(...copy(index, shadow));
  }
}

/** The heap type of a reference type that may be null: its shorthand's byte, or what follows the mark. */
function heapType(element: readonly number[]): readonly number[] {
  return element[0] === 0x63 ? element.slice(1) : element;
}

/** Whether a reference type does not hold null. */
export function isNonNull(type: string): boolean {
  return type.startsWith("(ref ") && !type.startsWith("(ref null");
}

/** A signed constant that is not negative. */
export function constant(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest >= 0x40n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

/** The constant expression of the integer 0 of a type. */
export function zero(type: number): readonly number[] {
  return [type === wasm.i64 ? wasm.i64Const : wasm.i32Const, 0, wasm.end];
}

/** The constant expression of the default value of a type given by its bytes. */
export function zeroOf(type: readonly number[]): readonly number[] {
  const [first = 0] = type;
  switch (first) {
    case 0x7f:
    case 0x7e:
      return zero(first);
    case 0x7d:
      return [0x43, 0, 0, 0, 0, wasm.end];
    case 0x7c:
      return [0x44, 0, 0, 0, 0, 0, 0, 0, 0, wasm.end];
    case 0x7b:
      return [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0), wasm.end];
    default:
      return [wasm.refNull, ...heapType(type), wasm.end];
  }
}
