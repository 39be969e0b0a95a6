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
  code,
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
  types,
} from "../src/wasm/module-fixture.ts";

const { string, s64 } = primitive;

/**
 * A component on drafts: `read` answers the configuration value of a key (`wasi:config/store@0.2.0-rc.1`), `count` opens a store and
 * adds to a key of the same name in it (`wasi:keyvalue` 0.2.0-draft2): the sum, or -1 where the store cannot be opened; `tell` logs
 * a text (`wasi:logging/logging`).
 */
export function draftsComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const config = writer.import("instance", "wasi:config/store@0.2.0-rc.1", extern.instance(writer.type(configType)));
  const store = writer.import("instance", "wasi:keyvalue/store@0.2.0-draft2", extern.instance(writer.type(storeType)));
  const bucket = writer.alias("type", store, "bucket");
  const error = writer.alias("type", store, "error");
  const atomics = writer.import(
    "instance",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    extern.instance(writer.type(atomicsType(bucket, error))),
  );
  const logging = writer.import("instance", "wasi:logging/logging", extern.instance(writer.type(loggingType)));
  const memory = writer.coreInstance(writer.coreModule(memoryModule));
  const options = [
    option.memory(writer.aliasCore("coreMemory", memory, "memory")),
    option.realloc(writer.aliasCore("coreFunction", memory, "realloc")),
  ];
  const lowered = (instance: number, name: string): number =>
    writer.lower(writer.alias("function", instance, name), ...options);
  const given = [
    lowered(config, "get"),
    lowered(store, "open"),
    lowered(atomics, "increment"),
    lowered(logging, "log"),
    writer.builtin([0x03, bucket]),
  ];
  const host = writer.coreExports(...given.map((index, place) => [`f${place}`, at([0x00], index)] as const));
  const main = writer.coreInstance(writer.coreModule(mainModule), ["host", host], ["env", memory]);
  const text = writer.type(valueType.option(string));
  const failure = writer.alias("type", config, "error");
  const result = writer.type(valueType.result([text], [failure]));
  for (const [name, type] of [
    ["read", functionOf([["key", string]], [result])],
    ["count", functionOf([["name", string]], s64)],
    ["tell", functionOf([["text", string]])],
  ] as const)
    writer.export("function", name, {
      index: writer.lift(writer.aliasCore("coreFunction", main, name), writer.type(type), ...options),
    });
  return writer.finish();
}

/** An alias of a type of the component around. */
const outer = (index: number): readonly number[] => declare.alias([0x03, 0x02, 0x01, index]);

const configType = instanceType(
  declare.type(valueType.variant(["upstream", string], ["io", string])),
  declare.export("error", extern.typeEqual(0)),
  declare.type(valueType.option(string)),
  declare.type(valueType.result([2], [1])),
  declare.type(functionOf([["key", string]], [3])),
  declare.export("get", extern.function(4)),
);

const storeType = instanceType(
  declare.export("bucket", extern.resource),
  declare.type(valueType.variant(["no-such-store", undefined], ["access-denied", undefined], ["other", string])),
  declare.export("error", extern.typeEqual(1)),
  declare.type(valueType.own(0)),
  declare.type(valueType.result([3], [2])),
  declare.type(functionOf([["identifier", string]], [4])),
  declare.export("open", extern.function(5)),
);

function atomicsType(bucket: number, error: number): readonly number[] {
  return instanceType(
    outer(bucket),
    outer(error),
    declare.type(valueType.borrow(0)),
    declare.type(valueType.result(s64, [1])),
    declare.type(
      functionOf(
        [
          ["bucket", [2]],
          ["key", string],
          ["delta", s64],
        ],
        [3],
      ),
    ),
    declare.export("increment", extern.function(4)),
  );
}

const loggingType = instanceType(
  declare.type(valueType.enum("trace", "debug", "info", "warn", "error", "critical")),
  declare.export("level", extern.typeEqual(0)),
  declare.type(
    functionOf([
      ["level", [1]],
      ["context", string],
      ["message", string],
    ]),
  ),
  declare.export("log", extern.function(2)),
);

/** `realloc` gives each piece the next room: a test's calls do not fill a page. */
const memoryModule = moduleOf(
  types(functionType([i32, i32, i32, i32], [i32])),
  functions(0),
  memories([0, 1]),
  // A global would have to be aligned as well: the next free place is kept at 8.
  exports(exportOf("memory", 2, 0), exportOf("realloc", 0, 0)),
  // `at = mem[8] + 4096; mem[8] += (size + 15) & -16; at`
  code([
    0x41, 8, 0x28, 2, 0, 0x41, 0x80, 0x20, 0x6a, 0x41, 8, 0x41, 8, 0x28, 2, 0, 0x20, 3, 0x41, 15, 0x6a, 0x41, 0x70,
    0x71, 0x6a, 0x36, 2, 0,
  ]),
);

/** `f0(key, length, 64); 64`. */
const readCode = [0x20, 0, 0x20, 1, 0x41, 0xc0, 0, 0x10, 0, 0x41, 0xc0, 0];

/** `f1(name, length, 64); if (mem8[64]) return -1; f2(mem[68], name, length, 1, 128); f4(mem[68]); mem64[136]`. */
const countCode = [
  0x20, 0, 0x20, 1, 0x41, 0xc0, 0, 0x10, 1, 0x41, 0xc0, 0, 0x2d, 0, 0, 0x04, 0x40, 0x42, 0x7f, 0x0f, 0x0b, 0x41, 0xc4,
  0, 0x28, 2, 0, 0x20, 0, 0x20, 1, 0x42, 1, 0x41, 0x80, 1, 0x10, 2, 0x41, 0xc4, 0, 0x28, 2, 0, 0x10, 4, 0x41, 0x88, 1,
  0x29, 3, 0,
];

/** `f3(warn, 0, 0, text, length)`. */
const tellCode = [0x41, 3, 0x41, 0, 0x41, 0, 0x20, 0, 0x20, 1, 0x10, 3];

const mainModule = moduleOf(
  types(
    functionType([i32, i32, i32], []),
    functionType([i32, i32, i32, i64, i32], []),
    functionType([i32, i32, i32, i32, i32], []),
    functionType([i32], []),
    functionType([i32, i32], [i32]),
    functionType([i32, i32], [i64]),
    functionType([i32, i32], []),
  ),
  imports(
    importOf("env", "memory", [2, 0, 1]),
    ...[0, 0, 1, 2, 3].map((type, index) => importOf("host", `f${index}`, [0, type])),
  ),
  functions(4, 5, 6),
  exports(exportOf("read", 0, 5), exportOf("count", 0, 6), exportOf("tell", 0, 7)),
  code(readCode, countCode, tellCode),
);
