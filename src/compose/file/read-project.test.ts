import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { goodProjects, goodText } from "./good-projects-fixture.ts";
import { loadProject } from "./load-project.ts";
import type { Project } from "./model.ts";
import { inProject, load, toldOf } from "./project-fixture.ts";
import { writeProject } from "./write-project.ts";

const env = { HOME: "/home/me" };

describe("loadProject() reads", () => {
  for (const project of goodProjects) {
    test(project.name, async () => {
      const { services } = await load(goodText(project), { missingFiles: "accept" });
      const web = { ...services.get("web") } as Record<string, unknown>;
      for (const [key, value] of Object.entries(project.expected)) assert.deepEqual(web[key], value, key);
      if (!Object.hasOwn(project.expected, "healthcheck")) assert.equal(web["healthcheck"], undefined);
    });
  }
});

/** A project as plain data, without the files that it came from. */
function plain({ files: _files, warnings: _warnings, ...rest }: Project): unknown {
  return JSON.parse(
    JSON.stringify(rest, (_key, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value)),
  );
}

/** Data with its keys in order, and lists too: the canonical form sorts what is a map in it. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(sorted).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

describe("writeProject() writes what loads as the same project", () => {
  for (const project of goodProjects) {
    test(project.name, () =>
      inProject({ "compose.yaml": goodText(project) }, async (cwd) => {
        const first = await loadProject({ cwd, env, missingFiles: "accept" });
        for (const format of ["yaml", "json"] as const) {
          const text = await writeProject(first, format);
          const again = await inProject({ "compose.yaml": text }, (folder) =>
            loadProject({ cwd: folder, env, missingFiles: "accept", projectDirectory: cwd }),
          );
          assert.deepEqual(sorted(plain(again)), sorted(plain(first)), text);
        }
      }),
    );
  }
});

const one = "services:\n  web:\n    image: app.wasm\n";

test("loadProject() looks for the file upward and takes the override beside it", () =>
  inProject(
    { "compose.yaml": one, "compose.override.yaml": "services:\n  web:\n    labels: { a: b }\n" },
    async (folder) => {
      mkdirSync(join(folder, "a", "b"), { recursive: true });
      const project = await loadProject({ cwd: join(folder, "a", "b"), env });
      assert.equal(project.name, "shop");
      assert.equal(project.folder, folder);
      assert.equal(project.files.length, 2);
      assert.deepEqual(project.services.get("web")?.labels, { a: "b" });
    },
  ));

test("loadProject() finds no file and says what to write", () =>
  inProject({}, async (cwd) => {
    await assert.rejects(loadProject({ cwd, env, files: ["compos.yaml"] }), { code: "COMPOSE_FILE_NOT_FOUND" });
    await assert.rejects(loadProject({ cwd, env: { ...env, COMPOSE_FILE: "x.yaml" } }), {
      code: "COMPOSE_FILE_NOT_FOUND",
    });
  }));

test("loadProject() takes the name from -p, COMPOSE_PROJECT_NAME, the file, the folder, in this order", () =>
  inProject({ "compose.yaml": `name: file-\${A}\n${one}`, ".env": "A=1\n" }, async (cwd) => {
    const nameOf = async (more: object): Promise<string> => (await loadProject({ cwd, env, ...more })).name;
    assert.equal(await nameOf({ projectName: "typed", env: { COMPOSE_PROJECT_NAME: "variable" } }), "typed");
    assert.equal(await nameOf({ env: { COMPOSE_PROJECT_NAME: "variable" } }), "variable");
    assert.equal(await nameOf({}), "file-1");
    await assert.rejects(nameOf({ projectName: "My Shop" }), {
      code: "COMPOSE_NAME_INVALID",
      hint: "did you mean myshop",
    });
  }));

test("loadProject() prefers the surroundings to .env, and the file after --env-file to both .env", () =>
  inProject(
    { "compose.yaml": `${one}    command: $A $B $C\n`, ".env": "A=1\nB=2\n", "other.env": "C=3\nB=$A!\n" },
    async (cwd) => {
      const argsOf = async (more: object): Promise<unknown> =>
        (await loadProject({ cwd, env: { A: "outer" }, ...more })).services.get("web")?.args;
      assert.deepEqual(await argsOf({}), ["outer", "2"]);
      assert.deepEqual(await argsOf({ envFiles: ["other.env"] }), ["outer", "outer!", "3"]);
      await assert.rejects(argsOf({ envFiles: ["none.env"] }), { code: "COMPOSE_FILE_NOT_FOUND" });
    },
  ));

test("loadProject() turns on the profiles that are typed, of COMPOSE_PROFILES, of the services named, or all", async () => {
  const text = `${one}  a:\n    image: app.wasm\n    profiles: [x]\n  b:\n    build: .\n    profiles: [y]\n`;
  const namesOf = async (more: object): Promise<string[]> => [...(await load(text, more)).services.keys()];
  assert.deepEqual(await namesOf({}), ["web"]);
  assert.deepEqual(await namesOf({ profiles: ["x"] }), ["web", "a"]);
  assert.deepEqual(await namesOf({ env: { COMPOSE_PROFILES: "x,z" } }), ["web", "a"]);
  assert.deepEqual(await namesOf({ services: ["a"] }), ["web", "a"]);
  await assert.rejects(namesOf({ profiles: ["*"] }), { code: "COMPOSE_UNSUPPORTED" });
  await assert.rejects(namesOf({ services: ["wbe"] }), { code: "COMPOSE_SERVICE_UNKNOWN", hint: "did you mean web" });
});

test("loadProject() reads env files: the later one wins, environment over both, raw as it stands", async () => {
  const text = `${one}    env_file:\n      - a.env\n      - { path: b.env, format: raw }\n      - { path: none.env, required: false }\n    environment: { C: own }\n`;
  const others = { "a.env": "A=1\nB=1\nC=1\n", "b.env": "B='$A'\nC=2\n" };
  const project = await load(text, { others });
  assert.deepEqual(project.services.get("web")?.env, { A: "1", B: "'$A'", C: "own" });
});

test("loadProject() takes the module of x-sampan in the place of an image", async () => {
  const text = "services:\n  web:\n    image: registry.example.com/shop:2\n    x-sampan: { module: ./app.wasm }\n";
  assert.match(JSON.stringify((await load(text)).services.get("web")?.image), /"kind":"wasm","path":".*app\.wasm"/);
});

test("loadProject() knows the images with a stand-in behind any registry", async () => {
  const names = [
    "postgres",
    "postgres:16-alpine",
    "docker.io/library/nginx",
    "library/mariadb:11",
    "public.ecr.aws/docker/library/mysql:8",
    `mysql@sha256:${"a".repeat(64)}`,
    "localhost:5000/nginx:1",
  ];
  for (const image of names) {
    const found = (await load(`services:\n  db:\n    image: ${image}\n`)).services.get("db")?.image;
    assert.equal(found?.kind, "stand-in", image);
  }
  for (const image of ["bitnami/postgres", "postgis/postgis", "node:22"]) {
    const { code } = await toldOf(load(`services:\n  db:\n    image: ${image}\n`));
    assert.equal(code, "COMPOSE_UNSUPPORTED", image);
  }
});

test("a service's grants are its variables, bound folders, working directory and outbound hosts, and no ports", () =>
  inProject(
    {
      "compose.yaml": `${one}    environment: { A: b }\n    volumes: ["./data:/data:ro"]\n    working_dir: /data/x\n    ports: ["80:80"]\n    x-sampan: { outbound: "api.example.com:443" }\n`,
    },
    async (cwd) => {
      const grants = (await loadProject({ cwd, env })).services.get("web")?.grants;
      assert.deepEqual(grants?.env, { A: "b" });
      assert.deepEqual(grants?.files, [{ host: join(cwd, "data"), guest: "/data", access: "read-only" }]);
      assert.equal(grants?.workdir, "/data/x");
      assert.deepEqual(grants?.net, {
        connect: [{ host: { kind: "name", name: "api.example.com" }, ports: { first: 443, last: 443 } }],
        listen: [],
        publish: [],
        dns: false,
      });
    },
  ));

test("a service on internal networks alone has no outbound hosts", async () => {
  const text = `${one}    networks: [back]\n    x-sampan: { outbound: example.com }\nnetworks:\n  back: { internal: true }\n`;
  const web = (await load(text)).services.get("web");
  assert.deepEqual([web?.outbound, web?.grants.net.connect], [[], []]);
});

test("loadProject() warns of what has no effect and of variables that are not set, with places", async () => {
  const { warnings } = await load(`version: "3"\n${one}    hostname: web\n    command: $NONE\n`);
  assert.deepEqual(
    warnings.map(({ line, column, path }) => [line, column, path]),
    [
      [1, 1, "version"],
      [5, 5, "services.web.hostname"],
      [6, 14, "services.web.command"],
    ],
  );
});

test("loadProject() accepts modules, env files and secrets that are not there where it is told to", async () => {
  const text =
    "services:\n  web:\n    image: gone.wasm\n    env_file: gone.env\n    secrets: [a]\nsecrets:\n  a: { file: gone }\n";
  assert.equal((await load(text, { missingFiles: "accept" })).services.size, 1);
  assert.equal((await toldOf(load(text))).told.length, 6);
});
