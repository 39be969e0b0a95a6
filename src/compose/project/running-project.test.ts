import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join, sep } from "node:path";
import { test } from "node:test";
import type { SampanError } from "../../base/index.ts";
import type { Healthcheck, Project, Service } from "../file/model.ts";
import { bringUp, type UpOptions } from "./bring-up.ts";
import {
  everythingIn,
  type FakeRun,
  fakeProject,
  fakeService,
  holderOf,
  ManualClock,
  needs,
  newFolder,
} from "./project-fixture.ts";
import { restartServices, stopServices, takeDown } from "./take-down.ts";

const named = (name: string, change: Partial<Service> = {}): Service => fakeService(name, { args: [name], ...change });
const check: Healthcheck = {
  kind: "shell",
  command: ["pg_isready"],
  interval: 1000,
  timeout: 1000,
  retries: 3,
  startPeriod: 0,
  startInterval: 1000,
};

async function start(project: Project, options: UpOptions = {}, around = holderOf()) {
  const running = await around.holder.open(project.name);
  const up = (next = project, change: UpOptions = options) =>
    bringUp(running, next, { options: change, tell: around.tell });
  return { ...around, running, up };
}

test("bringUp() starts services behind those that they need, takeDown() ends them the other way and leaves nothing", async () => {
  const project = fakeProject([
    named("web", { dependsOn: [needs("api")] }),
    named("api", { dependsOn: [needs("db"), needs("cache")] }),
    named("db"),
    named("cache"),
  ]);
  const { up, runner, running, steps, tell, holder, folder } = await start(project);
  await up();
  assert.deepEqual(
    [runner.order.slice(0, 2).toSorted(), runner.order.slice(2)],
    [
      ["+cache", "+db"],
      ["+api", "+web"],
    ],
  );
  assert.deepEqual(steps.slice(0, 4), [
    "Network shop_default Creating",
    "Network shop_default Created",
    "Container shop-web-1 Creating",
    "Container shop-web-1 Created",
  ]);
  assert.deepEqual(steps.slice(-2), ["Container shop-web-1 Starting", "Container shop-web-1 Started"]);
  runner.order.length = 0;
  await takeDown(running, { tell });
  assert.deepEqual(runner.order.slice(0, 2), ["-web", "-api"]);
  assert.deepEqual(steps.slice(-2), ["Network shop_default Removing", "Network shop_default Removed"]);
  await holder.close();
  assert.deepEqual(everythingIn(folder), []);
});

test("bringUp() a second time leaves alone what is the same and makes anew what changed", async () => {
  const project = fakeProject([named("web"), named("api")]);
  const { up, runner, running, steps, holder } = await start(project);
  await up();
  const ids = () => Object.fromEntries(running.members().map(({ container }) => [container.name, container.id]));
  const before = ids();
  steps.length = 0;
  await up();
  assert.deepEqual(steps.toSorted(), ["Container shop-api-1 Running", "Container shop-web-1 Running"]);
  steps.length = 0;
  await up(fakeProject([named("web"), named("api", { env: { NEW: "1" } })]));
  assert.equal(ids()["shop-web-1"], before["shop-web-1"]);
  assert.notEqual(ids()["shop-api-1"], before["shop-api-1"]);
  assert.deepEqual(
    steps.filter((step) => step.includes("api")),
    ["Recreate", "Recreated", "Starting", "Started"].map((word) => `Container shop-api-1 ${word}`),
  );
  assert.deepEqual(runner.order, ["+web", "+api", "-api", "+api"]);
  await up(project, { noRecreate: true });
  await up(fakeProject([named("web", { scale: 3, dependsOn: [needs("api")] }), named("api", { env: { NEW: "1" } })]));
  assert.equal(ids()["shop-web-1"], before["shop-web-1"]);
  assert.equal(running.members().length, 4);
  await up(project, { forceRecreate: true, services: ["web"], noDeps: true });
  assert.deepEqual(Object.keys(ids()).toSorted(), ["shop-api-1", "shop-web-1"]);
  assert.notEqual(ids()["shop-web-1"], before["shop-web-1"]);
  await holder.close();
});

