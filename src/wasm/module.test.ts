import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { SampanError } from "../base/index.ts";
import {
  type Bytes,
  code,
  componentOf,
  custom,
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  importOf,
  imports,
  memories,
  moduleOf,
  name,
  section,
  sized,
  types,
  u32,
  validModules,
  vector,
} from "./module-fixture.ts";
import { readModule } from "./module.ts";
import { sectionId } from "./sections.ts";

const sample = (title: string): Uint8Array<ArrayBuffer> => {
  const bytes = validModules[title];
  assert.ok(bytes, title);
  return bytes;
};

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof SampanError && error.code === code;

describe("readModule()", () => {
  for (const [title, bytes] of Object.entries(validModules)) {
    test(`agrees with V8 on the imports and exports of ${title}`, () => {
      const module = new WebAssembly.Module(bytes);
      const info = readModule(bytes);
      assert.deepEqual(
        info.imports.map((item) => ({ module: item.module, name: item.name, kind: item.kind })),
        WebAssembly.Module.imports(module).map((item) => ({
          module: item.module,
          name: item.name,
          kind: item.kind,
        })),
      );
      assert.deepEqual(
        info.exports.map((item) => ({ name: item.name, kind: item.kind })),
        WebAssembly.Module.exports(module).map((item) => ({ name: item.name, kind: item.kind })),
      );
    });
  }

  test("gives the types of functions that are imported and exported", () => {
    const info = readModule(sample("imports of every kind"));
    const type = { kind: "function", params: ["i64"], results: [] };
    assert.deepEqual(info.imports[0], {
      module: "env",
      name: "f",
      kind: "function",
      typeIndex: 0,
      type,
    });
    assert.deepEqual(info.exports[0], { name: "f", kind: "function", index: 0, type });
    assert.deepEqual(readModule(sample("a function that adds")).exports, [
      {
        name: "add",
        kind: "function",
        index: 0,
        type: { kind: "function", params: ["i32", "i32"], results: ["i32"] },
      },
    ]);
  });

  test("gives the types of tables, memories, globals and tags that are imported, and the start function", () => {
    const info = readModule(sample("imports of every kind"));
    assert.deepEqual(
      info.imports.slice(1, 5).map((item) => item.type),
      [
        { element: "funcref", min: 1, max: 8, is64: false },
        { min: 1, max: 4, shared: false, is64: false, pageSize: 65_536 },
        { value: "i32", mutable: true },
        { kind: "function", params: ["i64"], results: [] },
      ],
    );
    assert.deepEqual([info.start, info.functionCount, info.features], [1, 2, ["exceptions"]]);
  });

  test("flattens recursion groups and reads structures, arrays and references", () => {
    const info = readModule(sample("a recursion group of structures, arrays and sub types"));
    assert.deepEqual(
      info.types.map((type) => type.kind),
      ["struct", "array", "struct", "function", "function"],
    );
    assert.deepEqual(info.types[1], {
      kind: "array",
      element: { storage: "(ref 0)", mutable: true },
    });
    assert.deepEqual(info.types[3], {
      kind: "function",
      params: ["(ref any)", "(ref null 2)", "structref", "i31ref", "eqref", "nullref"],
      results: ["(ref null func)"],
    });
    assert.deepEqual(info.features, ["gc"]);
    assert.equal(info.exports[0]?.type, info.types[4]);
  });

  test("lists memories with imported ones first, and names what they need", () => {
    const info = readModule(sample("several memories"));
    assert.deepEqual(
      info.memories.map(({ min, max, shared, is64, imported }) => [min, max, shared, is64, imported]),
      [
        [1, undefined, false, false, true],
        [1, undefined, false, false, false],
        [2, 3, false, false, false],
        [1, undefined, false, true, false],
        [1, 2, true, false, false],
      ],
    );
    assert.deepEqual(info.features, ["memory64", "multi-memory", "shared-memory"]);
  });

  test("reads memories of other page sizes, continuations and compact imports, which V8 does not run", () => {
    const info = readModule(
      moduleOf(
        types(functionType([], []), [0x5d, 0], functionType([0x68, 0x67], [])),
        imports(
          [...name("env"), ...name(""), 0x7f, ...vector([...name("a"), 0, 0], [...name("m"), 2, 8, 1, 0])],
          [...name("lib"), ...name(""), 0x7e, 0, 0, ...vector(name("b"), name("c"))],
        ),
      ),
    );
    assert.deepEqual(
      info.imports.map((item) => `${item.module}.${item.name} ${item.kind}`),
      ["env.a function", "env.m memory", "lib.b function", "lib.c function"],
    );
    assert.deepEqual([info.memories[0]?.pageSize, info.functionCount], [1, 3]);
    assert.deepEqual(info.types[1], { kind: "continuation", functionType: "0" });
    assert.deepEqual(info.types[2], {
      kind: "function",
      params: ["contref", "stringref"],
      results: [],
    });
    for (const feature of ["compact-imports", "custom-page-sizes", "stack-switching", "stringref"] as const) {
      assert.ok(info.features.includes(feature), feature);
    }
  });

  test("reads producers and target features", () => {
    const field = (title: string, ...items: (readonly [string, string])[]): Bytes => [
      ...name(title),
      ...vector(...items.map(([tool, version]) => [...name(tool), ...name(version)])),
    ];
    const info = readModule(
      moduleOf(
        custom(
          "producers",
          vector(field("language", ["C11", ""]), field("processed-by", ["clang", "22"]), field("other")),
        ),
        custom(
          "target_features",
          vector([0x2b, ...name("simd128")], [0x2d, ...name("atomics")], [0x2b, ...name("bulk")]),
        ),
        custom("tail", [1, 2, 3]),
      ),
    );
    assert.deepEqual(info.producers, {
      language: [{ name: "C11", version: "" }],
      processedBy: [{ name: "clang", version: "22" }],
      sdk: [],
    });
    assert.deepEqual(info.targetFeatures, ["bulk", "simd128"]);
    assert.deepEqual(info.customSections.at(-1), { name: "tail", size: 3 });
    assert.equal(info.hasDebugInfo, false);
  });

  test("reads function names when asked, and survives a broken name section", () => {
    const info = readModule(sample("a function that adds"));
    assert.deepEqual([info.moduleName, info.functionName(0), info.functionName(1)], ["adder", "add", undefined]);
    const cut = vector([0, ...name("first")], [1, ...name("second")]).slice(0, -1);
    const broken = readModule(moduleOf(custom("name", [1, ...sized(cut)])));
    assert.deepEqual([broken.functionName(0), broken.functionName(1)], ["first", undefined]);
    const odd = readModule(sample("long forms of integers and odd custom sections"));
    assert.deepEqual([odd.moduleName, odd.functionName(0), odd.hasDebugInfo], [undefined, undefined, true]);
    assert.deepEqual([odd.memories[0]?.min, odd.memories[0]?.max], [1, 2]);
  });

  test("gives the number of data segments", () => {
    assert.equal(readModule(sample("tables, globals, elements and data")).dataCount, 1);
  });

  test("goes over code and data without a look at them", () => {
    const info = readModule(
      moduleOf(
        types(functionType([], [i32])),
        functions(0),
        exports(exportOf("f", 0, 0)),
        section(sectionId.code, [0xff, 0xff, 0xff]),
        section(sectionId.data, [0xff]),
      ),
    );
    assert.equal(info.exports.length, 1);
  });

  for (const [title, bytes] of [
    ["no magic number", Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])],
    ["a version that does not exist", Uint8Array.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0])],
    ["a preamble cut short", Uint8Array.from([0, 0x61, 0x73, 0x6d, 1])],
    ["a section past the end", moduleOf([sectionId.code, ...u32(100), 1])],
    ["a repeated section", moduleOf(memories([0, 1]), memories([0, 1]))],
    ["sections out of order", moduleOf(memories([0, 1]), functions())],
    ["an unknown section", moduleOf(section(14, []))],
    ["bytes left over in a section", moduleOf(section(sectionId.memory, [...vector([0, 1]), 0]))],
    ["an import of a type that does not exist", moduleOf(imports(importOf("a", "b", [0, 0])))],
    [
      "an import of a function with a structure's type",
      moduleOf(types([0x5f, 0]), imports(importOf("a", "b", [0, 0]))),
    ],
    ["an export of a function that does not exist", moduleOf(exports(exportOf("f", 0, 0)))],
    ["unknown memory flags", moduleOf(memories([0x10, 1]))],
    ["an import name that is not UTF-8", moduleOf(imports([1, 0xff, ...name("b"), 2, 0, 1]))],
    ["a custom section's name that is not UTF-8", moduleOf(section(sectionId.custom, [1, 0xff]))],
    ["an endless list that is not there", moduleOf(section(sectionId.type, [0xff, 0xff, 0xff, 0xff, 0x0f]))],
    ["code without a body where an import wants a kind", moduleOf(imports(importOf("a", "b", [9, 0])), code())],
  ] as const) {
    test(`refuses ${title}, as V8 does`, () => {
      assert.throws(() => readModule(bytes), hasCode("WASM_MALFORMED"));
      assert.equal(WebAssembly.validate(bytes), false);
    });
  }

  test("refuses a component, and more definitions than engines take", () => {
    assert.throws(() => readModule(componentOf()), hasCode("WASM_FEATURE"));
    const many = new Uint8Array(1_000_020);
    many.set(moduleOf([sectionId.function, ...u32(1_000_004), ...u32(1_000_001)]));
    assert.throws(() => readModule(many), hasCode("WASM_FEATURE"));
    const wide = moduleOf(types([0x60, ...u32(1001), ...Array<number>(1001).fill(i32), 0]));
    assert.throws(() => readModule(wide), hasCode("WASM_FEATURE"));
    const large = moduleOf(
      types([
        0x5f,
        ...u32(10_001),
        ...Array<number>(20_002)
          .fill(0)
          .map((_, at) => (at % 2 ? 0 : i32)),
      ]),
    );
    assert.throws(() => readModule(large), hasCode("WASM_FEATURE"));
    for (const bytes of [wide, large]) assert.equal(WebAssembly.validate(bytes), false);
  });
});

test("readModule() agrees with V8 on a real module that imports and re-exports", (context) => {
  const file = new URL("../../node_modules/@yowasp/clang/gen/llvm.core2.wasm", import.meta.url);
  if (!existsSync(file)) {
    context.skip("@yowasp/clang is not installed");
    return;
  }
  const bytes = readFileSync(file);
  const module = new WebAssembly.Module(bytes);
  const info = readModule(bytes);
  assert.ok(info.exports.length > 0);
  assert.deepEqual(
    info.exports.map((item) => `${item.kind} ${item.name}`),
    WebAssembly.Module.exports(module).map((item) => `${item.kind} ${item.name}`),
  );
  assert.deepEqual(
    info.imports.map((item) => `${item.kind} ${item.module} ${item.name}`),
    WebAssembly.Module.imports(module).map((item) => `${item.kind} ${item.module} ${item.name}`),
  );
});
