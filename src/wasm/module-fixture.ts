import { preambleLength, sectionId } from "./sections.ts";
import { ByteWriter } from "./writer.ts";

/** Bytes of a small binary that tests write by hand. */
export type Bytes = readonly number[];

/** The first eight bytes of a core module. */
export const modulePreamble: Bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** The first eight bytes of a component. */
export const componentPreamble: Bytes = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

/** Value types and short pieces of code by name. */
export const i32 = 0x7f;
export const i64 = 0x7e;
export const end = 0x0b;

export const u32 = (value: number): Bytes => [...new ByteWriter().u32(value).finish()];
export const u64 = (value: bigint): Bytes => [...new ByteWriter().u64(value).finish()];
export const name = (text: string): Bytes => [...new ByteWriter().name(text).finish()];
export const vector = (...items: readonly Bytes[]): Bytes => [...u32(items.length), ...items.flat()];
export const sized = (bytes: Bytes): Bytes => [...u32(bytes.length), ...bytes];
export const section = (id: number, content: Bytes): Bytes => [id, ...sized(content)];
export const custom = (title: string, content: Bytes): Bytes => section(sectionId.custom, [...name(title), ...content]);
/** A function type of types that take one byte each. */
export const functionType = (params: Bytes, results: Bytes): Bytes => [0x60, ...sized(params), ...sized(results)];
export const types = (...items: readonly Bytes[]): Bytes => section(sectionId.type, vector(...items));
export const imports = (...items: readonly Bytes[]): Bytes => section(sectionId.import, vector(...items));
export const importOf = (module: string, item: string, type: Bytes): Bytes => [...name(module), ...name(item), ...type];
export const functions = (...typeIndices: readonly number[]): Bytes =>
  section(sectionId.function, vector(...typeIndices.map(u32)));
export const memories = (...items: readonly Bytes[]): Bytes => section(sectionId.memory, vector(...items));
export const exports = (...items: readonly Bytes[]): Bytes => section(sectionId.export, vector(...items));
export const exportOf = (item: string, kind: number, index: number): Bytes => [...name(item), kind, ...u32(index)];
export const code = (...bodies: readonly Bytes[]): Bytes =>
  section(sectionId.code, vector(...bodies.map((body) => sized([0, ...body, end]))));

/** A core module of the sections. */
export const moduleOf = (...sections: readonly Bytes[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([...modulePreamble, ...sections.flat()]);

/** A component of the sections. */
export const componentOf = (...sections: readonly Bytes[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([...componentPreamble, ...sections.flat()]);

/** Length in bytes of a preamble, for offsets that tests compute. */
export const firstSection = preambleLength;

const nothing = functionType([], []);

/** Modules that V8 accepts, each with a feature that a reader can stumble over. */
export const validModules: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  empty: moduleOf(),
  "a function that adds": moduleOf(
    types(functionType([i32, i32], [i32])),
    functions(0),
    exports(exportOf("add", 0, 0)),
    code([0x20, 0, 0x20, 1, 0x6a]),
    custom("name", [0, ...sized(name("adder")), 1, ...sized(vector([...u32(0), ...name("add")]))]),
  ),
  "imports of every kind": moduleOf(
    types(functionType([i64], []), nothing),
    imports(
      importOf("env", "f", [0, 0]),
      importOf("env", "t", [1, 0x70, 1, 1, 8]),
      importOf("env", "m", [2, 1, 1, 4]),
      importOf("env", "g", [3, i32, 1]),
      importOf("env", "e", [4, 0, 0]),
      importOf("env", "h", [0, 1]),
    ),
    exports(exportOf("f", 0, 0), exportOf("t", 1, 0), exportOf("m", 2, 0), exportOf("g", 3, 0), exportOf("e", 4, 0)),
    section(sectionId.start, u32(1)),
  ),
  "a recursion group of structures, arrays and sub types": moduleOf(
    types(
      [0x4e, ...vector([0x50, 0, 0x5f, ...vector([0x78, 1], [0x63, 1, 0])], [0x5e, 0x64, 0, 1])],
      [0x4f, ...vector(u32(0)), 0x5f, ...vector([0x78, 1], [0x63, 1, 0], [0x77, 0])],
      [0x60, 6, 0x64, 0x6e, 0x63, 2, 0x6b, 0x6c, 0x6d, 0x71, 1, 0x63, 0xf0, 0x7f],
      [0x4e, 0],
      nothing,
    ),
    functions(4),
    exports(exportOf("run", 0, 0)),
    code([]),
  ),
  "a memory of 64-bit addresses": moduleOf(memories([5, ...u64(1n), ...u64(200_000n)])),
  "a 64-bit memory without a maximum": moduleOf(memories([4, 1])),
  "several memories": moduleOf(
    imports(importOf("env", "m", [2, 0, 1])),
    memories([0, 1], [1, 2, 3], [4, 1], [3, 1, 2]),
    exports(exportOf("third", 2, 3)),
  ),
  "a shared memory": moduleOf(memories([3, 1, ...u32(1000)])),
  "tags and try_table": moduleOf(
    types(nothing, functionType([i32], [])),
    functions(0),
    memories([0, 1]),
    section(sectionId.tag, vector([0, 1])),
    exports(exportOf("tag", 4, 0), exportOf("run", 0, 0)),
    code([0x1f, 0x40, 0, end]),
  ),
  "a tail call": moduleOf(types(nothing), functions(0, 0), exports(exportOf("go", 0, 1)), code([], [0x12, 0])),
  "tables, globals, elements and data": moduleOf(
    types(nothing),
    functions(0),
    section(sectionId.table, vector([0x70, 0, 2], [0x40, 0, 0x6f, 0, 1, 0xd0, 0x6f, end], [0x70, 5, 1, 9])),
    memories([0, 1]),
    section(sectionId.global, vector([i32, 0, 0x41, 7, end], [0x70, 1, 0xd2, 0, end])),
    section(sectionId.element, vector([0, 0x41, 0, end, ...vector([0])])),
    section(sectionId.dataCount, u32(1)),
    code([]),
    section(sectionId.data, vector([1, ...sized([1, 2, 3])])),
  ),
  "long forms of integers and odd custom sections": moduleOf(
    custom("name", [1, 0xff]),
    [sectionId.memory, 0x8b, 0x80, 0x80, 0x80, 0, 0x81, 0x80, 0, 1, 0x81, 0x80, 0, 0x82, 0x80, 0x80, 0],
    custom("", []),
    custom("producers", [9, 9, 9]),
    custom(".debug_info", [1, 2, 3]),
    custom(".debug_info", []),
  ),
};