test("bringUp() tells of orphans, and removes them where that is asked for", async () => {
  const { up, running, steps, holder } = await start(fakeProject([named("web"), named("old")]));
  await up();
  steps.length = 0;
  const less = fakeProject([named("web")]);
  await up(less);
  assert.match(steps.join("\n"), /Found orphan containers \(\[shop-old-1\]\).*--remove-orphans/);
  assert.equal(running.members().length, 2);
  await up(less, { removeOrphans: true });
  assert.deepEqual(
    running.members().map(({ container }) => container.name),
    ["shop-web-1"],
  );
  await holder.close();
});

test("bringUp() waits until a service is healthy and until one has completed", async () => {
  const db = named("db", {
    image: { kind: "stand-in", reference: "postgres:17", family: "postgres" },
    healthcheck: check,
  });
  const project = fakeProject([
    named("web", { dependsOn: [needs("db", "service_healthy"), needs("job", "service_completed_successfully")] }),
    db,
    named("job"),
  ]);
  const clock = new ManualClock();
  const { up, runner, steps, holder } = await start(project, {}, holderOf({ clock }));
  const runs = new Map<string, FakeRun>();
  runner.onStart = (_name, run) => {
    const { service } = run.workload as { service?: string };
    runs.set(service ?? run.workload.image ?? "", run);
    if (run.workload.kind === "stand-in") run.isReady = false;
  };
  const rising = up();
  const isReady = runs.get("postgres:17 (stand-in)");
  assert.equal(isReady, undefined);
  await new Promise((resolve) => setImmediate(resolve));
  while (runner.runs.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!runner.order.includes("+web"));
  for (const run of runner.runs) {
    run.isReady = true;
    if (run.workload.kind === "wasm") run.exit(0);
  }
  await clock.until(rising);
  await rising;
  assert.ok(runner.order.includes("+web"));
  const waited = steps.filter((step) => /Waiting|Healthy|Exited/.test(step));
  assert.deepEqual(waited, [
    "Container shop-db-1 Waiting",
    "Container shop-db-1 Healthy",
    "Container shop-job-1 Waiting",
    "Container shop-job-1 Exited",
  ]);
  await clock.until(holder.close());
});

test("bringUp() says which service never got healthy and what its last probe said", async () => {
  const clock = new ManualClock();
  const api = named("api", { healthcheck: { ...check, command: ["curl -f http://localhost:80/health"] } });
  const project = fakeProject([named("web", { dependsOn: [needs("api", "service_healthy")] }), api]);
  const { up, holder, runner } = await start(project, {}, holderOf({ clock }));
  const rising = up();
  await clock.until(rising);
  await assert.rejects(rising, {
    code: "PROJECT_UNHEALTHY",
    message: `Cannot start "web": "api" is unhealthy, its last check said: nothing listens on port 80`,
    hint: "see what it wrote with sampan logs api",
  });
  assert.deepEqual(runner.order, ["+api"]);
  const waiting = up(fakeProject([api]), { wait: true });
  await clock.until(waiting);
  await assert.rejects(waiting, { code: "PROJECT_UNHEALTHY", message: /^Cannot bring the project up: "api"/ });
  await clock.until(holder.close());
});

test("bringUp() ends where a dependency ends badly or has nothing to wait for, and where its check needs a shell", async () => {
  const failing = fakeProject([
    named("web", { dependsOn: [needs("job", "service_completed_successfully")] }),
    named("job"),
  ]);
  const first = await start(failing);
  first.runner.onStart = (_name, run) => run.exit(3);
  await assert.rejects(first.up(), {
    code: "PROJECT_DEPENDENCY",
    message: /"job" did not complete successfully: exit 3/,
  });
  const unchecked = fakeProject([named("web", { dependsOn: [needs("api", "service_healthy")] }), named("api")]);
  await assert.rejects(first.up(unchecked), { code: "PROJECT_DEPENDENCY", message: /"api" has no health check/ });
  const dying = fakeProject([
    named("web", { dependsOn: [needs("api", "service_healthy")] }),
    named("api", { healthcheck: { ...check, command: ["nc -z localhost 1"] } }),
  ]);
  await assert.rejects(first.up(dying), {
    code: "PROJECT_DEPENDENCY",
    message: `Cannot start "web": "api" exited (3)`,
  });
  const shell = fakeProject([named("api", { healthcheck: { ...check, command: ["test -f /x"] } })]);
  await assert.rejects(first.up(shell), { code: "HEALTH_UNKNOWN" });
  await first.holder.close();
});

