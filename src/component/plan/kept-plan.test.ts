import assert from "node:assert/strict";
import test from "node:test";
import { composedComponent, handlesComponent } from "../../../guests/composed.ts";
import { greeterComponent, nestedComponent } from "../../../guests/greeter.ts";
import { wideComponent } from "../../../guests/hostile-component.ts";
import { handlerComponent } from "../../../guests/http-handler.ts";
import { shopComponent } from "../../../guests/shop.ts";
import { wasi02Component } from "../../../guests/wasi02.ts";
import { decodeComponent } from "../../wasm/component/index.ts";
import { resourcesOf } from "../canonical/layout.ts";
import type { LinkPlan } from "./link-plan.ts";
import { makePlan } from "./make-plan.ts";
import { readPlan } from "./read-plan.ts";
import { TypeReader } from "./read-types.ts";
import { writePlan } from "./write-plan.ts";
import { TypeWriter } from "./write-types.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The same without what only the validator looks at. */
function seen(value: unknown, known: Map<unknown, unknown> = new Map<unknown, unknown>()): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const made = known.get(value);
  if (made !== undefined) return made;
  if (value instanceof Map) {
    const map = new Map<unknown, unknown>();
    known.set(value, map);
    for (const [key, each] of value) map.set(key, seen(each, known));
    return map;
  }
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
  known.set(value, copy);
  for (const [key, each] of Object.entries(value))
    if (typeof each !== "symbol") (copy as Record<string, unknown>)[key] = seen(each, known);
  return copy;
}

function keptAndRead(bytes: Bytes, name: string): { readonly plan: LinkPlan; readonly read: LinkPlan } {
  const plan = makePlan(decodeComponent(bytes), name);
  const kept = writePlan(plan, bytes);
  assert.notEqual(kept, undefined);
  return { plan, read: readPlan(JSON.parse(JSON.stringify(kept)), { name, bytes }) };
}

const components: Readonly<Record<string, () => Bytes | Promise<Bytes>>> = {
  "resources, strings and several versions": greeterComponent,
  "a core module of C with all kinds of values": shopComponent,
  "components that call one another": () => composedComponent("string"),
  "handles that go from one to another": handlesComponent,
  "nested components": () => nestedComponent(3),
  "the interfaces of WASI 0.2": wasi02Component,
  "an HTTP handler": () => handlerComponent(),
  "large types": () => wideComponent(3),
};

for (const [what, make] of Object.entries(components)) {
  test(`readPlan() answers what writePlan() was given: ${what}`, async () => {
    const { plan, read } = keptAndRead(await make(), "kept");
    assert.deepEqual(seen(read), seen(plan));
  });
}

test("readPlan() gives the distinct resource types of a function the order of their numbers", async () => {
  const { plan, read } = keptAndRead(await greeterComponent(), "kept");
  for (const [at, { type, resources }] of read.imports.entries()) {
    assert.equal(resourcesOf(type).length, resources.length);
    assert.deepEqual(
      resourcesOf(type).map(({ name }) => name),
      resourcesOf((plan.imports[at] as LinkPlan["imports"][number]).type).map(({ name }) => name),
    );
  }
});

test("readPlan() calls the plan as it is told and names modules by views of the bytes that it is given", async () => {
  const bytes = await greeterComponent();
  const kept = writePlan(makePlan(decodeComponent(bytes), "one"), bytes);
  const others = bytes.slice();
  const read = readPlan(kept, { name: "other", bytes: others });
  assert.equal(read.name, "other");
  assert.ok(read.modules.length > 0);
  for (const module of read.modules) assert.equal(module.bytes.buffer, others.buffer);
});

test("writePlan() keeps a type that is shared in many places in as much text as it has parts", () => {
  let type = { kind: "tuple" as const, types: [{ kind: "u8" as const }, { kind: "u8" as const }] } as never;
  for (let i = 0; i < 40; i++) type = { kind: "tuple", types: [type, type] } as never;
  const writer = new TypeWriter();
  const number = writer.numberOf({
    kind: "function",
    params: [{ name: "p", type }],
    result: undefined,
    isAsync: false,
  });
  assert.ok((writer.texts[number] ?? "").length < 2_000);
  const [param] = new TypeReader(writer.texts).at(number).params;
  assert.ok(param?.type.kind === "tuple");
  assert.equal(param.type.types[0], param.type.types[1]);
});

test("writePlan() keeps no plan with built-ins on types, and none of modules that lie elsewhere", async () => {
  const bytes = await greeterComponent();
  const plan = makePlan(decodeComponent(bytes), "kept");
  const builtin = { name: "stream.new" as const, type: { kind: "stream" as const, element: undefined } };
  const step = { kind: "builtin" as const, index: plan.coreValues, owner: 0, builtin };
  assert.equal(writePlan({ ...plan, steps: [...plan.steps, step] }, bytes), undefined);
  assert.equal(writePlan(plan, bytes.slice()), undefined);
});
