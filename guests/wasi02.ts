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
  i64,
  importOf,
  imports,
  memories,
  moduleOf,
  types,
  u32,
} from "../src/wasm/module-fixture.ts";

const { u8, u64 } = primitive;
const number = primitive.u32;
/** An alias of a type of the component around. */
const outer = (index: number): readonly number[] => declare.alias([0x03, 0x02, 0x01, ...u32(index)]);

/**
 * A component on WASI 0.2.0: `say`, and `wasi:cli/run`, writes "hell" to stdout (0 where that went well), `sleep` waits so many nanoseconds, `draw` answers a
 * random word, `leave` exits with a status, `spin` runs for ever; each by the host's functions and resources.
 */
export function wasi02Component(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const poll = writer.import("instance", "wasi:io/poll@0.2.0", extern.instance(writer.type(pollType)));
  const pollable = writer.alias("type", poll, "pollable");
  const clock = writer.import(
    "instance",
    "wasi:clocks/monotonic-clock@0.2.0",
    extern.instance(writer.type(makerType("subscribe-duration", [["when", u64]], pollable))),
  );
  const errors = writer.import("instance", "wasi:io/error@0.2.0", extern.instance(writer.type(errorType)));
  const error = writer.alias("type", errors, "error");
  const streams = writer.import("instance", "wasi:io/streams@0.2.0", extern.instance(writer.type(streamsType(error))));
  const stream = writer.alias("type", streams, "output-stream");
  const stdout = writer.import(
    "instance",
    "wasi:cli/stdout@0.2.0",
    extern.instance(writer.type(makerType("get-stdout", [], stream))),
  );
  const simple = (title: string, named: string, type: readonly number[]): number =>
    writer.import(
      "instance",
      title,
      extern.instance(writer.type(instanceType(declare.type(type), declare.export(named, extern.function(0))))),
    );
  const exit = simple("wasi:cli/exit@0.2.0", "exit-with-code", functionOf([["status-code", u8]]));
  const random = simple("wasi:random/random@0.2.0", "get-random-u64", functionOf([], u64));
  const memory = writer.coreInstance(writer.coreModule(memoryModule));
  const used = option.memory(writer.aliasCore("coreMemory", memory, "memory"));
  const lowered = (instance: number, name: string, ...options: (readonly number[])[]): number =>
    writer.lower(writer.alias("function", instance, name), ...options);
  const given = [
    lowered(clock, "subscribe-duration"),
    lowered(poll, "[method]pollable.block"),
    writer.builtin([0x03, ...u32(pollable)]),
    lowered(exit, "exit-with-code"),
    lowered(random, "get-random-u64"),
    lowered(stdout, "get-stdout"),
    lowered(streams, "[method]output-stream.blocking-write-and-flush", used),
  ];
  const host = writer.coreExports(...given.map((index, place) => [`f${place}`, at([0x00], index)] as const));
  const main = writer.coreInstance(writer.coreModule(mainModule), ["host", host], ["env", memory]);
  for (const [name, type] of [
    ["say", functionOf([], number)],
    ["sleep", functionOf([["nanoseconds", u64]])],
    ["draw", functionOf([], u64)],
    ["leave", functionOf([["status", number]])],
    ["spin", functionOf([])],
  ] as const)
    writer.export("function", name, {
      index: writer.lift(writer.aliasCore("coreFunction", main, name), writer.type(type)),
    });
  const run = writer.lift(writer.aliasCore("coreFunction", main, "say"), writer.type(functionOf([], succeeds(writer))));
  writer.export("instance", "wasi:cli/run@0.2.0", { index: writer.instanceOf(["run", at(sort.function, run)]) });
  return writer.finish();
}

const succeeds = (writer: ComponentWriter): readonly number[] => u32(writer.type(valueType.result()));

const pollType = instanceType(
  declare.export("pollable", extern.resource),
  declare.type(valueType.borrow(0)),
  declare.type(functionOf([["self", [1]]])),
  declare.export("[method]pollable.block", extern.function(2)),
);

const errorType = instanceType(declare.export("error", extern.resource));

/** An instance with one function that makes a resource of a type of the component's. */
function makerType(
  name: string,
  params: readonly (readonly [string, readonly number[]])[],
  resource: number,
): readonly number[] {
  return instanceType(
    outer(resource),
    declare.type(valueType.own(0)),
    declare.type(functionOf(params, [1])),
    declare.export(name, extern.function(2)),
  );
}

function streamsType(error: number): readonly number[] {
  return instanceType(
    outer(error),
    declare.type(valueType.own(0)),
    declare.type(valueType.variant(["last-operation-failed", [1]], ["closed", undefined])),
    declare.export("stream-error", extern.typeEqual(2)),
    declare.export("output-stream", extern.resource),
    declare.type(valueType.borrow(4)),
    declare.type(valueType.list(u8)),
    declare.type(valueType.result(undefined, [3])),
    declare.type(
      functionOf(
        [
          ["self", [5]],
          ["contents", [6]],
        ],
        [7],
      ),
    ),
    declare.export("[method]output-stream.blocking-write-and-flush", extern.function(8)),
  );
}

const memoryModule = moduleOf(memories([0, 1]), exports(exportOf("memory", 2, 0)));

/** `mem[64] = "hell"; f6(f5(), 64, 4, 32); mem8[32]`. */
const sayCode = [
  0x41, 0xc0, 0, 0x41, 0xe8, 0xca, 0xb1, 0xe3, 0x06, 0x36, 2, 0, 0x10, 5, 0x41, 0xc0, 0, 0x41, 4, 0x41, 32, 0x10, 6,
  0x41, 32, 0x2d, 0, 0,
];

/** `mem[0] = f0(nanoseconds); f1(mem[0]); f2(mem[0])`. */
const sleepCode = [0x41, 0, 0x20, 0, 0x10, 0, 0x36, 2, 0, 0x41, 0, 0x28, 2, 0, 0x10, 1, 0x41, 0, 0x28, 2, 0, 0x10, 2];

const mainModule = moduleOf(
  types(
    functionType([i64], [i32]),
    functionType([i32], []),
    functionType([], [i64]),
    functionType([], [i32]),
    functionType([i32, i32, i32, i32], []),
    functionType([i64], []),
    functionType([], []),
  ),
  imports(
    importOf("env", "memory", [2, 0, 1]),
    ...[0, 1, 1, 1, 2, 3, 4].map((type, index) => importOf("host", `f${index}`, [0, type])),
  ),
  functions(3, 5, 2, 1, 6),
  exports(
    exportOf("say", 0, 7),
    exportOf("sleep", 0, 8),
    exportOf("draw", 0, 9),
    exportOf("leave", 0, 10),
    exportOf("spin", 0, 11),
  ),
  code(sayCode, sleepCode, [0x10, 4], [0x20, 0, 0x10, 3], [0x03, 0x40, 0x0c, 0, 0x0b]),
);
