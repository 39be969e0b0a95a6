import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../writer.ts";
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
  section,
  types,
  validModules,
  vector,
} from "../module-fixture.ts";
import { readCoreModuleType } from "./core-module.ts";

test("readCoreModuleType() tells the types of imports and of exports of every kind", () => {
  const globals = section(
    6,
    vector([0x7f, 0, 0x41, 0x80, 0x01, 0x0b], [0x7e, 1, 0x42, 0, 0x0b], [0x70, 0, 0xd2, 0, 0x0b]),
  );
  const bytes = moduleOf(
    types(functionType([i32], []), functionType([], [i32])),
    imports(importOf("m", "f", [0, 0])),
    functions(1),
    section(4, vector([0x70, 1, 1, 9])),
    memories([0, 2]),
    globals,
    exports(exportOf("f", 0, 1), exportOf("t", 1, 0), exportOf("m", 2, 0), exportOf("g", 3, 1), exportOf("r", 3, 2)),
    section(9, vector([0x03, 0x00, ...vector([0])])),
    code([0x41, 0]),
  );
  assert.ok(WebAssembly.validate(bytes));
  const type = readCoreModuleType(bytes);
  const nothing = { kind: "function", params: ["i32"], results: [] } as const;
  assert.deepEqual(type.imports, [{ module: "m", name: "f", type: { kind: "function", type: nothing } }]);
  assert.deepEqual(type.exports.get("f"), {
    kind: "function",
    type: { kind: "function", params: [], results: ["i32"] },
  });
  assert.deepEqual(type.exports.get("t"), { kind: "table", type: { element: "funcref", min: 1, max: 9, is64: false } });
  assert.equal(type.exports.get("m")?.kind, "memory");
  assert.deepEqual(type.exports.get("g"), { kind: "global", type: { value: "i64", mutable: true } });
  assert.deepEqual(type.exports.get("r"), { kind: "global", type: { value: "funcref", mutable: false } });
});

test("readCoreModuleType() writes types out that others refer to, also where they refer to themselves", () => {
  // (rec (type $0 (func (param (ref null $1)))) (type $1 (struct (field (ref null $0)))))
  const group = [0x4e, 2, 0x60, 1, 0x63, 1, 0, 0x5f, 1, 0x63, 0, 0];
  const bytes = moduleOf(types(group), imports(importOf("m", "f", [0, 0])));
  assert.ok(WebAssembly.validate(bytes));
  const [first] = readCoreModuleType(bytes).imports;
  const params = first?.type.kind === "function" ? first.type.type.params : [];
  assert.deepEqual(params, ["(ref null (struct (ref null (func (ref null rec.1) -> ))))"]);
});

test("readCoreModuleType() reads every module that V8 accepts, as long as no import is there twice", () => {
  for (const [what, bytes] of Object.entries(validModules)) {
    assert.equal(readCoreModuleType(bytes).kind, "core-module", what);
  }
});

test("readCoreModuleType() refuses exports of what is not there and names that are there twice", () => {
  const cases = [
    moduleOf(exports(exportOf("f", 0, 0))),
    moduleOf(exports(exportOf("g", 3, 0))),
    moduleOf(memories([0, 1]), exports(exportOf("m", 2, 0), exportOf("m", 2, 0))),
    moduleOf(types(functionType([], [])), imports(importOf("", "", [0, 0]), importOf("", "", [0, 0]))),
  ];
  for (const bytes of cases) assert.throws(() => readCoreModuleType(bytes), { code: "WASM_MALFORMED" });
});

test("readCoreModuleType() takes a time that does not grow with code and data", () => {
  const body = new Uint8Array(30_000_000);
  const data = new ByteWriter().u8(1).u8(0).u8(0x41).u8(0).u8(0x0b).u32(body.length);
  const head = moduleOf(memories([0, 1]), exports(exportOf("m", 2, 0)));
  const content = data.finish();
  const size = new ByteWriter()
    .u8(11)
    .u32(content.length + body.length)
    .finish();
  const bytes = Buffer.concat([head, size, content, body]);
  const start = performance.now();
  assert.equal(readCoreModuleType(bytes).exports.size, 1);
  const small = performance.now() - start;
  const copyStart = performance.now();
  for (let round = 0; round < 3; round += 1) bytes.slice(0).fill(1);
  const touching = performance.now() - copyStart;
  assert.ok(small < Math.max(touching, 5), `${small} ms, touching every byte three times takes ${touching} ms`);
});
