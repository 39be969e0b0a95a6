import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { name, sized } from "../module-fixture.ts";
import {
  at,
  componentType,
  componentWith,
  coreModuleWith,
  declare,
  extern,
  functionOf,
  instanceType,
  option,
  primitive,
  sort,
  typeAt,
  valueType,
} from "./component-fixture.ts";
import { decodeComponent } from "./decode.ts";
import type { ComponentDefinition, Definition } from "./definitions.ts";
import type { ExternType, InstanceType, ResourceType } from "./types.ts";

const i32 = 0x7f;

function invalid(bytes: Uint8Array, message: RegExp, code = "COMPONENT_INVALID"): void {
  assert.throws(() => decodeComponent(bytes), { code, message });
}

function only<Kind extends Definition["kind"]>(
  component: ComponentDefinition,
  kind: Kind,
): Definition & { readonly kind: Kind } {
  const found = component.definitions.find((one): one is Definition & { readonly kind: Kind } => one.kind === kind);
  assert.ok(found !== undefined, kind);
  return found;
}

function resourceOf(extern: ExternType | undefined): ResourceType {
  assert.ok(extern?.kind === "type" && extern.type.kind === "resource");
  return extern.type;
}

/** A component that exports a resource type and a function that makes one. */
const maker = componentWith((writer) => {
  const instance = writer.coreInstance(writer.coreModule(coreModuleWith({ make: [[], [i32]] })));
  const core = writer.aliasCore("coreFunction", instance, "make");
  const resource = writer.export("type", "thing", { index: writer.resource() });
  const type = writer.type(functionOf([], typeAt(writer.type(valueType.own(resource)))));
  writer.export("function", "make", { index: writer.lift(core, type) });
});

