import {
  at,
  ComponentWriter,
  extern,
  functionOf,
  option,
  primitive,
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
import { sectionId } from "../src/wasm/sections.ts";

/** A loop that never ends, and whatever type is wanted behind it. */
export const forever: Bytes = [0x03, 0x40, 0x0c, 0, 0x0b, 0x00];

/** Code of functions that stand between the host and the guest's own ones; each does nothing harmful where it is left out. */
export interface HostileBodies {
  /** (old, old size, alignment, size) → pointer */
  readonly realloc?: Bytes;
  /** (result) → () */
  readonly free?: Bytes;
  /** (rep) → () */
  readonly drop?: Bytes;
  readonly start?: Bytes;
}

/**
 * A component with the resource `item`: exports `make() -> own<item>`, `take(own<item>, list<u32>)`, `lend(borrow<item>, list<u32>)`,
 * `text(string) -> string`, which answers the empty string, and `flood()`, which makes resources without an end.
 */
export function hostileComponent(bodies: HostileBodies = {}): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const dropper = writer.coreInstance(writer.coreModule(dropModule(bodies.drop ?? [])));
  const item = writer.resource(writer.aliasCore("coreFunction", dropper, "drop"));
  const made = writer.coreExports(["new", at([0x00], writer.builtin([0x02, ...u32(item)]))]);
  const main = writer.coreInstance(writer.coreModule(mainModule(bodies)), ["item", made]);
  const core = (name: string): number => writer.aliasCore("coreFunction", main, name);
  const memory = option.memory(writer.aliasCore("coreMemory", main, "memory"));
  const [realloc, free] = [option.realloc(core("realloc")), option.postReturn(core("free"))];
  const exported = writer.export("type", "item", { index: item });
  const [own, borrow] = [writer.type(valueType.own(exported)), writer.type(valueType.borrow(exported))];
  const numbers = writer.type(valueType.list(primitive.u32));
  const lift = (name: string, type: Bytes, ...options: readonly Bytes[]): void => {
    writer.export("function", name, { index: writer.lift(core(name), writer.type(type), ...options) });
  };
  lift("make", functionOf([], [own]));
  lift(
    "take",
    functionOf([
      ["it", [own]],
      ["numbers", [numbers]],
    ]),
    memory,
    realloc,
  );
  lift(
    "lend",
    functionOf([
      ["it", [borrow]],
      ["numbers", [numbers]],
    ]),
    memory,
    realloc,
  );
  lift("text", functionOf([["text", primitive.string]], primitive.string), memory, realloc, free);
  lift("flood", functionOf([]));
  return writer.finish();
}

function dropModule(body: Bytes): Uint8Array<ArrayBuffer> {
  return moduleOf(types(functionType([i32], [])), functions(0), exports(exportOf("drop", 0, 0)), code(body));
}

function mainModule({ realloc = [0x41, 0xc0, 0], free = [], start = [] }: HostileBodies): Uint8Array<ArrayBuffer> {
  const names = ["realloc", "free", "make", "take", "lend", "text", "flood", "start"];
  return moduleOf(
    types(
      functionType([i32], [i32]),
      functionType([i32, i32, i32, i32], [i32]),
      functionType([i32], []),
      functionType([], [i32]),
      functionType([i32, i32, i32], []),
      functionType([i32, i32], [i32]),
      functionType([], []),
    ),
    imports(importOf("item", "new", [0, 0])),
    functions(1, 2, 3, 4, 4, 5, 6, 6),
    memories([0, 1]),
    exports(exportOf("memory", 2, 0), ...names.map((name, index) => exportOf(name, 0, index + 1))),
    section(sectionId.start, u32(names.length)),
    code(
      realloc,
      free,
      [0x41, 7, 0x10, 0],
      [],
      [],
      [0x41, 32],
      [0x03, 0x40, 0x41, 7, 0x10, 0, 0x1a, 0x0c, 0, 0x0b],
      start,
    ),
  );
}

/** A component that imports `make() -> record { then: u32 }` and exports `call() -> u32`, which answers the field. */
export function thenComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const record = writer.type(valueType.record(["then", primitive.u32]));
  const named = writer.import("type", "it", extern.typeEqual(record));
  const make = writer.import("function", "make", extern.function(writer.type(functionOf([], [named]))));
  const given = writer.coreExports(["make", at([0x00], writer.lower(make))]);
  const module = moduleOf(
    types(functionType([], [i32])),
    imports(importOf("host", "make", [0, 0])),
    functions(0),
    exports(exportOf("call", 0, 1)),
    code([0x10, 0]),
  );
  const core = writer.coreInstance(writer.coreModule(module), ["host", given]);
  const call = writer.lift(writer.aliasCore("coreFunction", core, "call"), writer.type(functionOf([], primitive.u32)));
  writer.export("function", "call", { index: call });
  return writer.finish();
}

/** A component that makes `times` instances of a component that has so many types and does nothing. */
export function idleComponent(times: number, definitions: number): Uint8Array<ArrayBuffer> {
  const inner = new ComponentWriter();
  for (let i = 0; i < definitions; i++) inner.type(primitive.u8);
  const writer = new ComponentWriter();
  const component = writer.component(inner.finish());
  for (let i = 0; i < times; i++) writer.instance(component);
  return writer.finish();
}

/** A component that imports so many functions, each of an enumeration of 10,000 cases, and lowers them. */
export function wideComponent(functionCount: number, cases = 10_000): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const type = writer.type(valueType.enum(...Array.from({ length: cases }, (_, at) => `c${at}`)));
  const named = writer.import("type", "wide", extern.typeEqual(type));
  const taken = writer.type(functionOf([["it", [...u32(named)]]]));
  for (let i = 0; i < functionCount; i++) writer.lower(writer.import("function", `f${i}`, extern.function(taken)));
  return writer.finish();
}

/** A component that makes `times` instances of a core module with one table that begins with so many elements. */
export function tablesComponent(times: number, elements: number): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const module = writer.coreModule(moduleOf(section(sectionId.table, [1, 0x70, 0, ...u32(elements)])));
  for (let i = 0; i < times; i++) writer.coreInstance(module);
  return writer.finish();
}
