import {
  at,
  ComponentWriter,
  declare,
  extern,
  functionOf,
  instanceType,
  primitive,
  valueType,
} from "../src/wasm/component/component-fixture.ts";
import {
  code,
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  i64,
  importOf,
  imports,
  moduleOf,
  types,
  u32,
} from "../src/wasm/module-fixture.ts";

/** Imports the resource `thing`, and exports `pass: func(thing: own<thing>) -> own<thing>`. */
export function passingComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const host = writer.import(
    "instance",
    "test:host/calls",
    extern.instance(
      writer.type(
        instanceType(
          declare.export("thing", extern.resource),
          declare.type(valueType.own(0)),
          declare.type(functionOf([], [1])),
          declare.export("[constructor]thing", extern.function(2)),
        ),
      ),
    ),
  );
  const own = writer.type(valueType.own(writer.alias("type", host, "thing")));
  const core = writer.coreInstance(
    writer.coreModule(
      moduleOf(types(functionType([i32], [i32])), functions(0), exports(exportOf("pass", 0, 0)), code([0x20, 0])),
    ),
  );
  const pass = writer.lift(
    writer.aliasCore("coreFunction", core, "pass"),
    writer.type(functionOf([["thing", u32(own)]], u32(own))),
  );
  writer.export("function", "pass", { index: pass });
  return writer.finish();
}

/** Imports `test:host/calls` with `try: func() -> result`, and exports `go`, which answers what that answers. */
export function resultComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const host = writer.import(
    "instance",
    "test:host/calls",
    extern.instance(
      writer.type(
        instanceType(
          declare.type(valueType.result()),
          declare.type(functionOf([], [0])),
          declare.export("try", extern.function(1)),
        ),
      ),
    ),
  );
  const lowered = writer.lower(writer.alias("function", host, "try"));
  const calls = writer.coreExports(["try", at([0x00], lowered)]);
  const core = writer.coreInstance(
    writer.coreModule(
      moduleOf(
        types(functionType([], [i32])),
        imports(importOf("host", "try", [0, 0])),
        functions(0),
        exports(exportOf("go", 0, 1)),
        code([0x10, 0]),
      ),
    ),
    ["host", calls],
  );
  const result = writer.type(valueType.result());
  const go = writer.lift(writer.aliasCore("coreFunction", core, "go"), writer.type(functionOf([], u32(result))));
  writer.export("function", "go", { index: go });
  return writer.finish();
}

/**
 * On WASI 0.2.0: exports `start: func(nanoseconds: u64) -> own<pollable>`, and `finish: func(pollable: own<pollable>)`, which waits for
 * what `start` answered.
 */
export function pollableComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const poll = writer.import(
    "instance",
    "wasi:io/poll@0.2.0",
    extern.instance(
      writer.type(
        instanceType(
          declare.export("pollable", extern.resource),
          declare.type(valueType.borrow(0)),
          declare.type(functionOf([["self", [1]]])),
          declare.export("[method]pollable.block", extern.function(2)),
        ),
      ),
    ),
  );
  const pollable = writer.alias("type", poll, "pollable");
  const clock = writer.import(
    "instance",
    "wasi:clocks/monotonic-clock@0.2.0",
    extern.instance(
      writer.type(
        instanceType(
          declare.alias([0x03, 0x02, 0x01, ...u32(pollable)]),
          declare.type(valueType.own(0)),
          declare.type(functionOf([["when", primitive.u64]], [1])),
          declare.export("subscribe-duration", extern.function(2)),
        ),
      ),
    ),
  );
  const given = [
    writer.lower(writer.alias("function", clock, "subscribe-duration")),
    writer.lower(writer.alias("function", poll, "[method]pollable.block")),
    writer.builtin([0x03, ...u32(pollable)]),
  ];
  const host = writer.coreExports(...given.map((index, place) => [`f${place}`, at([0x00], index)] as const));
  const core = writer.coreInstance(
    writer.coreModule(
      moduleOf(
        types(functionType([i64], [i32]), functionType([i32], [])),
        imports(importOf("host", "f0", [0, 0]), importOf("host", "f1", [0, 1]), importOf("host", "f2", [0, 1])),
        functions(0, 1),
        exports(exportOf("start", 0, 3), exportOf("finish", 0, 4)),
        code([0x20, 0, 0x10, 0], [0x20, 0, 0x10, 1, 0x20, 0, 0x10, 2]),
      ),
    ),
    ["host", host],
  );
  const own = writer.type(valueType.own(pollable));
  const lifted = [
    ["start", functionOf([["nanoseconds", primitive.u64]], u32(own))],
    ["finish", functionOf([["pollable", u32(own)]])],
  ] as const;
  for (const [name, type] of lifted) {
    const index = writer.lift(writer.aliasCore("coreFunction", core, name), writer.type(type));
    writer.export("function", name, { index });
  }
  return writer.finish();
}

function liftAll(module: Uint8Array, lifted: Readonly<Record<string, readonly number[]>>): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const core = writer.coreInstance(writer.coreModule(module));
  for (const [name, type] of Object.entries(lifted)) {
    const index = writer.lift(writer.aliasCore("coreFunction", core, name), writer.type(type));
    writer.export("function", name, { index });
  }
  return writer.finish();
}

/** A component of a core module that exports `hoard: func()` and `answer: func() -> u32`. */
export function hoarderComponent(module: Uint8Array): Uint8Array<ArrayBuffer> {
  return liftAll(module, { hoard: functionOf([]), answer: functionOf([], primitive.u32) });
}

/** A component of a core module that exports `spin: func()` and `increment: func(value: u32) -> u32`. */
export function spinComponent(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const { u32: number } = primitive;
  return liftAll(module, { spin: functionOf([]), increment: functionOf([["value", number]], number) });
}