describe("decodeComponent()", () => {
  test("lists definitions in the order of the binary, core modules as views", () => {
    const bytes = componentWith((writer) => {
      const module = writer.coreModule(coreModuleWith({ f: [[i32, i32], []] }));
      const instance = writer.coreInstance(module);
      const core = writer.aliasCore("coreFunction", instance, "f");
      const memory = writer.aliasCore("coreMemory", instance, "memory");
      const realloc = writer.aliasCore("coreFunction", instance, "realloc");
      const type = writer.type(functionOf([["text", primitive.string]]));
      const options = [option.utf16, option.memory(memory), option.realloc(realloc)];
      writer.export("function", "f", { index: writer.lift(core, type, ...options) });
      writer.section(0, [...name("component-name"), 0, ...sized(name("mine"))]);
    });
    const component = decodeComponent(bytes);
    const kinds = component.definitions.map((one) => one.kind);
    const aliases = ["alias-core-export", "alias-core-export", "alias-core-export"];
    assert.deepEqual(kinds, ["core-module", "core-instance-instantiate", ...aliases, "type", "lift", "export"]);
    assert.equal(only(component, "core-module").bytes.buffer, bytes.buffer);
    assert.deepEqual(only(component, "lift").options, {
      stringEncoding: "utf16",
      memory: 0,
      realloc: 1,
      postReturn: undefined,
      callback: undefined,
      isAsync: false,
      memoryIs64: false,
    });
    assert.deepEqual([...component.type.exports.keys()], ["f"]);
    assert.equal(component.name, "mine");
    assert.deepEqual(component.customSections, [{ name: "component-name", size: 7 }]);
    assert.deepEqual(component.range, { start: 0, end: bytes.length });
  });

  test("gives each instantiation resource types of its own, which its functions mention", () => {
    const component = decodeComponent(
      componentWith((writer) => {
        const inner = writer.component(maker);
        writer.instance(inner);
        writer.instance(inner);
      }),
    );
    const types = component.definitions.flatMap((one): InstanceType[] =>
      one.kind === "instance-instantiate" ? [one.type] : [],
    );
    const resources = types.map((type) => resourceOf(type.exports.get("thing")));
    assert.equal(new Set(resources).size, 2);
    for (const [index, type] of types.entries()) {
      const make = type.exports.get("make");
      const result = make?.kind === "function" ? make.type.result : undefined;
      assert.equal(result?.kind === "own" && result.resource, resources[index]);
    }
    const inside = only(component, "component").component;
    const defined = only(inside, "type").type;
    assert.equal(resourceOf(inside.type.exports.get("thing")), defined);
    assert.equal(defined.kind === "resource" && defined.name, "thing");
    assert.ok(resources.every((resource) => resource.definition === undefined && resource.name === "thing"));
  });

  test("puts the resource types of arguments in the place of those of imports", () => {
    const inner = componentWith((writer) => {
      const resource = writer.import("type", "r", extern.resource);
      const own = typeAt(writer.type(valueType.own(resource)));
      const func = writer.import("function", "f", extern.function(writer.type(functionOf([], own))));
      writer.export("function", "g", { index: func });
    });
    const outer = (isRight: boolean) =>
      componentWith((writer) => {
        const component = writer.component(inner);
        const mine = writer.import("type", "mine", extern.resource);
        const other = writer.import("type", "other", extern.resource);
        const own = typeAt(writer.type(valueType.own(mine)));
        const func = writer.import("function", "f", extern.function(writer.type(functionOf([], own))));
        const given = isRight ? mine : other;
        const instance = writer.instance(component, ["r", at(sort.type, given)], ["f", at(sort.function, func)]);
        writer.export("function", "g", { index: writer.alias("function", instance, "g") });
      });
    const { type } = decodeComponent(outer(true));
    const g = type.exports.get("g");
    const result = g?.kind === "function" ? g.type.result : undefined;
    assert.equal(result?.kind === "own" && result.resource, resourceOf(type.imports.get("mine")));
    invalid(outer(false), /instance 0: argument "f" is func\(\) -> own<mine>, wanted func\(\) -> own<r>/);
  });

  test("gives each import of an instance type resource types of its own, and exports the first name as the new one", () => {
    const { type } = decodeComponent(
      componentWith((writer) => {
        const interfaceType = writer.type(instanceType(declare.export("r", extern.resource)));
        writer.import("instance", "a:b/one", extern.instance(interfaceType));
        writer.import("instance", "a:b/two", extern.instance(interfaceType));
        const resource = writer.resource();
        writer.export("type", "x", { index: resource });
        writer.export("type", "y", { index: resource });
        writer.export("type", "z", { index: resource, type: extern.resource });
      }),
    );
    const imported = [...type.imports.values()].map((one) =>
      resourceOf(one.kind === "instance" ? one.type.exports.get("r") : undefined),
    );
    assert.notEqual(imported[0], imported[1]);
    const isFresh = [...type.exports.values()].map((one) => one.kind === "type" && one.isFresh);
    assert.deepEqual(isFresh, [true, false, true]);
    assert.equal(resourceOf(type.exports.get("x")), resourceOf(type.exports.get("y")));
    assert.notEqual(resourceOf(type.exports.get("x")), resourceOf(type.exports.get("z")));
  });

  test("names the path through nested components and both types", () => {
    const inner = componentWith((writer) => {
      const interfaceType = writer.type(
        instanceType(declare.type(functionOf([["x", primitive.u32]])), declare.export("f", extern.function(0))),
      );
      writer.import("instance", "a:b/c@0.2.0", extern.instance(interfaceType));
    });
    const middle = componentWith((writer) => {
      const component = writer.component(inner);
      const interfaceType = writer.type(
        instanceType(declare.type(functionOf([], primitive.string)), declare.export("f", extern.function(0))),
      );
      const given = writer.import("instance", "a:b/c@0.2.0", extern.instance(interfaceType));
      writer.instance(component, ["a:b/c@0.2.0", at(sort.instance, given)]);
    });
    invalid(
      componentWith((writer) => void writer.component(middle)),
      /: component 0 › instance 1: argument "a:b\/c@0\.2\.0" export "f" is func\(\) -> string, wanted func\(x: u32\)$/,
    );
  });

  test("keeps a component's resource types from outer aliases inside of it", () => {
    const bytes = (crosses: boolean) =>
      componentWith((writer) => {
        writer.type(crosses ? valueType.own(writer.resource()) : valueType.list(primitive.u8));
        writer.component(componentWith((nested) => void nested.aliasOuter("type", 1, crosses ? 1 : 0)));
      });
    assert.equal(decodeComponent(bytes(false)).definitions.length, 2);
    invalid(bytes(true), /component 0 › alias: outer type 1 mentions a resource type of another component/);
  });

  test("refuses functions that mention records and resources without a name", () => {
    const withRecord = (isNamed: boolean) =>
      componentWith((writer) => {
        const record = writer.type(valueType.record(["x", primitive.u32]));
        const index = isNamed ? writer.import("type", "point", extern.typeEqual(record)) : record;
        writer.import("function", "f", extern.function(writer.type(functionOf([], typeAt(index)))));
      });
    assert.equal(decodeComponent(withRecord(true)).type.imports.size, 2);
    invalid(withRecord(false), /import "f": is func\(\) -> record \{ x: u32 \}, which mentions a type without a name/);
  });

  test("reads component types, whose exports need no definition", () => {
    const { type } = decodeComponent(
      componentWith((writer) => {
        const component = writer.type(
          componentType(
            declare.import("r", extern.resource),
            declare.type(valueType.borrow(0)),
            declare.type(functionOf([["self", typeAt(1)]])),
            declare.export("f", extern.function(2)),
          ),
        );
        writer.import("component", "c", extern.component(component));
      }),
    );
    const imported = type.imports.get("c");
    assert.ok(imported?.kind === "component");
    assert.deepEqual([[...imported.type.imports.keys()], [...imported.type.exports.keys()]], [["r"], ["f"]]);
  });

  test("checks the names of methods against the resource type that they belong to", () => {
    const method = (title: string) =>
      componentWith((writer) => {
        const resource = writer.import("type", "file", extern.resource);
        const borrow = typeAt(writer.type(valueType.borrow(resource)));
        writer.import("function", title, extern.function(writer.type(functionOf([["self", borrow]]))));
      });
    assert.equal(decodeComponent(method("[method]file.read")).type.imports.size, 2);
    invalid(method("[method]other.read"), /is a function of the resource type "file", wanted "other"/);
    invalid(method("[constructor]file"), /wanted a result of own<file>/);
    invalid(method("[static]other.read"), /no resource type "other" stands before it/);
    invalid(method("FILE"), /"FILE" is too like the name "file" before it/);
  });

  test("checks the core function of a lift against the flattened type", () => {
    const lift = (params: readonly number[], results: readonly number[], type: readonly number[]) =>
      componentWith((writer) => {
        const instance = writer.coreInstance(writer.coreModule(coreModuleWith({ f: [params, results] })));
        const core = writer.aliasCore("coreFunction", instance, "f");
        const memory = writer.aliasCore("coreMemory", instance, "memory");
        const realloc = writer.aliasCore("coreFunction", instance, "realloc");
        writer.lift(core, writer.type(type), option.memory(memory), option.realloc(realloc));
      });
    const many = Array.from({ length: 17 }, (_, index) => [`p${index}`, primitive.u8] as const);
    const accepted = [
      lift(
        [0x7f, 0x7e],
        [0x7d],
        functionOf(
          [
            ["a", primitive.char],
            ["b", primitive.s64],
          ],
          primitive.f32,
        ),
      ),
      lift(Array(16).fill(i32), [], functionOf(many.slice(1))),
      lift([i32], [], functionOf(many)),
      lift([], [i32], functionOf([], primitive.string)),
    ];
    for (const bytes of accepted) assert.equal(only(decodeComponent(bytes), "lift").function, 0);
    const wrong = lift([i32], [], functionOf([["a", primitive.string]]));
    invalid(wrong, /lift of function 0: core function 0 is \(func \(param i32\)\), wanted \(func \(param i32 i32\)\)/);
  });

  test("joins the flat types of a variant's cases", () => {
    const component = decodeComponent(
      componentWith((writer) => {
        const float = writer.type(valueType.result(primitive.f32, primitive.u32));
        const wide = writer.type(valueType.result(primitive.f64, primitive.u32));
        const type = writer.type(
          functionOf([
            ["a", typeAt(float)],
            ["b", typeAt(wide)],
          ]),
        );
        writer.lower(writer.import("function", "f", extern.function(type)));
      }),
    );
    assert.deepEqual(only(component, "lower").coreType.params, ["i32", "i32", "i32", "i64"]);
  });

  test("refuses what needs a feature until it is allowed", () => {
    const value = componentWith((writer) => writer.section(12, [1, 0x7d, 1, 7]));
    assert.throws(() => decodeComponent(value), {
      code: "COMPONENT_FEATURE",
      message: /value 0: a value needs "values"/,
    });
    assert.throws(() => decodeComponent(value, { features: ["values"] }), { message: /value 0 is never used/ });
    const list = componentWith((writer) => void writer.type(valueType.list(primitive.u8, 3)));
    assert.equal(decodeComponent(list).definitions.length, 1);
    assert.throws(() => decodeComponent(list, { features: [] }), { code: "COMPONENT_FEATURE" });
    const nested = componentWith((writer) => void writer.import("type", "a:b:c/d", extern.resource));
    assert.throws(() => decodeComponent(nested), { code: "COMPONENT_INVALID" });
    assert.equal(decodeComponent(nested, { features: ["nested-names"] }).type.imports.size, 1);
  });

  test("reads values and a start function where they are allowed", () => {
    const bytes = componentWith((writer) => {
      const type = writer.type(functionOf([["x", primitive.u8]]));
      const func = writer.import("function", "f", extern.function(type));
      writer.section(12, [1, 0x7d, 1, 7]);
      writer.section(9, [func, 1, 0, 0]);
    });
    const component = decodeComponent(bytes, { features: ["values"] });
    assert.deepEqual([...only(component, "value").bytes], [7]);
    assert.deepEqual(only(component, "start").args, [0]);
  });

  test("refuses a core module, a foreign version and bytes that are left over", () => {
    assert.throws(() => decodeComponent(coreModuleWith({})), { code: "WASM_FEATURE" });
    const other = componentWith(() => undefined);
    other[4] = 0x0c;
    invalid(other, /version 12 of layer 1, wanted version 13/, "WASM_MALFORMED");
    invalid(
      componentWith((writer) => writer.section(7, [0, 0])),
      /1 bytes left over/,
      "WASM_MALFORMED",
    );
    const module = coreModuleWith({}).slice(0, -1);
    invalid(
      componentWith((writer) => void writer.coreModule(module)),
      /of core module 0, which begins at byte 10/,
      "WASM_MALFORMED",
    );
  });
});

