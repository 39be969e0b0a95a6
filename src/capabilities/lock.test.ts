import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anyCwd, anyGrants } from "./grants-arbitrary.ts";
import {
  compareWithLock,
  grantsFromLock,
  grantsToLock,
  type LockedComponent,
  lockName,
  parseLock,
  printLock,
} from "./lock.ts";

const digest = `sha256:${"0a".repeat(32)}`;
const other = `sha256:${"0b".repeat(32)}`;
const component: LockedComponent = {
  digest,
  imports: { "wasi:io/streams@0.2.0": ["b", "a"], "acme:x/y": [] },
  grants: ["--env=A=b=c", "--allow-dns"],
};

test("printLock() sorts components, interfaces and functions, whatever their order was, and parseLock() reads them back", () => {
  const sorted: LockedComponent = {
    ...component,
    imports: { "acme:x/y": [], "wasi:io/streams@0.2.0": ["a", "b"] },
  };
  const text = printLock(
    new Map([
      ["b.wasm", component],
      ["a.wasm", component],
    ]),
  );
  assert.equal(
    text,
    printLock(
      new Map([
        ["a.wasm", sorted],
        ["b.wasm", sorted],
      ]),
    ),
  );
  assert.deepEqual([...parseLock(text, "sampan.lock").keys()], ["a.wasm", "b.wasm"]);
  assert.deepEqual(parseLock(text, "sampan.lock").get("b.wasm"), sorted);
  assert.equal(printLock(parseLock(text, "sampan.lock")), text);
  assert.ok(text.split("\n").every((line) => line.length < 100));
});

test("parseLock() refuses what is no lock, and says what is wrong with it", () => {
  const refused: readonly [text: string, why: RegExp][] = [
    ["", /it is not JSON$/],
    ['{\n<<<<<<< mine\n "a": 1\n=======\n>>>>>>> theirs\n}', /it has the marks of a merge in it$/],
    ["[]", /it has no "components"$/],
    ['{"version":1,"components":[]}', /it has no "components"$/],
    ['{"version":2,"components":{}}', /its version is 2, wanted 1$/],
    ['{"version":1,"components":{"a":{"digest":"sha256:1","imports":{},"grants":[]}}}', /what it says of "a" is not/],
    [`{"version":1,"components":{"a":{"digest":"${digest}","imports":{"x":[1]},"grants":[]}}}`, /of "a" is not/],
    [`{"version":1,"components":{"a":{"digest":"${digest}","imports":{},"grants":"none"}}}`, /of "a" is not/],
    ['{"version":1,"components":{"a":null}}', /of "a" is not/],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => parseLock(text, "sampan.lock"), { code: "LOCK_INVALID", message }, text);
  }
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        parseLock(text, "sampan.lock");
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, "LOCK_INVALID");
      }
    }),
  );
});

test("grantsToLock() writes any grants as grantsFromLock() reads them, from any folder", () => {
  fc.assert(
    fc.property(anyGrants, anyCwd, (grants, cwd) => {
      const locked = { ...component, grants: grantsToLock(grants, { cwd }) };
      const text = printLock(new Map([["a", locked]]));
      const read = parseLock(text, "sampan.lock").get("a");
      assert.ok(read !== undefined);
      const again = grantsFromLock(read, { cwd });
      // The order of the streams says nothing.
      assert.deepEqual({ ...again, stdio: again.stdio.toSorted() }, { ...grants, stdio: grants.stdio.toSorted() });
    }),
  );
});

test("grantsToLock() leaves the value of a variable out that comes from the surroundings", () => {
  const fromSurroundings = new Set(["TOKEN"]);
  const grants = grantsFromLock({ ...component, grants: ["--env=TOKEN=secret", "--env=A=b"] }, { cwd: "/" });
  const written = grantsToLock(grants, { fromSurroundings });
  assert.deepEqual(written, ["--env=TOKEN", "--env=A=b"]);
  const read = grantsFromLock({ ...component, grants: written }, { cwd: "/", lookup: () => "new" });
  assert.deepEqual(read.env, { TOKEN: "new", A: "b" });
});

test("compareWithLock() names interfaces and functions that are new, and those that are gone", () => {
  assert.equal(compareWithLock(component, { digest, imports: { ...component.imports } }), undefined);
  assert.deepEqual(compareWithLock(component, { digest: other, imports: component.imports }), {
    isOtherContent: true,
    more: {},
    less: {},
  });
  const imports = { "wasi:io/streams@0.2.0": ["a", "c"], "wasi:sockets/tcp@0.2.0": ["bind"], toString: [] };
  assert.deepEqual(compareWithLock(component, { digest, imports }), {
    isOtherContent: false,
    more: { "wasi:io/streams@0.2.0": ["c"], "wasi:sockets/tcp@0.2.0": ["bind"], toString: [] },
    less: { "wasi:io/streams@0.2.0": ["b"], "acme:x/y": [] },
  });
});

test("lockName() is a path from the lock's folder", () => {
  assert.equal(lockName("/app/parts/a.wasm", "/app"), "parts/a.wasm");
  assert.equal(lockName("/other/a.wasm", "/app"), "../other/a.wasm");
});
