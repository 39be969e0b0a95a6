import { readFileSync } from "node:fs";
import {
  at,
  ComponentWriter,
  declare,
  extern,
  functionOf,
  instanceType,
  option,
  primitive,
  sort,
  valueType,
} from "../src/wasm/component/component-fixture.ts";
import {
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
  types,
  u32,
} from "../src/wasm/module-fixture.ts";
import { compileOwnGuest } from "./toolchain.ts";

const { u32: number, string } = primitive;

/**
 * A component around `component-core.c`: imports `test:host/calls@1.2.0` (`add`, `log`, the resource `thing`), exports functions and, in
 * `test:greeter/counters@0.2.1`, the resource `counter`, whose destructor counts.
 */
export async function greeterComponent(): Promise<Uint8Array<ArrayBuffer>> {
  const core = readFileSync(await compileOwnGuest("component-core"));
  const writer = new ComponentWriter();
  const host = importHost(writer);
  const memory = writer.coreInstance(writer.coreModule(memoryModule));
  const coreMemory = writer.aliasCore("coreMemory", memory, "memory");
  const dropper = writer.coreInstance(writer.coreModule(dropModule), ["memory", memory]);
  const counter = writer.resource(writer.aliasCore("coreFunction", dropper, "drop"));
  const thing = writer.alias("type", host, "thing");
  const lowered = (name: string, ...options: (readonly number[])[]): number =>
    writer.lower(writer.alias("function", host, name), ...options);
  const calls = writer.coreExports(
    ...(
      [
        ["add", lowered("add")],
        ["log", lowered("log", option.memory(coreMemory))],
        ["[constructor]thing", lowered("[constructor]thing")],
        ["[method]thing.get", lowered("[method]thing.get")],
        ["drop-thing", writer.builtin([0x03, ...u32(thing)])],
        ["new-counter", writer.builtin([0x02, ...u32(counter)])],
        ["drop-counter", writer.builtin([0x03, ...u32(counter)])],
      ] as const
    ).map(([name, index]) => [name, at([0x00], index)] as const),
  );
  const main = writer.coreInstance(writer.coreModule(core), ["host", calls], ["env", memory]);
  const lift = (name: string, type: readonly number[], ...options: (readonly number[])[]): number =>
    writer.lift(writer.aliasCore("coreFunction", main, name), writer.type(type), ...options);
  exportFunctions(writer, lift, {
    memory: option.memory(coreMemory),
    realloc: option.realloc(writer.aliasCore("coreFunction", main, "realloc")),
    free: option.postReturn(writer.aliasCore("coreFunction", main, "free-all")),
  });
  exportCounters(writer, lift, counter);
  return writer.finish();
}

type Lift = (name: string, type: readonly number[], ...options: (readonly number[])[]) => number;

function importHost(writer: ComponentWriter): number {
  const type = writer.type(
    instanceType(
      declare.type(
        functionOf(
          [
            ["a", number],
            ["b", number],
          ],
          number,
        ),
      ),
      declare.export("add", extern.function(0)),
      declare.type(functionOf([["text", string]])),
      declare.export("log", extern.function(1)),
      declare.export("thing", extern.resource),
      declare.type(valueType.own(2)),
      declare.type(functionOf([["value", number]], [3])),
      declare.export("[constructor]thing", extern.function(4)),
      declare.type(valueType.borrow(2)),
      declare.type(functionOf([["self", [5]]], number)),
      declare.export("[method]thing.get", extern.function(6)),
    ),
  );
  return writer.import("instance", "test:host/calls@1.2.0", extern.instance(type));
}

function exportFunctions(
  writer: ComponentWriter,
  lift: Lift,
  { memory, realloc, free }: Readonly<Record<"memory" | "realloc" | "free", readonly number[]>>,
): void {
  const unary = functionOf([["value", number]], number);
  const nothing = functionOf([]);
  const lifted: [string, number][] = [
    ["add-one", lift("add-one", unary)],
    ["call-often", lift("call-often", unary)],
    ["greet", lift("greet", functionOf([["name", string]], string), memory, realloc, free)],
    ["use-thing", lift("use-thing", unary)],
    ["dropped", lift("dropped", functionOf([], number))],
    ["boom", lift("boom", functionOf([], number))],
    ["forge", lift("forge", nothing)],
    ["spin", lift("spin", nothing)],
  ];
  for (const [name, index] of lifted) writer.export("function", name, { index });
}