describe("decodeComponent() of hostile input", () => {
  test("ends in bounded time where types double at each step", () => {
    const bytes = componentWith((writer) => {
      let last = writer.type(valueType.list(primitive.u8));
      for (let step = 0; step < 80; step += 1) {
        const list = typeAt(writer.type(valueType.list(typeAt(last))));
        last = writer.type(valueType.tuple(list, list));
      }
    });
    invalid(bytes, /a type of more than 1000000 parts/, "WASM_FEATURE");
  });

  test("refuses types and components that are nested too deeply", () => {
    const types = componentWith((writer) => {
      let last = writer.type(valueType.list(primitive.u8));
      for (let step = 0; step < 200; step += 1) last = writer.type(valueType.option(typeAt(last)));
    });
    invalid(types, /nested deeper than 100/, "WASM_FEATURE");
    let bytes = componentWith(() => undefined);
    for (let depth = 0; depth < 200; depth += 1) {
      const inner = bytes;
      bytes = componentWith((writer) => void writer.component(inner));
    }
    invalid(bytes, /nested deeper than 100/, "WASM_FEATURE");
  });

  test("gives up where instantiations multiply", () => {
    const bytes = componentWith((writer) => {
      let exported = componentWith((nested) => {
        for (let index = 0; index < 40; index += 1) nested.export("type", `r${index}`, { index: nested.resource() });
      });
      for (let level = 0; level < 6; level += 1) {
        const inner = exported;
        exported = componentWith((nested) => {
          const component = nested.component(inner);
          for (let index = 0; index < 20; index += 1) {
            nested.export("instance", `i${index}`, { index: nested.instance(component) });
          }
        });
      }
      writer.component(exported);
    });
    invalid(bytes, /more than 1000000 parts|take too long/, "WASM_FEATURE");
  });

  test("leaves defects of custom sections alone", () => {
    const bytes = componentWith((writer) => writer.section(0, [...name("component-name"), 0, 99]));
    assert.equal(decodeComponent(bytes).name, undefined);
  });
});
