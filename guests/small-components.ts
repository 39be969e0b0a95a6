import {
  at,
  ComponentWriter,
  declare,
  extern,
  functionOf,
  instanceType,
  option,
  primitive,
  valueType,
} from "../src/wasm/component/component-fixture.ts";
import {
  type Bytes,
  code,
  end,
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  i64,
  importOf,
  imports,
  memories,
  moduleOf,
  name,
  section,
  types,
  u32,
  vector,
} from "../src/wasm/module-fixture.ts";
import { sectionId } from "../src/wasm/sections.ts";

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
 * Imports `test:host/calls` with `text: func(text: string)` and `bytes: func(bytes: list<u8>)`; exports `tell-text: func(times: u32)` and
 * `tell-bytes: func(times: u32)`, which call them that often, with 20 bytes and with 64 KiB.
 */
export function tellingComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const host = writer.import(
    "instance",
    "test:host/calls",
    extern.instance(
      writer.type(
        instanceType(
          declare.type(functionOf([["text", primitive.string]])),
          declare.export("text", extern.function(0)),
          declare.type(valueType.list(primitive.u8)),
          declare.type(functionOf([["bytes", [1]]])),
          declare.export("bytes", extern.function(2)),
        ),
      ),
    ),
  );
  const data = section(sectionId.data, vector([0, 0x41, 0, end, ...name("twenty bytes of text")]));
  const memory = writer.coreInstance(
    writer.coreModule(moduleOf(memories([0, 2]), exports(exportOf("memory", 2, 0)), data)),
  );
  const inMemory = option.memory(writer.aliasCore("coreMemory", memory, "memory"));
  const lowered = (title: string): Bytes => at([0x00], writer.lower(writer.alias("function", host, title), inMemory));
  const calls = writer.coreExports(["text", lowered("text")], ["bytes", lowered("bytes")]);
  const often = (call: number, length: number): Bytes =>
    // loop: call(0, length), until the count is down to 0
    [0x03, 0x40, 0x41, 0, 0x41, ...u32(length), 0x10, call, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, end];
  const core = writer.coreInstance(
    writer.coreModule(
      moduleOf(
        types(functionType([i32, i32], []), functionType([i32], [])),
        imports(importOf("host", "text", [0, 0]), importOf("host", "bytes", [0, 0])),
        functions(1, 1),
        exports(exportOf("tell-text", 0, 2), exportOf("tell-bytes", 0, 3)),
        code(often(0, 20), often(1, 65_536)),
      ),
    ),
    ["host", calls],
  );
  for (const title of ["tell-text", "tell-bytes"]) {
    const type = writer.type(functionOf([["times", primitive.u32]]));
    writer.export("function", title, { index: writer.lift(writer.aliasCore("coreFunction", core, title), type) });
  }
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
