import assert from "node:assert/strict";
import test from "node:test";
import { greeterComponent, moduleImporter, nestedComponent } from "../../../guests/greeter.ts";
import { idleComponent, wideComponent } from "../../../guests/hostile-component.ts";
import { decodeComponent } from "../../wasm/component/index.ts";
import { makePlan } from "./make-plan.ts";

test("makePlan() lists imports, resources and steps in the order in which an instance makes them", async () => {
  const plan = makePlan(decodeComponent(await greeterComponent()), "greeter");
  assert.deepEqual(
    plan.imports.map(({ path, name }) => [...path, name].join("#")),
    ["add", "log", "[constructor]thing", "[method]thing.get"].map((name) => `test:host/calls@1.2.0#${name}`),
  );
  assert.deepEqual(
    plan.resources.map(({ name, owner, destructor }) => [name, owner, destructor?.kind]),
    [
      ["thing", undefined, undefined],
      ["counter", 0, "export"],
    ],
  );
  assert.deepEqual(
    plan.steps.map(({ kind }) => kind),
    "instantiate instantiate lower lower lower lower resource-drop resource-new resource-drop instantiate".split(" "),
  );
  assert.equal(plan.modules.length, 3);
  const exported = plan.exports.get("test:greeter/counters@0.2.1");
  assert.ok(exported?.kind === "instance");
  const constructor = exported.exports.get("[constructor]counter");
  assert.ok(constructor?.kind === "function" && constructor.function.kind === "lift");
  assert.equal(constructor.function.name, "test:greeter/counters@0.2.1#[constructor]counter");
  assert.deepEqual(constructor.function.resources, [1]);
});

test("makePlan() gives each instantiation of a nested component a number of its own", () => {
  const plan = makePlan(decodeComponent(nestedComponent(2)), "nested");
  assert.deepEqual(
    plan.instances.map(({ parent }) => parent),
    [undefined, 0, 1, 1, 0, 4, 4],
  );
});

test("makePlan() refuses a component whose nesting multiplies to more than 1,000 instances", () => {
  assert.throws(() => makePlan(decodeComponent(nestedComponent(20)), "bomb"), { code: "COMPONENT_TOO_LARGE" });
});

test("makePlan() refuses an import that no host can give by its name", () => {
  assert.throws(() => makePlan(decodeComponent(moduleImporter()), "host"), {
    code: "COMPONENT_IMPORT_UNSUPPORTED",
    message: /its import "plugin", which is a core module/,
  });
});

test("makePlan() refuses instances that make nothing, but are too much to go through", () => {
  assert.throws(() => makePlan(decodeComponent(idleComponent(900, 5_000)), "idle"), {
    code: "COMPONENT_TOO_LARGE",
    message: /made of more than 4000000 definitions/,
  });
});

test("makePlan() refuses functions whose types would come to too much code", () => {
  makePlan(decodeComponent(wideComponent(40)), "wide");
  assert.throws(() => makePlan(decodeComponent(wideComponent(60)), "wider"), {
    code: "COMPONENT_TOO_LARGE",
    message: /made of more than 500000 parts of functions' types/,
  });
  assert.throws(() => decodeComponent(wideComponent(1, 10_001)), {
    code: "COMPONENT_INVALID",
    message: /enum of 10001 parts, wanted at most 10000/,
  });
});
