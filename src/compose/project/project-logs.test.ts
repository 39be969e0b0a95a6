import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Service } from "../file/model.ts";
import { bringUp } from "./bring-up.ts";
import { liveRows } from "./holder-api.ts";
import { type FakeRun, fakeProject, fakeService, holderOf } from "./project-fixture.ts";
import { type ContainerExit, followed, type ProjectLogEntry, projectLogs, savedLogs } from "./project-logs.ts";
import { stopServices, takeDown } from "./take-down.ts";

const named = (name: string, change: Partial<Service> = {}): Service => fakeService(name, { args: [name], ...change });

async function started(...services: readonly Service[]) {
  const around = holderOf();
  const runs = new Map<string, FakeRun>();
  around.runner.onStart = (name, run) => void runs.set(name, run);
  const running = await around.holder.open("shop");
  await bringUp(running, fakeProject(services), { options: {}, tell: around.tell });
  const run = (name: string): FakeRun => {
    const found = runs.get(name);
    assert.ok(found !== undefined);
    return found;
  };
  return { ...around, running, run };
}

async function texts(entries: AsyncIterable<ProjectLogEntry | ContainerExit>): Promise<string[]> {
  const all: string[] = [];
  for await (const item of entries) {
    all.push(`${item.service}: ${"text" in item ? item.text.trim() : `exit ${item.exitCode}`}`);
  }
  return all;
}

test("projectLogs() gives what several containers wrote in the order of time, savedLogs() the same from disk", async () => {
  const { running, run, holder } = await started(named("web"), named("api"));
  for (const [name, text] of [
    ["web", "1\n"],
    ["api", "2\n"],
    ["api", "3\n"],
    ["web", "4\n"],
  ] as const) {
    await run(name).write(text);
    // The stamps of two containers tell milliseconds apart, and their own entries all.
    const now = Date.now();
    while (Date.now() === now) await new Promise((resolve) => setImmediate(resolve));
  }
  const expected = ["web: 1", "api: 2", "api: 3", "web: 4"];
  assert.deepEqual(await texts(projectLogs(running, {})), expected);
  assert.deepEqual(await texts(projectLogs(running, { tail: 1 })), ["api: 3", "web: 4"]);
  assert.deepEqual(await texts(projectLogs(running, { services: ["web"] })), ["web: 1", "web: 4"]);
  await assert.rejects(texts(projectLogs(running, { services: ["wab"] })), { code: "PROJECT_SERVICE_UNKNOWN" });
  const { files } = running;
  await holder.close();
  assert.deepEqual(await texts(savedLogs(files, {})), expected);
  assert.deepEqual(await texts(savedLogs(files, { services: ["api"], tail: 1 })), ["api: 3"]);
  await assert.rejects(texts(savedLogs(files, { services: ["x"] })), { code: "PROJECT_SERVICE_UNKNOWN" });
});

test("projectLogs() that follows goes on over restarts and ends once nothing runs", async () => {
  const { running, run, holder, tell } = await started(named("web", { restart: { name: "always" } }), named("api"));
  await run("web").write("before\n");
  const following = texts(projectLogs(running, { follow: true }));
  const fresh = texts(projectLogs(running, { follow: true, tail: 0, services: ["api"] }));
  const first = run("web");
  await first.write("last words\n");
  first.exit(1);
  while (run("web") === first) await new Promise((resolve) => setImmediate(resolve));
  await run("web").write("again\n");
  await run("api").write("hello\n");
  await stopServices(running, { tell });
  const all = await following;
  assert.deepEqual(
    all.filter((line) => line.startsWith("web")),
    ["web: before", "web: last words", "web: again"],
  );
  assert.deepEqual(await fresh, ["api: hello"]);
  await holder.close();
});

test("followed() tells of each end behind what the container wrote, and of those that start later", async () => {
  const { running, run, holder, tell } = await started(named("web"));
  const following = texts(followed(running, { names: ["web", "job"], from: "" }));
  await run("web").write("no newline");
  const withJob = fakeProject([named("web"), named("job")]);
  await bringUp(running, withJob, { options: {}, tell });
  await run("job").write("done\n");
  run("job").exit(3);
  run("web").exit(0);
  assert.deepEqual((await following).toSorted(), ["job: done", "job: exit 3", "web: exit 0", "web: no newline"]);
  await takeDown(running, { tell });
  await holder.close();
});

test(
  "A full disk ends no service: what it took is counted, and the project goes on",
  { skip: !existsSync("/dev/full") },
  async () => {
    const around = holderOf();
    const running = await around.holder.open("shop");
    around.runner.onStart = (_name, run) => {
      const { container } = run.workload as { readonly container?: string };
      assert.equal(container, undefined);
      // The first part of the log is a device that is always full.
      const id = running.members()[0]?.container.id ?? "";
      mkdirSync(join(running.files.logs, id), { recursive: true });
      symlinkSync("/dev/full", join(running.files.logs, id, `${"0".repeat(16)}.log`));
    };
    await bringUp(running, fakeProject([named("web")]), { options: {}, tell: around.tell });
    const [run] = around.runner.runs;
    assert.ok(run !== undefined);
    await run.write("lost\n");
    await run.write("kept\n");
    assert.deepEqual(await texts(projectLogs(running, {})), ["web: kept"]);
    const [row] = liveRows(running);
    assert.deepEqual([row?.lostLines, row?.status], [1, "running"]);
    await takeDown(running, { tell: around.tell });
    await around.holder.close();
  },
);
