import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fakeProject, fakeService, needs } from "./project-fixture.ts";
import { chosenServices, inOrder, wantedServices } from "./services.ts";

test("chosenServices() takes all where none is named and says which was meant by a wrong name", () => {
  assert.deepEqual(chosenServices(["web", "db"], []), ["web", "db"]);
  assert.deepEqual(chosenServices(["web", "db"], ["db"]), ["db"]);
  assert.throws(() => chosenServices(["web", "db"], ["wab"]), {
    code: "PROJECT_SERVICE_UNKNOWN",
    message: /no such service/,
    hint: "did you mean web",
  });
});

test("wantedServices() brings what the named ones need, unless that is left out", () => {
  const project = fakeProject([
    fakeService("web", { dependsOn: [needs("api")] }),
    fakeService("api", { dependsOn: [needs("db")] }),
    fakeService("db"),
    fakeService("other"),
  ]);
  const names = (typed: string[], dependencies: "with" | "without") =>
    wantedServices(project, typed, { dependencies }).map(({ name }) => name);
  assert.deepEqual(names(["web"], "with"), ["web", "api", "db"]);
  assert.deepEqual(names(["web"], "without"), ["web"]);
  assert.deepEqual(names([], "without"), ["web", "api", "db", "other"]);
});

test("inOrder() does a service behind all that it needs, in reverse behind all that need it, and each once", async () => {
  const graph = fc.array(fc.array(fc.nat(6), { maxLength: 3 }), { minLength: 1, maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(graph, fc.constantFrom("forward" as const, "reverse" as const), async (edges, direction) => {
      // Whoever comes later may need those before it, so that there is no circle.
      const services = edges.map((to, at) => ({
        name: String(at),
        dependsOn: to.filter((each) => each < at).map((each) => ({ service: String(each) })),
      }));
      const done: string[] = [];
      await inOrder(services, direction, async (name) => {
        const own = services.find((each) => each.name === name);
        for (const { name: other, dependsOn } of services) {
          const isNeeded = own?.dependsOn.some(({ service }) => service === other) === true;
          const needsIt = dependsOn.some(({ service }) => service === name);
          if (direction === "forward" ? isNeeded : needsIt) assert.ok(done.includes(other));
        }
        await Promise.resolve();
        done.push(name);
      });
      assert.equal(new Set(done).size, services.length);
    }),
  );
});

test("inOrder() leaves out what stands behind a failure, and rejects with it once the rest is done", async () => {
  const services = [
    { name: "db", dependsOn: [] },
    { name: "api", dependsOn: [needs("db")] },
    { name: "other", dependsOn: [] },
  ];
  const done: string[] = [];
  await assert.rejects(
    inOrder(services, "forward", async (name) => {
      await Promise.resolve();
      if (name === "db") throw new Error("no db");
      done.push(name);
    }),
    /no db/,
  );
  assert.deepEqual(done, ["other"]);
});
