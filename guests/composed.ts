import {
  at,
  ComponentWriter,
  extern,
  functionOf,
  option,
  primitive,
  sort,
} from "../src/wasm/component/component-fixture.ts";
import {
  type Bytes,
  code,
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  importOf,
  imports,
  memories,
  moduleOf,
  section,
  types,
} from "../src/wasm/module-fixture.ts";

/** What the functions of a composed component take and answer. */
export type ComposedValue = "number" | "string";

type Encoding = "utf8" | "utf16";

/**
 * A component of two: `run` of the one, which it exports, calls `serve` of the other, which calls the host's `wait`. Each hands on what
 * it was given; of numbers `serve` answers twice what `wait` did, and `run` one more than `serve`.
 */
export function composedComponent(
  value: ComposedValue,
  [caller, callee]: readonly [Encoding, Encoding] = ["utf8", "utf16"],
): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const type = typeOf(value);
  const wait = writer.import("function", "wait", extern.function(writer.type(type)));
  const server = writer.component(part(value, { imported: "wait", exported: "serve", encoding: callee }));
  const runner = writer.component(part(value, { imported: "serve", exported: "run", encoding: caller }));
  const served = writer.instance(server, ["wait", at(sort.function, wait)]);
  const serve = writer.alias("function", served, "serve");
  const ran = writer.instance(runner, ["serve", at(sort.function, serve)]);
  writer.export("function", "run", { index: writer.alias("function", ran, "run") });
  return writer.finish();
}

function typeOf(value: ComposedValue): Bytes {
  const type = value === "number" ? primitive.u32 : primitive.string;
  return functionOf([["value", type]], type);
}

interface Part {
  readonly imported: string;
  readonly exported: string;
  readonly encoding: Encoding;
}

/** A component that exports one function, which calls one that it imports. */
function part(value: ComposedValue, { imported, exported, encoding }: Part): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const type = writer.type(typeOf(value));
  const callee = writer.import("function", imported, extern.function(type));
  const memory = writer.coreInstance(writer.coreModule(memoryModule));
  const options = [
    option[encoding],
    option.memory(writer.aliasCore("coreMemory", memory, "memory")),
    option.realloc(writer.aliasCore("coreFunction", memory, "realloc")),
  ];
  const lowered = writer.lower(callee, ...options);
  const given = writer.coreExports(["call", at([0x00], lowered)]);
  const work = exported === "run" ? addOne : twice;
  const core = writer.coreModule(value === "number" ? numberModule(work) : stringModule);
  const main = writer.coreInstance(core, ["host", given]);
  const lifted = writer.lift(writer.aliasCore("coreFunction", main, "call"), type, ...options);
  writer.export("function", exported, { index: lifted });
  return writer.finish();
}

const addOne: Bytes = [0x41, 1, 0x6a];
const twice: Bytes = [0x41, 2, 0x6c];

function numberModule(work: Bytes): Uint8Array<ArrayBuffer> {
  return moduleOf(
    types(functionType([i32], [i32])),
    imports(importOf("host", "call", [0, 0])),
    functions(0),
    exports(exportOf("call", 0, 1)),
    code([0x20, 0, 0x10, 0, ...work]),
  );
}

/** Where the results of strings lie. */
const area = 16;

const stringModule = moduleOf(
  types(functionType([i32, i32, i32], []), functionType([i32, i32], [i32])),
  imports(importOf("host", "call", [0, 0])),
  functions(1),
  exports(exportOf("call", 0, 1)),
  code([0x20, 0, 0x20, 1, 0x41, area, 0x10, 0, 0x41, area]),
);

const getNext: Bytes = [0x23, 0];
const setNext: Bytes = [0x24, 0];
/** 1024 as a constant of code. */
const start: Bytes = [0x41, 0x80, 0x08];

/** A memory of two pages and an allocator, which begins anew when one of them is full: for calls whose blocks are short-lived. */
const memoryModule = moduleOf(
  types(functionType([i32, i32, i32, i32], [i32])),
  functions(0),
  memories([0, 2]),
  section(6, [1, i32, 1, ...start, 0x0b]),
  exports(exportOf("memory", 2, 0), exportOf("realloc", 0, 0)),
  code([
    // if (next > 65536) next = 1024
    ...getNext,
    0x41,
    0x80,
    0x80,
    0x04,
    0x4b,
    0x04,
    0x40,
    ...start,
    ...setNext,
    0x0b,
    // next = (next + alignment - 1) & -alignment
    ...getNext,
    0x20,
    2,
    0x6a,
    0x41,
    1,
    0x6b,
    0x41,
    0,
    0x20,
    2,
    0x6b,
    0x71,
    ...setNext,
    // memory.copy(next, old, oldSize)
    ...getNext,
    0x20,
    0,
    0x20,
    1,
    0xfc,
    0x0a,
    0,
    0,
    // answer next, and next += size
    ...getNext,
    ...getNext,
    0x20,
    3,
    0x6a,
    ...setNext,
  ]),
);
