import assert from "node:assert/strict";
import test from "node:test";
import { greeterComponent, moduleImporter, nestedComponent } from "../../../guests/greeter.ts";
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