test("stopServices() gives up an up that waits for what never gets healthy", async () => {
  const api = named("api", { healthcheck: { ...check, interval: 3_600_000, command: ["nc -z localhost 1"] } });
  const project = fakeProject([named("web", { dependsOn: [needs("api", "service_healthy")] }), api]);
  const { up, running, tell, holder, steps } = await start(project);
  const rising = assert.rejects(up(), { code: "PROJECT_INTERRUPTED" });
  while (!steps.includes("Container shop-api-1 Waiting")) await new Promise((resolve) => setImmediate(resolve));
  await stopServices(running, { tell });
  await rising;
  assert.ok(steps.includes("Container shop-api-1 Stopped"));
  await holder.close();
});

test("bringUp() says which port of which service is taken and by whom, and finds free ones", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const publish = (hostPort: number): Service["ports"] => [
    { hostIp: "127.0.0.1", hostPort, guestPort: 80, protocol: "tcp" },
  ];
  const { up, runner, running, holder } = await start(fakeProject([named("web", { ports: publish(port) })]));
  await assert.rejects(up(), (error: SampanError) => {
    assert.equal(error.code, "PROJECT_PORT_TAKEN");
    assert.match(error.message, new RegExp(`^Cannot publish port 127\\.0\\.0\\.1:${port} of "web": `));
    if (process.platform === "linux") assert.match(error.message, new RegExp(`process ${process.pid} has it \\(`));
    return true;
  });
  assert.equal(runner.runs.length, 0);
  server.close();
  await once(server, "close");
  await up();
  assert.equal(runner.runs.length, 1);
  await assert.rejects(up(undefined, { scale: { web: 2 } }), {
    code: "PROJECT_PORT_TAKEN",
    message: /of "web": another instance of it has it/,
  });
  await up(fakeProject([named("web", { ports: publish(0), scale: 2 })]));
  const ports = running.members().map(({ data }) => data.ports[0]?.hostPort ?? 0);
  assert.ok(ports.every((each) => each > 0) && ports[0] !== ports[1], ports.join());
  await holder.close();
});

test("bringUp() hands on volumes, secrets as files and neighbours; takeDown() keeps named volumes unless it is asked", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "token"), "from a file");
  const volumes: Project["volumes"] = new Map([
    ["data", { name: "shop_data", external: false, anonymous: false, labels: {} }],
    ["anonymous", { name: "shop_0", external: false, anonymous: true, labels: {} }],
  ]);
  const secrets: Project["secrets"] = new Map([
    ["token", { kind: "file", name: "shop_token", path: join(folder, "token") }],
    ["word", { kind: "environment", name: "shop_word", variable: "WORD" }],
  ]);
  const web = named("web", {
    mounts: [
      { kind: "volume", volume: "data", target: "/data", readOnly: false },
      { kind: "volume", volume: "anonymous", target: "/more", readOnly: true },
      { kind: "tmpfs", target: "/tmp" },
    ],
    secrets: [
      { source: "token", target: "/run/secrets/token" },
      { source: "word", target: "/run/secrets/word" },
    ],
    networks: [{ name: "default", aliases: ["www"] }],
  });
  const project = fakeProject([web, named("api")], { volumes, secrets });
  const { up, runner, running, tell, holder, places, folder: own } = await start(project);
  await assert.rejects(up(), { code: "PROJECT_INVALID", message: /the variable "WORD" of a secret/ });
  await up(project, { secrets: { WORD: "from a variable" } });
  const started = runner.runs.map(({ workload }) => workload.data as Started).find(({ args }) => args.at(-1) === "web");
  assert.ok(started !== undefined);
  const files = new Map(started.grants.files.map((file) => [file.guest, file]));
  assert.deepEqual(
    [...files.values()].map(({ guest, access }) => `${guest} ${access}`),
    ["/data read-write", "/more read-only", "/tmp read-write", "/run/secrets read-only"],
  );
  assert.equal(files.get("/data")?.host, join(places.state, "volumes", "shop_data"));
  const secretsFolder = files.get("/run/secrets")?.host ?? "";
  assert.equal(readFileSync(join(secretsFolder, "token"), "utf8"), "from a file");
  assert.equal(readFileSync(join(secretsFolder, "word"), "utf8"), "from a variable");
  assert.deepEqual(started.network.self.names, ["web", "shop-web-1", "www"]);
  const names = started.network.hosts.map(({ name }) => name).toSorted();
  assert.deepEqual(names, ["api", "shop-api-1", "shop-web-1", "web", "www"]);
  writeFileSync(join(files.get("/data")?.host ?? "", "kept"), "");
  await takeDown(running, { tell });
  await holder.close();
  assert.deepEqual(everythingIn(own), ["state/volumes/shop_data/kept"]);
  const again = await holder.open("shop");
  await takeDown(again, { tell, volumes: true, volumeNames: ["shop_data"] });
  await holder.close();
  assert.deepEqual(everythingIn(own), []);
});