function exportCounters(writer: ComponentWriter, lift: Lift, counter: number): void {
  const own = writer.type(valueType.own(counter));
  const borrow = writer.type(valueType.borrow(counter));
  const made = lift("make-counter", functionOf([["start", number]], [own]));
  const read = lift("read-counter", functionOf([["self", [borrow]]], number));
  const eaten = lift("eat-counter", functionOf([["counter", [own]]]));
  const inner = new ComponentWriter();
  const imported = inner.import("type", "counter", extern.resource);
  const innerOwn = inner.type(valueType.own(imported));
  const innerBorrow = inner.type(valueType.borrow(imported));
  const functionTypes = [
    ["[constructor]counter", functionOf([["start", number]], [innerOwn])],
    ["[method]counter.read", functionOf([["self", [innerBorrow]]], number)],
    ["[static]counter.eat", functionOf([["counter", [innerOwn]]])],
  ] as const;
  const given = functionTypes.map(([, type], index) =>
    inner.import("function", `f${index}`, extern.function(inner.type(type))),
  );
  const exported = inner.export("type", "counter", { index: imported });
  const outerOwn = inner.type(valueType.own(exported));
  const outerBorrow = inner.type(valueType.borrow(exported));
  const seen = [
    functionOf([["start", number]], [outerOwn]),
    functionOf([["self", [outerBorrow]]], number),
    functionOf([["counter", [outerOwn]]]),
  ];
  for (const [index, [name]] of functionTypes.entries())
    inner.export("function", name, { index: given[index] ?? 0, type: extern.function(inner.type(seen[index] ?? [])) });
  const instance = writer.instance(
    writer.component(inner.finish()),
    ["counter", at(sort.type, counter)],
    ["f0", at(sort.function, made)],
    ["f1", at(sort.function, read)],
    ["f2", at(sort.function, eaten)],
  );
  writer.export("instance", "test:greeter/counters@0.2.1", { index: instance });
}

/** Four pages, as `component-core.c` asks for. */
const memoryModule = moduleOf(memories([0, 4]), exports(exportOf("memory", 2, 0)));

/** `drop`, which adds one to the word at 16. */
const dropModule = moduleOf(
  types(functionType([i32], [])),
  imports(importOf("memory", "memory", [2, 0, 4])),
  functions(0),
  exports(exportOf("drop", 0, 0)),
  code([0x41, 16, 0x41, 16, 0x28, 2, 0, 0x41, 1, 0x6a, 0x36, 2, 0]),
);

/** A component that makes two instances of a component that does the same, `levels` deep. */
export function nestedComponent(levels: number): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  if (levels > 0) {
    const inner = writer.component(nestedComponent(levels - 1));
    writer.instance(inner);
    writer.instance(inner);
  }
  return writer.finish();
}

/** A component that imports functions of one interface, of the type `func()`, and does nothing. */
export function interfaceImporter(name: string, functionNames: readonly string[]): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const declared = functionNames.map((each) => declare.export(each, extern.function(0)));
  const type = writer.type(instanceType(declare.type(functionOf([])), ...declared));
  writer.import("instance", name, extern.instance(type));
  return writer.finish();
}

/** A component that imports a core module, `plugin`. */
export function moduleImporter(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  writer.import("coreModule", "plugin", extern.module(writer.coreType([0x50, 0])));
  return writer.finish();
}

/** A component that calls `waitable-set.new`: in `call` by itself, and in `leave` from the function that ends the call. */
export function waitingComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const made = writer.coreExports(["new", at([0x00], writer.builtin([0x1f]))]);
  const module = moduleOf(
    types(functionType([], [i32]), functionType([], [])),
    imports(importOf("sets", "new", [0, 0])),
    functions(1, 1),
    exports(exportOf("call", 0, 1), exportOf("nothing", 0, 2)),
    code([0x10, 0, 0x1a], []),
  );
  const core = writer.coreInstance(writer.coreModule(module), ["sets", made]);
  const call = writer.aliasCore("coreFunction", core, "call");
  const nothing = writer.aliasCore("coreFunction", core, "nothing");
  const type = writer.type(functionOf([]));
  writer.export("function", "call", { index: writer.lift(call, type) });
  writer.export("function", "leave", { index: writer.lift(nothing, type, option.postReturn(call)) });
  return writer.finish();
}
