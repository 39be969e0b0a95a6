import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attenuate } from "./attenuate.ts";
import { check } from "./check.ts";
import { anyAbsoluteRequest, anyCwd, anyGrants } from "./grants-arbitrary.ts";
import { grantsFromFlags } from "./grants-from-flags.ts";
import { defaultGrants, type Grants, noGrants } from "./grants.ts";
import { narrowToUsed } from "./learn.ts";
import type { AccessRequest } from "./request.ts";
import { readGrants } from "./schema.ts";
import { typedWords } from "./typed-words.ts";

const granted = (...flags: string[]): Grants => grantsFromFlags(flags.flatMap(typedWords), { cwd: "/home" });
const learned = (grants: Grants, uses: AccessRequest[]): Grants =>
  readGrants(narrowToUsed(grants, { uses, refusals: [] }), { cwd: "/" });
const file = (path: string, operation: "read" | "write" = "read"): AccessRequest => ({
  capability: "files",
  operation,
  path,
});

test("narrowToUsed() writes a file of grants that lie within the first and allow all that was used", () => {
  let used = 0;
  const requests = fc.array(anyAbsoluteRequest, { maxLength: 20 });
  fc.assert(
    fc.property(anyGrants, requests, requests, anyCwd, (grants, uses, refusals, cwd) => {
      const fewer = readGrants(narrowToUsed(grants, { uses, refusals, cwd }), { cwd: "/" });
      assert.deepEqual(attenuate(grants, fewer), fewer);
      for (const use of uses.filter((each) => check(grants, each).allowed)) {
        assert.ok(check(fewer, use).allowed, JSON.stringify(use));
        used += 1;
      }
      for (const refusal of refusals) if (check(fewer, refusal).allowed) assert.ok(check(grants, refusal).allowed);
    }),
    { numRuns: 1000 },
  );
  assert.ok(used > 1000, `${used} used`);
});

test("narrowToUsed() leaves nothing of what a run did not use", () => {
  const grants = granted(
    "-v ./data:/data",
    "-e A=1",
    "--allow-net db:5432",
    "--allow-listen 80",
    "-p 8080:80",
    "--allow-dns",
  );
  assert.deepEqual(learned(grants, []), noGrants);
  assert.deepEqual(learned(defaultGrants, [{ capability: "stdio", stream: "stdout" }, { capability: "clock" }]), {
    ...noGrants,
    clock: { kind: "real" },
    stdio: ["stdout"],
  });
  assert.deepEqual(learned(grants, [{ capability: "env", name: "A" }]).env, { A: "1" });
  assert.deepEqual(learned(grants, [{ capability: "net.dns", name: "db" }]).net.connect, grants.net.connect);
});

test("narrowToUsed() narrows a folder to what holds all that was touched, read-only unless written", () => {
  const grants = granted("-v ./data:/data", "--dir .");
  const folders = (...uses: AccessRequest[]): string[] =>
    learned(grants, uses).files.map((each) => Object.values(each).join(" "));
  assert.deepEqual(folders(file("/data/a/b/x")), ["/home/data/a/b /data/a/b read-only"]);
  assert.deepEqual(folders(file("/data/a/b/x"), file("/data/a/c", "write")), ["/home/data/a /data/a read-write"]);
  assert.deepEqual(folders(file("/data/a/")), ["/home/data/a /data/a read-only"]);
  assert.deepEqual(folders(file("/data/a/../b/x")), ["/home/data /data read-only"]);
  assert.deepEqual(folders(file("src/x")), ["/home/src src read-only"]);
  assert.deepEqual(folders(file("x", "write")), ["/home/data /data read-only", "/home . read-write"]);
});

test("narrowToUsed() keeps the working directory in use as soon as a file is", () => {
  const grants = granted("-v ./data:/data", "-w /data/in");
  const used = learned(grants, [file("sub/x", "write")]);
  assert.deepEqual([used.workdir, used.files[0]?.guest, used.files[0]?.access], ["/data/in", "/data/in", "read-write"]);
  assert.equal(learned(grants, []).workdir, undefined);
});

test("narrowToUsed() keeps both the name and the CIDR that a connection took", () => {
  const grants = granted("--allow-net db:5432", "--allow-net 10.0.0.0/8", "--allow-net other");
  const used = learned(grants, [{ capability: "net.connect", host: "db", port: 5432, addresses: ["10.0.0.1"] }]);
  assert.deepEqual(used.net.connect, grants.net.connect.slice(0, 2));
});

test("narrowToUsed() lists refused calls as comments, each once with its fix", () => {
  const text = narrowToUsed(granted("-v ./data:/data:ro"), {
    uses: [],
    refusals: [file("/etc/a"), file("/etc/a"), file("/data/x", "write"), { capability: "clock" }],
    cwd: "/home",
  });
  assert.deepEqual(
    text.split("\n").filter((line) => line.startsWith("#")),
    [
      "# Refused in that run, and what would allow it:",
      '# files: ["/etc:/etc:ro"]  # -v /etc:/etc:ro: no granted folder contains "/etc/a"',
      '# files: ["/home/data:/data"]  # -v ./data:/data instead of -v ./data:/data:ro: the granted folder "/data" is read-only',
    ],
  );
  const odd = narrowToUsed(noGrants, { uses: [], refusals: [file("/a\nclock: real\n/x")] });
  assert.deepEqual(readGrants(odd, { cwd: "/" }), noGrants);
});
