import type { RestoreStep } from "../../wasm/index.ts";
import type { FreshStep } from "./reset-memory.ts";
import {
  answerType,
  constant,
  externref,
  f32,
  f64,
  funcref,
  i32,
  i64,
  type StateSource,
  v128,
} from "./state-fixture.ts";

/**
 * A kind of mutable state: a module whose `mutate` changes it and whose `read` answers what shows it, and the one step of putting
 * back that it depends on.
 */
export interface StateKind extends StateSource {
  readonly step: RestoreStep | FreshStep;
  /** Whether an instance in which it changed is thrown away. */
  readonly isThrownAway?: boolean;
  /** What `mutate` is called with. */
  readonly args?: readonly unknown[];
}

const end = 0x0b;
const twoPages = [[0, 2]];
const pageSize = 65_536;
const load = (at: number): number[] => [...constant(at), 0x2d, 0, 0];
const store = (at: number, value: number): number[] => [...constant(at), ...constant(value), 0x3a, 0, 0];
const grow = [...constant(1), 0x40, 0];
const drop = 0x1a;
/** A function that answers 7, for references. */
const seven = { results: [i32], code: constant(7) };

function reading(code: readonly number[], result: number = i32) {
  return { results: [result], code };
}

/** A global that is set to `changed` and read by `code`, which comes after it was fetched. */
function globalKind(
  type: readonly number[],
  initial: readonly number[],
  changed: readonly number[],
  code: readonly number[] = [],
) {
  const result = code.length > 0 ? i32 : (type[0] ?? i32);
  return {
    step: "globals",
    globals: [[...type, 1, ...initial, end]],
    functions: {
      mutate: { code: [...changed, 0x24, 0] },
      read: reading([0x23, 0, ...code], result),
      seven,
    },
    // Functions that are referred to have to be declared.
    elements: [[3, 0, 1, 2]],
  } satisfies StateKind;
}

const preview1 = "wasi_snapshot_preview1";
const badFolder = 3;

