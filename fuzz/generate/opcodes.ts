import type { NumberType } from "./types.ts";

/** A numeric instruction without immediates. */
export interface Operation {
  readonly result: NumberType;
  readonly operands: readonly NumberType[];
  readonly bytes: readonly number[];
  /** Operands whose NaN bits show in the result. */
  readonly shows?: readonly number[];
  /** Lanes of floats that the result is made of, whose NaN bits are open. */
  readonly lanes?: "f32x4" | "f64x2";
  /** What makes it trap. */
  readonly traps?: "division" | "truncation";
}

type Options = Omit<Operation, "result" | "operands" | "bytes">;

function plain(
  range: readonly [number, number],
  operands: readonly NumberType[],
  result: NumberType,
  options: Options = {},
): Operation[] {
  return opcodes(range).map((opcode) => ({ ...options, result, operands, bytes: [opcode] }));
}

function prefixed(prefix: number) {
  return (
    range: readonly [number, number],
    operands: readonly NumberType[],
    result: NumberType,
    options: Options = {},
  ) => opcodes(range).map((opcode) => ({ ...options, result, operands, bytes: [prefix, ...short(opcode)] }));
}

const opcodes = ([from, to]: readonly [number, number]): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const short = (opcode: number): number[] => (opcode < 0x80 ? [opcode] : [(opcode & 0x7f) | 0x80, opcode >> 7]);

/** Scalar instructions (WebAssembly 3.0, 5.4.8 Numeric Instructions). */
export const scalarOperations: readonly Operation[] = [
  ...plain([0x45, 0x45], ["i32"], "i32"),
  ...plain([0x46, 0x4f], ["i32", "i32"], "i32"),
  ...plain([0x50, 0x50], ["i64"], "i32"),
  ...plain([0x51, 0x5a], ["i64", "i64"], "i32"),
  ...plain([0x5b, 0x60], ["f32", "f32"], "i32"),
  ...plain([0x61, 0x66], ["f64", "f64"], "i32"),
  ...plain([0x67, 0x69], ["i32"], "i32"),
  ...plain([0x6a, 0x6c], ["i32", "i32"], "i32"),
  ...plain([0x6d, 0x70], ["i32", "i32"], "i32", { traps: "division" }),
  ...plain([0x71, 0x78], ["i32", "i32"], "i32"),
  ...plain([0x79, 0x7b], ["i64"], "i64"),
  ...plain([0x7c, 0x7e], ["i64", "i64"], "i64"),
  ...plain([0x7f, 0x82], ["i64", "i64"], "i64", { traps: "division" }),
  ...plain([0x83, 0x8a], ["i64", "i64"], "i64"),
  ...plain([0x8b, 0x91], ["f32"], "f32"),
  ...plain([0x92, 0x97], ["f32", "f32"], "f32"),
  ...plain([0x98, 0x98], ["f32", "f32"], "f32", { shows: [1] }),
  ...plain([0x99, 0x9f], ["f64"], "f64"),
  ...plain([0xa0, 0xa5], ["f64", "f64"], "f64"),
  ...plain([0xa6, 0xa6], ["f64", "f64"], "f64", { shows: [1] }),
  ...plain([0xa7, 0xa7], ["i64"], "i32"),
  ...plain([0xa8, 0xa9], ["f32"], "i32", { traps: "truncation" }),
  ...plain([0xaa, 0xab], ["f64"], "i32", { traps: "truncation" }),
  ...plain([0xac, 0xad], ["i32"], "i64"),
  ...plain([0xae, 0xaf], ["f32"], "i64", { traps: "truncation" }),
  ...plain([0xb0, 0xb1], ["f64"], "i64", { traps: "truncation" }),
  ...plain([0xb2, 0xb3], ["i32"], "f32"),
  ...plain([0xb4, 0xb5], ["i64"], "f32"),
  ...plain([0xb6, 0xb6], ["f64"], "f32"),
  ...plain([0xb7, 0xb8], ["i32"], "f64"),
  ...plain([0xb9, 0xba], ["i64"], "f64"),
  ...plain([0xbb, 0xbb], ["f32"], "f64"),
  ...plain([0xbc, 0xbc], ["f32"], "i32", { shows: [0] }),
  ...plain([0xbd, 0xbd], ["f64"], "i64", { shows: [0] }),
  ...plain([0xbe, 0xbe], ["i32"], "f32"),
  ...plain([0xbf, 0xbf], ["i64"], "f64"),
  ...plain([0xc0, 0xc1], ["i32"], "i32"),
  ...plain([0xc2, 0xc4], ["i64"], "i64"),
  ...prefixed(0xfc)([0, 1], ["f32"], "i32"),
  ...prefixed(0xfc)([2, 3], ["f64"], "i32"),
  ...prefixed(0xfc)([4, 5], ["f32"], "i64"),
  ...prefixed(0xfc)([6, 7], ["f64"], "i64"),
];

