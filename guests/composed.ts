import {
  at,
  ComponentWriter,
  extern,
  functionOf,
  option,
  primitive,
  sort,
  typeAt,
  valueType,
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
  u32,
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

/**
 * A component of two: the one owns the resource types `left` and `right` and has `make-left`, `make-right`, `take-left` (own) and
 * `peek-left` (borrow); the other exports functions of the same names whose handles are plain numbers, `drop-left`, and
 * `take-lent`, which gives away and lends the same handle in one call.
 */
export function handlesComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const owner = writer.instance(writer.component(handleOwner()));
  const names = ["left", "right"] as const;
  const types = names.map((name) => [name, at(sort.type, writer.alias("type", owner, name))] as const);
  const calls = ownerFunctions.map((name) => [name, at(sort.function, writer.alias("function", owner, name))] as const);
  const user = writer.instance(writer.component(handleUser()), ...types, ...calls);
  for (const name of [...ownerFunctions, "drop-left"])
    writer.export("function", name, { index: writer.alias("function", user, name) });
  return writer.finish();
}

const ownerFunctions = ["make-left", "make-right", "take-left", "peek-left", "take-lent"] as const;
const { u32: number } = primitive;

/** The types of {@link ownerFunctions}, of the types under two indices. */
function handleTypes(writer: ComponentWriter, [left, right]: readonly [number, number]): number[] {
  const ownLeft = writer.type(valueType.own(left));
  const ownRight = writer.type(valueType.own(right));
  const borrowLeft = writer.type(valueType.borrow(left));
  return [
    functionOf([["rep", number]], typeAt(ownLeft)),
    functionOf([["rep", number]], typeAt(ownRight)),
    functionOf([["it", typeAt(ownLeft)]], number),
    functionOf([["it", typeAt(borrowLeft)]], number),
    functionOf(
      [
        ["lent", typeAt(borrowLeft)],
        ["given", typeAt(ownLeft)],
      ],
      number,
    ),
  ].map((type) => writer.type(type));
}

function handleOwner(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const [left, right] = [writer.resource(), writer.resource()];
  const given = writer.coreExports(
    ["new-left", at([0x00], writer.builtin([0x02, ...u32(left)]))],
    ["new-right", at([0x00], writer.builtin([0x02, ...u32(right)]))],
    ["rep-left", at([0x00], writer.builtin([0x04, ...u32(left)]))],
  );
  const main = writer.coreInstance(writer.coreModule(ownerModule), ["host", given]);
  const seen = [
    writer.export("type", "left", { index: left }),
    writer.export("type", "right", { index: right }),
  ] as const;
  for (const [index, type] of handleTypes(writer, seen).entries()) {
    const name = ownerFunctions[index] ?? "";
    const lifted = writer.lift(writer.aliasCore("coreFunction", main, name), type);
    writer.export("function", name, { index: lifted });
  }
  return writer.finish();
}

/** `take-left` answers what the handle stands for; to the owner a borrowed handle is that already. */
const ownerModule = moduleOf(
  types(functionType([i32], [i32]), functionType([i32, i32], [i32])),
  imports(
    importOf("host", "new-left", [0, 0]),
    importOf("host", "new-right", [0, 0]),
    importOf("host", "rep-left", [0, 0]),
  ),
  functions(0, 0, 0, 0, 1),
  exports(...ownerFunctions.map((name, index) => exportOf(name, 0, 3 + index))),
  code([0x20, 0, 0x10, 0], [0x20, 0, 0x10, 1], [0x20, 0, 0x10, 2], [0x20, 0], [0x20, 0]),
);

function handleUser(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const left = writer.import("type", "left", extern.resource);
  const right = writer.import("type", "right", extern.resource);
  const lowered = handleTypes(writer, [left, right]).map((type, index) =>
    writer.lower(writer.import("function", ownerFunctions[index] ?? "", extern.function(type))),
  );
  const given = writer.coreExports(
    ...ownerFunctions.map((name, index) => [name, at([0x00], lowered[index] ?? 0)] as const),
    ["drop-left", at([0x00], writer.builtin([0x03, ...u32(left)]))],
  );
  const main = writer.coreInstance(writer.coreModule(userModule), ["host", given]);
  const unary = writer.type(functionOf([["handle", number]], number));
  for (const name of [...ownerFunctions, "drop-left"])
    writer.export("function", name, { index: writer.lift(writer.aliasCore("coreFunction", main, name), unary) });
  return writer.finish();
}

/** Hands on what it gets, to `take-lent` twice; `drop-left` answers 0. */
const userModule = moduleOf(
  types(functionType([i32], [i32]), functionType([i32, i32], [i32]), functionType([i32], [])),
  imports(
    ...ownerFunctions.map((name) => importOf("host", name, [0, name === "take-lent" ? 1 : 0])),
    importOf("host", "drop-left", [0, 2]),
  ),
  functions(0, 0, 0, 0, 0, 0),
  exports(...[...ownerFunctions, "drop-left"].map((name, index) => exportOf(name, 0, 6 + index))),
  code(
    [0x20, 0, 0x10, 0],
    [0x20, 0, 0x10, 1],
    [0x20, 0, 0x10, 2],
    [0x20, 0, 0x10, 3],
    [0x20, 0, 0x20, 0, 0x10, 4],
    [0x20, 0, 0x10, 5, 0x41, 0],
  ),
);