interface Started {
  readonly args: readonly string[];
  readonly grants: {
    readonly files: readonly { readonly host: string; readonly guest: string; readonly access: string }[];
  };
  readonly network: {
    readonly self: { readonly names: readonly string[] };
    readonly hosts: readonly { readonly name: string }[];
  };
}

test("bringUp() refuses to scale what is no service, and makes no volume that no service uses", async () => {
  const volume = { external: false, anonymous: false, labels: {} };
  const volumes: Project["volumes"] = new Map([
    ["used", { ...volume, name: "shop_used" }],
    ["idle", { ...volume, name: "shop_idle" }],
  ]);
  const web = named("web", { mounts: [{ kind: "volume", volume: "used", target: "/data", readOnly: false }] });
  const { up, running, steps, holder } = await start(fakeProject([web], { volumes }));
  await assert.rejects(up(undefined, { scale: { wab: 2 } }), { code: "PROJECT_SERVICE_UNKNOWN", hint: /web/ });
  await up();
  await up();
  assert.deepEqual(
    steps.filter((line) => line.startsWith("Volume")),
    ["Volume shop_used Creating", "Volume shop_used Created"],
  );
  assert.deepEqual(running.files.volumes(), ["shop_used"]);
  await holder.close();
});

test('bringUp() leaves secrets where running services see them, also of one called ".."', async () => {
  const secrets: Project["secrets"] = new Map([["word", { kind: "environment", name: "shop_word", variable: "WORD" }]]);
  const dots = named("..", { secrets: [{ source: "word", target: "/run/secrets/word" }] });
  const { up, running, runner, own, holder } = await start(
    fakeProject([dots], { secrets, secretValues: { WORD: "a" } }),
  );
  const values = { secrets: { WORD: "a" } };
  await up(undefined, values);
  const data = runner.runs[0]?.workload.data as
    | { readonly grants: { readonly files: readonly { host: string; guest: string }[] } }
    | undefined;
  const folder = data?.grants.files.find(({ guest }) => guest === "/run/secrets")?.host ?? "";
  assert.ok(folder.startsWith(join(own.run, "secrets") + sep), folder);
  const before = statSync(folder).ino;
  await up(undefined, values);
  assert.deepEqual([statSync(folder).ino, readFileSync(join(folder, "word"), "utf8")], [before, "a"]);
  assert.equal(statSync(join(folder, "word")).mode & 0o777, 0o400);
  assert.deepEqual(readdirSync(folder), ["word"]);
  // No value of a secret is kept where it outlasts the machine.
  assert.equal(readFileSync(join(own.state, "project.json"), "utf8").includes("secretValues"), false);
  await stopServices(running, { tell: () => {} });
  rmSync(join(own.run, "secrets"), { recursive: true });
  await restartServices(running, { tell: () => {}, secrets: { WORD: "b" } });
  assert.equal(readFileSync(join(folder, "word"), "utf8"), "b");
  await holder.close();
});