const v = "v128";
const simd = prefixed(0xfd);
const unary = (low: number, high = low, options: Options = {}) => simd([low, high], [v], v, options);
const binary = (low: number, high = low, options: Options = {}) => simd([low, high], [v, v], v, options);
const shift = (low: number, high: number) => simd([low, high], [v, "i32"], v);
const test = (low: number, high = low) => simd([low, high], [v], "i32");
const f32x4 = { lanes: "f32x4" } as const;
const f64x2 = { lanes: "f64x2" } as const;

/** Vector instructions without immediates (5.4.9 Vector Instructions). */
export const vectorOperations: readonly Operation[] = [
  ...binary(14),
  ...simd([15, 17], ["i32"], v),
  ...simd([18, 18], ["i64"], v),
  ...simd([19, 19], ["f32"], v, f32x4),
  ...simd([20, 20], ["f64"], v, f64x2),
  ...binary(35, 76),
  ...unary(77),
  ...binary(78, 81),
  ...simd([82, 82], [v, v, v], v),
  ...test(83),
  ...unary(94, 94, f32x4),
  ...unary(95, 95, f64x2),
  ...unary(96, 98),
  ...test(99, 100),
  ...binary(101, 102),
  ...unary(103, 106, f32x4),
  ...shift(107, 109),
  ...binary(110, 115),
  ...unary(116, 117, f64x2),
  ...binary(118, 121),
  ...unary(122, 122, f64x2),
  ...binary(123),
  ...unary(124, 129),
  ...binary(130),
  ...test(131, 132),
  ...binary(133, 134),
  ...unary(135, 138),
  ...shift(139, 141),
  ...binary(142, 147),
  ...unary(148, 148, f64x2),
  ...binary(149, 153),
  ...binary(155, 159),
  ...unary(160, 161),
  ...test(163, 164),
  ...unary(167, 170),
  ...shift(171, 173),
  ...binary(174),
  ...binary(177),
  ...binary(181, 186),
  ...binary(188, 191),
  ...unary(192, 193),
  ...test(195, 196),
  ...unary(199, 202),
  ...shift(203, 205),
  ...binary(206),
  ...binary(209),
  ...binary(213, 223),
  ...unary(224, 225, f32x4),
  ...unary(227, 227, f32x4),
  ...binary(228, 235, f32x4),
  ...unary(236, 237, f64x2),
  ...unary(239, 239, f64x2),
  ...binary(240, 247, f64x2),
  ...unary(248, 249),
  ...unary(250, 251, f32x4),
  ...unary(252, 253),
  ...unary(254, 255, f64x2),
];

/** Relaxed vector instructions, whose results differ between machines: they are generated for the decoder alone. */
export const relaxedOperations: readonly Operation[] = [
  ...binary(0x100),
  ...unary(0x101, 0x104),
  ...simd([0x105, 0x10c], [v, v, v], v),
  ...binary(0x10d, 0x112),
  ...simd([0x113, 0x113], [v, v, v], v),
];

/** A load or store: opcode bytes, value's type, log2 of its natural alignment. */
export type Access = readonly [bytes: readonly number[], type: NumberType, align: number];

const access = (first: number, rows: readonly (readonly [NumberType, number])[]): Access[] =>
  rows.map(([type, align], index) => [[first + index], type, align]);

/** Loads (5.4.7 Memory Instructions). */
export const loads: readonly Access[] = access(0x28, [
  ["i32", 2],
  ["i64", 3],
  ["f32", 2],
  ["f64", 3],
  ["i32", 0],
  ["i32", 0],
  ["i32", 1],
  ["i32", 1],
  ["i64", 0],
  ["i64", 0],
  ["i64", 1],
  ["i64", 1],
  ["i64", 2],
  ["i64", 2],
]);

/** Stores. */
export const stores: readonly Access[] = access(0x36, [
  ["i32", 2],
  ["i64", 3],
  ["f32", 2],
  ["f64", 3],
  ["i32", 0],
  ["i32", 1],
  ["i64", 0],
  ["i64", 1],
  ["i64", 2],
]);

/** Vector loads that take an address alone. */
export const vectorLoads: readonly Access[] = [
  [[0xfd, 0], v, 4],
  ...opcodes([1, 6]).map((opcode): Access => [[0xfd, opcode], v, 3]),
  ...opcodes([7, 10]).map((opcode): Access => [[0xfd, opcode], v, opcode - 7]),
  [[0xfd, 92], v, 2],
  [[0xfd, 93], v, 3],
];

/** The seven forms that each atomic access has: value's type and log2 of its size. */
export const atomicForms: readonly (readonly [NumberType, number])[] = [
  ["i32", 2],
  ["i64", 3],
  ["i32", 0],
  ["i32", 1],
  ["i64", 0],
  ["i64", 1],
  ["i64", 2],
];
