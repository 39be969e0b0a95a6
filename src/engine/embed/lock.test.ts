import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  defaultGrants,
  grantsFromFlags,
  type Grants,
  type LockedComponent,
  printLock,
} from "../../capabilities/index.ts";
import { sha256Of } from "../cache/index.ts";
import { Engine } from "../engine.ts";
import { checkLock } from "./lock.ts";
import type { PlaceData } from "./place.ts";

const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
let folder: string;
let lock: string;

before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "sampan-lock-")));
  lock = join(folder, "sampan.lock");
  mkdirSync(join(folder, "parts"));
  const locked: LockedComponent = {
    digest: sha256Of(bytes),
    imports: {},
    grants: ["--clock=coarse", "--volume=./photos:/in"],
  };
  writeFileSync(lock, printLock(new Map([["parts/a.wasm", locked]])));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function dataOf(more: Partial<PlaceData> = {}): PlaceData {
  return {
    name: "a.wasm",
    kind: "component",
    bytes,
    file: join(folder, "parts", "a.wasm"),
    grants: defaultGrants,
    limits: {},
    args: [],
    features: [],
    ...more,
  };
}

function grantsOf(...flags: readonly (readonly [flag: string, value: string])[]): Grants {
  return grantsFromFlags(
    flags.map(([flag, value]) => ({ flag, value })),
    { cwd: folder },
  );
}

const locked = (): Grants => grantsOf(["--clock", "coarse"], ["-v", "./photos:/in"]);

test("checkLock() gives a component the grants that the lock has for its file, paths from the lock's folder", () => {
  for (const where of [lock, pathToFileURL(lock), pathToFileURL(lock).href]) {
    const { grants, ...rest } = checkLock(dataOf(), where, {});
    assert.deepEqual(grants, locked());
    const { grants: _, ...before } = dataOf();
    assert.deepEqual(rest, before);
  }
});

test("checkLock() knows bytes that are of no file by their digest", () => {
  const { file: _, ...data } = dataOf();
  assert.deepEqual(checkLock(data, lock, {}).grants, locked());
  const changed = { ...data, bytes: bytes.slice(0, 4) };
  assert.throws(() => checkLock(changed, lock, {}), { code: "LOCK_MISSING" });
});

test("checkLock() refuses another component than the locked one, and says how to see and accept it", () => {
  const data = dataOf({ bytes: Uint8Array.from([...bytes, 0]) });
  assert.throws(() => checkLock(data, lock, {}), {
    code: "LOCK_DIGEST",
    kind: "denied",
    hint: /sampan lock --check parts\/a\.wasm.*sampan lock add parts\/a\.wasm/,
  });
});

test("checkLock() refuses a file that the lock does not have, and a lock that is not there or is none", () => {
  const other = dataOf({ file: join(folder, "b.wasm") });
  assert.throws(() => checkLock(other, lock, {}), {
    code: "LOCK_MISSING",
    hint: "sampan lock add b.wasm",
  });
  assert.throws(() => checkLock(dataOf(), join(folder, "none.lock"), {}), {
    code: "FILE_NOT_FOUND",
    hint: "make it with sampan lock add FILE",
  });
  assert.throws(() => checkLock(dataOf(), folder, {}), { code: "FILE_UNREADABLE" });
  const broken = join(folder, "broken.lock");
  writeFileSync(broken, "{");
  assert.throws(() => checkLock(dataOf(), broken, {}), { code: "LOCK_INVALID" });
});

test("checkLock() takes what the caller allows where it lies within the lock's grants, and nothing more", () => {
  const less = grantsOf(["--clock", "none"], ["-v", "./photos:/in:ro"]);
  assert.deepEqual(checkLock(dataOf(), lock, { allow: less }).grants, less);
  const described = checkLock(dataOf(), lock, { allow: { dirs: { "/in": "ro" } as never } }).grants;
  assert.deepEqual(described, { ...grantsOf(["-v", "./photos:/in:ro"]), clock: { kind: "coarse" } });
  assert.deepEqual(checkLock(dataOf(), lock, { allow: {} }).grants.files, []);
  const more = grantsOf(["--clock", "none"], ["-v", "./photos:/in"], ["-e", "A=b"]);
  for (const allow of [more, { env: { A: "b" } }]) {
    assert.throws(() => checkLock(dataOf(), lock, { allow }), { code: "GRANT_WIDENED", data: { flag: "-e A" } });
  }
});

test("instantiate() with a lock has its grants, and makes nothing of another component", async () => {
  const { instantiate } = await import("../instantiate.ts");
  const file = join(folder, "parts", "a.wasm");
  writeFileSync(file, bytes);
  mkdirSync(join(folder, "photos"), { recursive: true });
  await using engine = new Engine({ cache: false });
  const instance = await instantiate(file, { lock, engine });
  assert.deepEqual(instance.grants, locked());
  writeFileSync(file, Uint8Array.from([...bytes, 0, 2, 1, 0x61]));
  await assert.rejects(instantiate(file, { lock, engine }), { code: "LOCK_DIGEST" });
  assert.ok(await instantiate(file, { engine }), "without the lock it runs");
});
