import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { matchExtern } from "./match.ts";
import { matchCoreExtern, matchCoreModule } from "./match-core.ts";
import type { ComponentValueType, CoreExtern, ExternType, ResourceType } from "./types.ts";

const func = (params: Record<string, ComponentValueType>, result?: ComponentValueType): ExternType => ({
  kind: "function",
  type: {
    kind: "function",
    params: Object.entries(params).map(([name, type]) => ({ name, type })),
    result,
    isAsync: false,
  },
});
const instance = (exports: Record<string, ExternType>): ExternType => ({
  kind: "instance",
  type: { kind: "instance", exports: new Map(Object.entries(exports)) },
});
const resource = (name: string): ResourceType => ({ kind: "resource", name });
const fresh = (type: ResourceType): ExternType => ({ kind: "type", type, isFresh: true });
const u8 = { kind: "u8" } as const;
const text = { kind: "string" } as const;

describe("matchExtern()", () => {
  test("compares value types by their structure", () => {
    const list = (element: ComponentValueType, length?: number): ComponentValueType => ({
      kind: "list",
      element,
      length,
    });
    assert.equal(matchExtern(func({ x: list(u8) }), func({ x: list({ kind: "u8" }) })), undefined);
    assert.equal(
      matchExtern(func({ x: list(u8) }, text), func({ x: list(u8, 4) }, text)),
      "is func(x: list<u8>) -> string, wanted func(x: list<u8, 4>) -> string",
    );
    assert.equal(matchExtern(func({ x: u8 }), func({ y: u8 })), "is func(x: u8), wanted func(y: u8)");
  });

  test("takes an instance that exports more, in any order, and names what one lacks", () => {
    const more = instance({ a: func({}), b: func({}, u8) });
    assert.equal(matchExtern(more, instance({ b: func({}, u8) })), undefined);
    assert.equal(matchExtern(instance({ a: func({}) }), more), `lacks the export "b", wanted func() -> u8`);
    assert.equal(matchExtern(more, instance({ a: instance({}) })), `export "a" is func(), wanted interface {  }`);
  });

  test("binds the resource types that the wanted side introduces and holds functions to them", () => {
    const [mine, other, wanted] = [resource("mine"), resource("other"), resource("r")];
    const uses = (of: ResourceType): ExternType => func({ x: { kind: "own", resource: of } });
    const want = instance({ r: fresh(wanted), f: uses(wanted) });
    const bound = new Map<ResourceType, ResourceType>();
    assert.equal(matchExtern(instance({ r: fresh(mine), f: uses(mine) }), want, bound), undefined);
    assert.equal(bound.get(wanted), mine);
    assert.match(matchExtern(instance({ r: fresh(mine), f: uses(other) }), want) ?? "", /^export "f" is .*own<other>/);
  });

  test("takes a component that imports less and exports more", () => {
    const component = (imports: Record<string, ExternType>, exports: Record<string, ExternType>): ExternType => ({
      kind: "component",
      type: { kind: "component", imports: new Map(Object.entries(imports)), exports: new Map(Object.entries(exports)) },
    });
    const actual = component({ a: func({}) }, { x: func({}), y: func({}) });
    const wanted = component({ a: func({}), b: func({}) }, { x: func({}) });
    assert.equal(matchExtern(actual, wanted), undefined);
    assert.equal(matchExtern(wanted, actual), `imports "b", which is not given to it`);
  });

  test("takes a component type whose resource types have names of their own", () => {
    const component = (name: string): ExternType => {
      const [input, made] = [resource(name), resource(name)];
      return {
        kind: "component",
        type: {
          kind: "component",
          imports: new Map([["r", fresh(input)]]),
          exports: new Map([
            ["s", fresh(made)],
            ["f", func({ x: { kind: "borrow", resource: input } }, { kind: "own", resource: made })],
          ]),
        },
      };
    };
    assert.equal(matchExtern(component("one"), component("two")), undefined);
  });
});

describe("matchCoreExtern()", () => {
  const memory = (min: number, max?: number, shared = false): CoreExtern => ({
    kind: "memory",
    type: { min, max, shared, is64: false, pageSize: 65_536 },
  });

  test("holds limits and sharing", () => {
    assert.equal(matchCoreExtern(memory(2, 3), memory(1, 4)), undefined);
    assert.equal(matchCoreExtern(memory(2), memory(1, 4)), "is (memory 2), wanted (memory 1 4)");
    assert.notEqual(matchCoreExtern(memory(1), memory(2)), undefined);
    assert.notEqual(matchCoreExtern(memory(1, 2), memory(1, 2, true)), undefined);
  });

  test("takes a reference that is below the wanted one, where it cannot be written", () => {
    const global = (value: `${string}ref` | `(ref ${string})`, mutable = false): CoreExtern => ({
      kind: "global",
      type: { value, mutable },
    });
    assert.equal(matchCoreExtern(global("(ref func)"), global("funcref")), undefined);
    assert.equal(matchCoreExtern(global("nullref"), global("anyref")), undefined);
    assert.equal(matchCoreExtern(global("(ref (func i32 -> ))"), global("funcref")), undefined);
    assert.notEqual(matchCoreExtern(global("funcref"), global("(ref func)")), undefined);
    assert.notEqual(matchCoreExtern(global("(ref func)", true), global("funcref", true)), undefined);
  });

  test("matchCoreModule() lets a module import less and export more", () => {
    const one = { module: "m", name: "a", type: memory(1) };
    const small = { kind: "core-module", imports: [one], exports: new Map([["x", memory(2)]]) } as const;
    const wanted = {
      kind: "core-module",
      imports: [{ ...one, type: memory(2) }],
      exports: new Map([["x", memory(1)]]),
    } as const;
    assert.equal(matchCoreModule(small, wanted), undefined);
    assert.match(matchCoreModule(wanted, small) ?? "", /import "m" "a" is \(memory 1\), wanted \(memory 2\)/);
    assert.match(matchCoreModule({ ...small, exports: new Map() }, wanted) ?? "", /lacks the export "x"/);
  });
});