test("ProjectFiles passes over records and models that somebody broke", async () => {
  const { up, running, own, holder } = await start(fakeProject([named("web")]));
  await up();
  const { files } = running;
  const [saved] = files.readContainers();
  assert.ok(saved !== undefined);
  const containers = join(own.state, "containers");
  const broken = {
    null: "null",
    half: "{",
    empty: "{}",
    list: "[]",
    record: '{"record":{}}',
    other: JSON.stringify(saved),
  };
  for (const [name, text] of Object.entries(broken)) writeFileSync(join(containers, `${name}.json`), text);
  assert.deepEqual(
    files.readContainers().map(({ record }) => record.id),
    [saved.record.id],
  );
  for (const text of ["null", "{", "{}", "[]", '{"services":[1]}', '{"services":5}']) {
    writeFileSync(join(own.state, "project.json"), text);
    assert.equal(files.readProject(), undefined, text);
  }
  await holder.close();
});

test("ProjectHolder.held() opens nothing: whoever asks for what runs nowhere leaves nothing behind", async () => {
  const { holder, folder } = holderOf();
  await assert.rejects(holder.held("shop"), { code: "API_UNKNOWN" });
  await assert.rejects(holder.open("../shop"), { code: "PLACE_UNSAFE" });
  assert.deepEqual([holder.names, readdirSync(folder)], [[], []]);
});

test("A project whose holder died is there again with its containers, logs and states, and goes on by up and restart", async () => {
  const folder = newFolder();
  const project = fakeProject([named("web", { restart: { name: "always" } }), named("job")]);
  const first = await start(project, {}, holderOf({ folder }));
  first.runner.onStart = (name, run) => void (name === "job" ? run.exit(0) : run.write("one\n"));
  await first.up();
  await first.running
    .members()
    .find(({ data }) => data.service.name === "job")
    ?.container.wait();
  while (everyRecord(folder).filter(({ state }) => state.status !== "created").length < 2) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  // Its hold is that of a process which is gone: what a kill leaves.
  for (const name of readdirSync(first.own.state)) {
    if (name.startsWith("holder.")) writeFileSync(join(first.own.state, name), "");
  }
  const second = holderOf({ folder });
  await assert.rejects(
    async () => {
      writeFileSync(
        join(first.own.state, `holder.${process.ppid}.${startOf(process.ppid)}`),
        `{"pid":${process.ppid},"kind":"engine"}`,
      );
      await second.holder.open("shop");
    },
    { code: "PROJECT_HELD", message: new RegExp(`process ${process.ppid}\\)`) },
  );
  for (const name of readdirSync(first.own.state)) {
    if (name.startsWith(`holder.${process.ppid}.`)) writeFileSync(join(first.own.state, name), "");
  }
  const running = await second.holder.open("shop");
  const states = running.members().map(({ container }) => {
    const { status, exitCode } = container.inspect().state;
    return `${container.name} ${status} ${exitCode}`;
  });
  assert.deepEqual(states, ["shop-job-1 exited 0", "shop-web-1 exited 255"]);
  const [, web] = running.members();
  assert.equal((await web?.container.logs().next())?.value?.text, "one\n");
  await bringUp(running, project, { options: {}, tell: second.tell });
  assert.equal(web?.container.inspect().state.status, "running");
  assert.ok(!second.steps.some((step) => /Creat/.test(step)), second.steps.join("\n"));
  second.runner.onStart = () => {};
  await restartServices(running, { tell: second.tell });
  assert.deepEqual(
    running.members().map(({ container }) => container.inspect().state.status),
    ["running", "running"],
  );
  await second.holder.close();
  await first.running.close();
});

interface SavedState {
  readonly state: { readonly status: string };
}

function everyRecord(folder: string): SavedState[] {
  const containers = join(folder, "state", "projects", "shop", "containers");
  if (!existsSync(containers)) return [];
  return readdirSync(containers)
    .filter((name) => name.endsWith(".json"))
    .map((name) => (JSON.parse(readFileSync(join(containers, name), "utf8")) as { record: SavedState }).record);
}

function startOf(pid: number): string {
  if (process.platform !== "linux") return "0";
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
}
