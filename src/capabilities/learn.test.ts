import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attenuate } from "./attenuate.ts";
import { check } from "./check.ts";
import { anyAbsoluteRequest, anyGrants } from "./grants-arbitrary.ts";
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
    fc.property(anyGrants, requests, requests, (grants, uses, refusals) => {
      const fewer = readGrants(narrowToUsed(grants, { uses, refusals }), { cwd: "/" });
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

test("narrowToUsed() offers what was refused as lines that join the file without their #", () => {
  const text = narrowToUsed(granted("-v ./data:/data:ro", "--stdio stdout", "--clock none"), {
    uses: [file("/data/x"), { capability: "stdio", stream: "stdout" }],
    refusals: [
      file("/etc/a"),
      file("/etc/b"),
      file("/data/x", "write"),
      { capability: "clock" },
      { capability: "stdio", stream: "stderr" },
      { capability: "env", name: "HOME" },
      { capability: "net.connect", host: "db", port: 80 },
      { capability: "net.dns", name: "db" },
    ],
  });
  assert.deepEqual(text.split("\n"), [
    "# What is a comment below was refused in that run: a line without its # allows it.",
    "clock:",
    "  # real  # --clock none takes it away",
    "random: none",
    "stdio:",
    "  - stdout",
    "  # - stderr  # stderr is not among the granted streams",
    "env:",
    '  # HOME:  # no grant names the variable "HOME"',
    "files:",
    "  - /home/data:/data:ro",
    '  # - /etc:/etc:ro  # no granted folder contains "/etc/a"',
    '  # - /home/data:/data  # the granted folder "/data" is read-only',
    "net:",
    "  connect:",
    '    # - db:80  # no grant covers "db" port 80',
    '  # dns: true  # no grant covers resolving "db"',
    "",
  ]);
  const odd = narrowToUsed(noGrants, { uses: [], refusals: [file("/a\nclock: real\n/x")] });
  assert.deepEqual(readGrants(odd, { cwd: "/" }), noGrants);
  assert.equal(odd.split("\n").filter((line) => /^ *clock: real/.test(line)).length, 0);
});

/** The file with some of its offers made, where `isMade` says so of their lines. */
function withOffers(text: string, isMade: (line: string, at: number) => boolean): string {
  return text
    .split("\n")
    .map((line, at) => (/^ +# /.test(line) && isMade(line, at) ? line.replace("# ", "") : line))
    .join("\n");
}

test("narrowToUsed() writes offers that leave the file valid, each by itself and all together, and that allow the call", () => {
  const lookup = (): string => "value";
  let made = 0;
  const requests = fc.array(anyAbsoluteRequest, { maxLength: 8 });
  fc.assert(
    fc.property(anyGrants, requests, requests, (grants, uses, refusals) => {
      const text = narrowToUsed(grants, { uses, refusals });
      for (const at of text.split("\n").keys())
        readGrants(
          withOffers(text, (_, each) => each === at),
          { cwd: "/", lookup },
        );
      for (const refusal of refusals.filter((each) => !check(grants, each).allowed)) {
        const alone = narrowToUsed(grants, { uses, refusals: [refusal] });
        const opened = readGrants(
          withOffers(alone, () => true),
          { cwd: "/", lookup },
        );
        assert.ok(check(opened, refusal).allowed, alone);
        made += 1;
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(made > 500, `${made} made`);
});

test("narrowToUsed() asks whoever knows more why a request was refused", () => {
  const grants = granted("-v ./data:/data:ro");
  const text = narrowToUsed(grants, {
    uses: [file("/data/x")],
    refusals: [file("/data/link")],
    decide: () => ({ allowed: false, reason: "a link", fix: { flag: "-v ./other:/home/other:ro", line: "" } }),
    cwd: "/home",
  });
  assert.match(text, /^ {2}# - \/home\/other:\/home\/other:ro {2}# a link$/m);
});

test("narrowToUsed() says why a request was refused where no grant can allow it", () => {
  const text = narrowToUsed(noGrants, { uses: [], refusals: [{ capability: "env", name: "A B" }] });
  assert.match(text, /\n# Refused, and no line here allows it: no grant names the variable "A B"\n$/);
  assert.deepEqual(readGrants(text, { cwd: "/" }), noGrants);
});

test("narrowToUsed() writes variables of the surroundings by name, without their values", () => {
  const text = narrowToUsed(granted("-e TOKEN=secret", "-e A=1"), {
    uses: [{ capability: "env", name: "A" }],
    refusals: [],
    fromSurroundings: new Set(["TOKEN"]),
  });
  assert.ok(!text.includes("secret"), text);
  assert.deepEqual(readGrants(text, { cwd: "/", lookup: () => "other" }).env, { TOKEN: "other", A: "1" });
});
