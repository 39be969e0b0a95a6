import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkPlan, PlannedExport } from "../plan/link-plan.ts";
import { type ExportedFunction, ExportMaker, type ExportSource } from "./exports.ts";
import { GuestResource, type GuestResourceClass } from "./guest-resource.ts";

const type = { params: [], result: undefined } as const;
const resource = 0;

/** What a component exports whose functions answer their names. */
function exportsOf(names: readonly string[]): { readonly maker: ExportMaker; readonly thing: GuestResourceClass } {
  const exports = new Map<string, PlannedExport>(
    names.map((name, index) => [
      name,
      name === "thing"
        ? { kind: "type", resource }
        : ({ kind: "function", function: { kind: "import", import: index }, type } as unknown as PlannedExport),
    ]),
  );
  const hosts = names.map((name) => ({ call: () => name }));
  let maker: ExportMaker | undefined = undefined;
  const source: ExportSource = {
    plan: { exports, imports: [] } as unknown as LinkPlan,
    embedding: { mode: "sync", call: () => undefined, begin: () => {}, finish: () => {}, failed: (error) => error },
    resources: { classOf: () => GuestResource },
    ownerOf: () => 0,
    resourceOf: () => ({ name: "thing" }),
    lifted: () => () => undefined,
  };
  maker = new ExportMaker(source, hosts);
  return { maker, thing: maker.classOf(resource) };
}

test("ExportMaker has no function or method then, so that no object is taken for a promise", async () => {
  const { maker, thing } = exportsOf(["thing", "then", "[method]thing.then", "[static]thing.then"]);
  const all = maker.all();
  assert.equal(await Promise.resolve(all), all);
  assert.equal((all["then_"] as ExportedFunction)(), "then");
  const object = Reflect.construct(GuestResource, [], thing) as unknown as Record<string, ExportedFunction>;
  assert.equal(await Promise.resolve(object), object);
  assert.equal(object["then_"]?.(), "[method]thing.then");
  assert.equal(await Promise.resolve(thing), thing);
  assert.equal((thing as unknown as Record<string, ExportedFunction>)["then_"]?.(), "[static]thing.then");
});

test("ExportMaker refuses what two names of WIT's stand for, and nothing else", () => {
  const { maker, thing } = exportsOf(["thing", "a-1", "a1", "b", "[method]thing.x-2", "[method]thing.x2"]);
  const all = maker.all();
  const message = 'Cannot tell "a-1" from "a1": JavaScript calls both "a1"';
  assert.throws(() => all["a1"], { code: "COMPONENT_NAMES", message });
  assert.equal((all["b"] as ExportedFunction)(), "b");
  const object = Reflect.construct(GuestResource, [], thing) as unknown as Record<string, unknown>;
  assert.throws(() => object["x2"], { code: "COMPONENT_NAMES" });
});