/** One module for each kind of mutable state. */
export const stateKinds: Readonly<Record<string, StateKind>> = {
  memory: {
    step: "memory",
    memories: twoPages,
    functions: { mutate: { code: store(70_000, 77) }, read: reading(load(70_000)) },
    data: [[0, ...constant(70_000), end, 1, 5]],
  },
  "a second memory": {
    step: "memory",
    memories: [
      [0, 1],
      [0, 1],
    ],
    functions: {
      mutate: { code: [...constant(9), ...constant(77), 0x3a, 0x40, 1, 0] },
      read: reading([...constant(9), 0x2d, 0x40, 1, 0]),
    },
  },
  "a memory with 64-bit addresses": {
    step: "memory",
    memories: [[4, 1]],
    functions: {
      mutate: { code: [0x42, 9, ...constant(77), 0x3a, 0, 0] },
      read: reading([0x42, 9, 0x2d, 0, 0]),
    },
  },
  "grown memory": {
    step: "zeroing",
    memories: twoPages,
    functions: {
      mutate: { code: [...grow, drop, ...store(2 * pageSize + 5, 9)] },
      read: reading([...grow, drop, ...load(2 * pageSize + 5)]),
    },
  },
  "the size of a memory": {
    step: "pages",
    memories: twoPages,
    functions: { mutate: { code: [...grow, drop] }, read: reading([0x3f, 0]) },
  },
  "a table's element": {
    step: "tables",
    tables: [[funcref, 0, 2]],
    functions: {
      mutate: { code: [...constant(1), 0xd2, 2, 0x26, 0] },
      read: reading([...constant(1), 0x25, 0, 0xd1]),
      seven,
    },
    elements: [[3, 0, 1, 2]],
  },
  "the size of a table": {
    step: "tables",
    isThrownAway: true,
    tables: [[funcref, 0, 2]],
    functions: {
      mutate: { code: [0xd0, funcref, ...constant(3), 0xfc, 15, 0, drop] },
      read: reading([0xfc, 16, 0]),
    },
  },
  "a global of type i32": globalKind([i32], constant(1), constant(2)),
  "a global of type i64": globalKind([i64], [0x42, 1], [0x42, 2]),
  "a global of type f32": globalKind([f32], [0x43, 0, 0, 0x80, 0x3f], [0x43, 0, 0, 0, 0x40]),
  "a global of type f64": globalKind([f64], [0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f], [0x44, 0, 0, 0, 0, 0, 0, 0, 0x40]),
  "a global of type v128": globalKind(
    [v128],
    [0xfd, 12, ...Array.from({ length: 16 }, () => 1)],
    [0xfd, 12, ...Array.from({ length: 16 }, () => 2)],
    [0xfd, 27, 3],
  ),
  "a global of type funcref": globalKind([funcref], [0xd0, funcref], [0xd2, 2], [0xd1]),
  "a global of type externref": {
    step: "globals",
    globals: [[externref, 1, 0xd0, externref, end]],
    functions: { mutate: { params: [externref], code: [0x20, 0, 0x24, 0] }, read: reading([0x23, 0, 0xd1]) },
    args: [{ some: "object" }],
  },
  "a global of a typed reference": globalKind([0x63, answerType], [0xd0, answerType], [0xd2, 2], [0xd1]),
  "a dropped data segment": {
    step: "dataSegments",
    memories: twoPages,
    functions: {
      mutate: { code: [0xfc, 9, 0] },
      read: reading([...constant(8), ...constant(0), ...constant(1), 0xfc, 8, 0, 0, ...load(8)]),
    },
    data: [[1, 1, 42]],
  },
  "a dropped element segment": {
    step: "elementSegments",
    tables: [[funcref, 0, 2]],
    functions: {
      mutate: { code: [0xfc, 13, 0] },
      read: reading([...constant(0), ...constant(0), ...constant(1), 0xfc, 12, 0, 0, ...constant(0), 0x25, 0, 0xd1]),
      seven,
    },
    elements: [[1, 0, 1, 2]],
  },
  "a descriptor that was closed": {
    step: "host",
    imports: [{ module: preview1, name: "fd_close", params: [i32], results: [i32] }],
    functions: {
      mutate: { code: [...constant(badFolder), 0x10, 0, drop] },
      read: reading([...constant(badFolder), 0x10, 0]),
    },
  },
  "a descriptor that was opened, and its position": {
    step: "host",
    memories: twoPages,
    imports: [
      {
        module: preview1,
        name: "path_open",
        params: [i32, i32, i32, i32, i32, i64, i64, i32, i32],
        results: [i32],
      },
      { module: preview1, name: "fd_seek", params: [i32, i64, i32, i32], results: [i32] },
      { module: preview1, name: "fd_tell", params: [i32, i32], results: [i32] },
    ],
    functions: {
      mutate: {
        code: [
          ...constant(3),
          ...constant(0),
          ...constant(0),
          ...constant(4),
          ...constant(0),
          66,
          38,
          66,
          38,
          ...constant(0),
          ...constant(100),
          16,
          0,
          drop,
          ...constant(4),
          66,
          2,
          ...constant(0),
          ...constant(200),
          16,
          1,
          drop,
        ],
      },
      read: reading([...constant(4), ...constant(300), 0x10, 2]),
    },
    data: [[0, ...constant(0), end, 4, ...Buffer.from("file")]],
  },
  "the stream of random numbers": {
    step: "host",
    memories: twoPages,
    imports: [{ module: preview1, name: "random_get", params: [i32, i32], results: [i32] }],
    functions: {
      mutate: { code: [...constant(0), ...constant(4), 0x10, 0, drop] },
      read: reading([...constant(0), ...constant(4), 0x10, 0, drop, ...constant(0), 0x28, 0, 0]),
    },
  },
  "what is left of the output limit": {
    step: "host",
    memories: twoPages,
    imports: [{ module: preview1, name: "fd_write", params: [i32, i32, i32, i32], results: [i32] }],
    functions: {
      mutate: { code: [...constant(1), ...constant(8), ...constant(1), ...constant(100), 0x10, 0, drop] },
      read: reading([...constant(1), ...constant(0), ...constant(1), ...constant(100), 0x10, 0]),
    },
    // Pieces of six bytes and of one.
    data: [[0, ...constant(0), end, 16, 64, 0, 0, 0, 6, 0, 0, 0, 64, 0, 0, 0, 1, 0, 0, 0]],
  },
};
