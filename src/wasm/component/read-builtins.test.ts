import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Bytes, exportOf, exports, functionType, i32, moduleOf, section, u32, vector } from "../module-fixture.ts";
import { ComponentWriter, coreModuleWith, option, primitive, valueType } from "./component-fixture.ts";
import { decodeComponent, type DecodeComponentOptions } from "./decode.ts";
import { printCoreFunction } from "./print.ts";

/** A component with a memory, a realloc, a table, a function type for threads, a stream and a future, and the built-in. */
function withBuiltin(content: Bytes): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const instance = writer.coreInstance(writer.coreModule(coreModuleWith({})));
  writer.aliasCore("coreMemory", instance, "memory");
  writer.aliasCore("coreFunction", instance, "realloc");
  const table = moduleOf(section(4, vector([0x70, 0, 1])), exports(exportOf("t", 1, 0)));
  const tables = writer.coreInstance(writer.coreModule(table));
  writer.section(6, vector([0x00, 0x01, 0x01, ...u32(tables), 1, 0x74]));
  writer.coreType(functionType([i32], []));
  writer.type(valueType.stream(primitive.string));
  writer.type(valueType.future(primitive.u8));
  writer.builtin(content);
  return writer.finish();
}

function decode(content: Bytes, options?: DecodeComponentOptions) {
  const definition = decodeComponent(withBuiltin(content), options).definitions.at(-1);
  assert.ok(definition?.kind === "builtin");
  return definition;
}

const memory = vector(option.memory(0));
const transfer = vector(option.memory(0), option.realloc(0), option.async);

describe("canonical built-ins", () => {
  const table: readonly (readonly [name: string, bytes: Bytes, coreType: string])[] = [
    ["backpressure.inc", [0x24], "(func)"],
    ["backpressure.dec", [0x25], "(func)"],
    ["task.return", [0x09, 0, 0x73, ...memory], "(func (param i32 i32))"],
    ["task.return", [0x09, 1, 0, 0], "(func)"],
    ["task.cancel", [0x05], "(func)"],
    ["context.get", [0x0a, i32, 1], "(func (result i32))"],
    ["context.set", [0x0b, i32, 0], "(func (param i32))"],
    ["subtask.cancel", [0x06, 1], "(func (param i32) (result i32))"],
    ["subtask.drop", [0x0d], "(func (param i32))"],
    ["stream.new", [0x0e, 0], "(func (result i64))"],
    ["stream.read", [0x0f, 0, ...transfer], "(func (param i32 i32 i32) (result i32))"],
    ["stream.write", [0x10, 0, ...transfer], "(func (param i32 i32 i32) (result i32))"],
    ["stream.cancel-read", [0x11, 0, 0], "(func (param i32) (result i32))"],
    ["stream.cancel-write", [0x12, 0, 1], "(func (param i32) (result i32))"],
    ["stream.drop-readable", [0x13, 0], "(func (param i32))"],
    ["stream.drop-writable", [0x14, 0], "(func (param i32))"],
    ["future.new", [0x15, 1], "(func (result i64))"],
    ["future.read", [0x16, 1, ...memory], "(func (param i32 i32) (result i32))"],
    ["future.write", [0x17, 1, ...memory], "(func (param i32 i32) (result i32))"],
    ["future.cancel-read", [0x18, 1, 0], "(func (param i32) (result i32))"],
    ["future.cancel-write", [0x19, 1, 0], "(func (param i32) (result i32))"],
    ["future.drop-readable", [0x1a, 1], "(func (param i32))"],
    ["future.drop-writable", [0x1b, 1], "(func (param i32))"],
    ["error-context.new", [0x1c, ...memory], "(func (param i32 i32) (result i32))"],
    ["error-context.debug-message", [0x1d, ...vector(option.memory(0), option.realloc(0))], "(func (param i32 i32))"],
    ["error-context.drop", [0x1e], "(func (param i32))"],
    ["waitable-set.new", [0x1f], "(func (result i32))"],
    ["waitable-set.wait", [0x20, 1, 0], "(func (param i32 i32) (result i32))"],
    ["waitable-set.poll", [0x21, 0, 0], "(func (param i32 i32) (result i32))"],
    ["waitable-set.drop", [0x22], "(func (param i32))"],
    ["waitable.join", [0x23], "(func (param i32 i32))"],
    ["thread.index", [0x26], "(func (result i32))"],
    ["thread.new-indirect", [0x27, 0, 0], "(func (param i32 i32) (result i32))"],
    ["thread.resume-later", [0x28], "(func (param i32))"],
    ["thread.suspend", [0x29, 0], "(func (result i32))"],
    ["thread.yield", [0x0c, 1], "(func (result i32))"],
    ["thread.suspend-then-resume", [0x2a, 0], "(func (param i32) (result i32))"],
    ["thread.yield-then-resume", [0x2b, 0], "(func (param i32) (result i32))"],
    ["thread.suspend-then-promote", [0x2c, 0], "(func (param i32) (result i32))"],
    ["thread.yield-then-promote", [0x2d, 0], "(func (param i32) (result i32))"],
  ];
  for (const [name, bytes, coreType] of table) {
    test(`decodeComponent() gives ${name} (0x${(bytes[0] ?? 0).toString(16)}) the type ${coreType}`, () => {
      const definition = decode(bytes);
      assert.deepEqual([definition.name, printCoreFunction(definition.coreType)], [name, coreType]);
    });
  }

  test("those of threads that share everything have to be allowed", () => {
    assert.throws(() => decode([0x42, 1]), { code: "COMPONENT_FEATURE", message: /"shared-everything-threads"/ });
    const features = ["shared-everything-threads"] as const;
    const names = [
      [0x40, 0, 0],
      [0x41, 0, 0, 0],
      [0x42, 0],
    ].map((bytes) => decode(bytes, { features }).name);
    assert.deepEqual(names, ["thread.spawn-ref", "thread.spawn-indirect", "thread.available-parallelism"]);
  });

  const broken: readonly (readonly [what: string, bytes: Bytes, message: RegExp])[] = [
    ["a context slot that does not exist", [0x0a, i32, 2], /context\.get of slot 2, there are 2/],
    ["a stream where a future is wanted", [0x16, 0, ...memory], /type 0 is stream<string>, wanted a future/],
    ["a read of strings without realloc", [0x0f, 0, ...vector(option.memory(0), option.async)], /realloc is needed/],
    ["a write of values without a memory", [0x17, 1, ...vector(option.async)], /the option memory is needed/],
    ["an option that it does not take", [0x09, 1, 0, ...vector(option.async)], /the option async has no place here/],
    ["an option twice", [0x1c, ...vector(option.memory(0), option.memory(0))], /the option memory is given twice/],
    ["a memory that does not exist", [0x20, 0, 9], /core memory 9 does not exist, 1 do/],
  ];
  for (const [what, bytes, message] of broken) {
    test(`decodeComponent() refuses a built-in with ${what}`, () => {
      assert.throws(() => decode(bytes), { code: "COMPONENT_INVALID", message });
    });
  }

  test("an asynchronous cancel and a read that waits have to be allowed", () => {
    for (const bytes of [
      [0x06, 1],
      [0x16, 1, ...memory],
    ]) {
      assert.throws(() => decode(bytes, { features: [] }), { code: "COMPONENT_FEATURE", message: /"async-builtins"/ });
    }
  });
});
