import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { greeterComponent } from "../../../guests/greeter.ts";
import { decodeComponent } from "../../wasm/component/index.ts";
import type { LinkPlan } from "../plan/link-plan.ts";
import { makePlan } from "../plan/make-plan.ts";
import { findHostFunctions, readFunctionName } from "./host-functions.ts";

const plan: LinkPlan = makePlan(decodeComponent(await greeterComponent()), "greeter");
const add = (): number => 0;
const log = (): void => {};
class Thing {
  get(): number {
    return 1;
  }
}

describe("readFunctionName()", () => {
  test("takes names of methods, static functions and constructors apart", () => {
    assert.deepEqual(readFunctionName("get-it"), { kind: "function", resource: "", name: "get-it" });
    assert.deepEqual(readFunctionName("[method]thing.get-it"), { kind: "method", resource: "thing", name: "get-it" });
    assert.deepEqual(readFunctionName("[static]thing.make"), { kind: "static", resource: "thing", name: "make" });
    assert.deepEqual(readFunctionName("[constructor]thing"), { kind: "constructor", resource: "thing", name: "" });
  });
});

describe("findHostFunctions()", () => {
  test("finds functions and classes under any name that stands for the interface", () => {
    for (const name of ["test:host/calls@1.2.0", "test:host/calls@1.0.0", "test:host/calls@1.9.9", "test:host/calls"]) {
      const { functions, mayWait } = findHostFunctions(plan, { [name]: { add, log, Thing } }, undefined);
      assert.equal(functions.length, plan.imports.length);
      assert.ok(!mayWait);
    }
  });

  test("takes functions from an object's class, but nothing that every object has", () => {
    class Calls {
      Thing = Thing;
      add = add;
      log(): void {}
    }
    assert.equal(findHostFunctions(plan, { "test:host/calls": new Calls() }, undefined).functions.length, 4);
    const [first] = plan.imports;
    assert.ok(first);
    const inherited = { ...plan, imports: [{ ...first, name: "to-string" }] };
    assert.throws(() => findHostFunctions(inherited, { "test:host/calls": {} }, undefined), {
      code: "COMPONENT_IMPORT_MISSING",
    });
  });

  test("takes a function or method then under a name by which no object is a promise", () => {
    const [first] = plan.imports;
    assert.ok(first);
    for (const name of ["then", "[method]thing.then", "[static]thing.then"]) {
      const wanted: LinkPlan = { ...plan, imports: [{ ...first, name }] };
      class Then {
        then_(): void {}
        static then_(): void {}
      }
      const given = { then_: log, Thing: Then };
      assert.equal(findHostFunctions(wanted, { "test:host/calls": given }, undefined).functions.length, 1, name);
      assert.throws(() => findHostFunctions(wanted, { "test:host/calls": { Thing } }, undefined), {
        code: "COMPONENT_IMPORT_MISSING",
        hint: /"then_"/,
      });
    }
  });

  test("gives a guest no function that all classes, functions or objects have", () => {
    const [first] = plan.imports;
    assert.ok(first);
    const names = ["static", "method"].flatMap((kind) =>
      ["constructor", "bind", "call", "apply", "to-string", "value-of"].map((name) => `[${kind}]thing.${name}`),
    );
    for (const name of names) {
      const wanted = { ...plan, imports: [{ ...first, name }] };
      assert.throws(() => findHostFunctions(wanted, { "test:host/calls": { Thing } }, undefined), {
        code: "COMPONENT_IMPORT_MISSING",
      });
    }
    class Base {
      static bind(): string {
        return "bound";
      }
      toString(): string {
        return "mine";
      }
    }
    class Derived extends Base {}
    const imports = ["[static]thing.bind", "[method]thing.to-string"].map((name) => ({ ...first, name }));
    const { functions } = findHostFunctions({ ...plan, imports }, { "test:host/calls": { Thing: Derived } }, undefined);
    const [bind, toString] = functions.map(({ call }) => call as (...args: unknown[]) => unknown);
    assert.deepEqual([bind?.(), toString?.(new Derived())], ["bound", "mine"]);
    // What a host function gave as a resource may be an object of any class.
    assert.equal(
      toString?.(() => "its code"),
      undefined,
    );
  });

  test("sees that a function waits by its being async, and by what the provider says", () => {
    const waiting = { add: async (): Promise<number> => 0, log, Thing };
    assert.ok(findHostFunctions(plan, { "test:host/calls": waiting }, undefined).mayWait);
    for (const mayWait of [true, false])
      assert.equal(findHostFunctions(plan, {}, () => ({ call: add, mayWait })).mayWait, mayWait);
  });

  test("refuses a version of another track, and a class without the method", () => {
    for (const given of [
      { "test:host/calls@2.0.0": { add, log, Thing } },
      { "test:host/calls": { add, log, Thing: class {} } },
      { "test:host/calls": { add, log } },
      { "test:host/calls": 7 },
    ])
      assert.throws(() => findHostFunctions(plan, given, undefined), { code: "COMPONENT_IMPORT_MISSING" });
  });
});
