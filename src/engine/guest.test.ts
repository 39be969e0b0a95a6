import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { defaultGrants } from "../capabilities/index.ts";
import { HostWorkload } from "../host/index.ts";
import { guestBytes, keptStdio, moduleOf, named, section, silent } from "./engine-fixture.ts";
import { compileGuest, type GuestModule } from "./guest-module.ts";
import { Guest, type RunResult } from "./guest.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-guest-"));
after(() => rmSync(folder, { recursive: true }));

/** Runs a command and answers how it ended and what it wrote. */
function runMain(module: GuestModule, ...args: readonly string[]): { result: RunResult; stdout: string } {
  const { stdio, output } = keptStdio();
  const workload = new HostWorkload(defaultGrants, { stdio });
  const guest = new Guest(module, { host: workload.createInstance(), args: ["guest", ...args] });
  assert.equal(guest.instantiate(), undefined);
  const result = guest.call("_start");
  guest.close();
  workload.close();
  return { result, stdout: output.stdout };
}

test("Guest.call() answers a trap with the names of its functions and their places in the file", async () => {
  const bytes = await guestBytes("trap");
  const traces = [undefined, 1 << 24].map((memory) => {
    const { result, stdout } = runMain(compileGuest(bytes, { memory }));
    assert.equal(stdout, "about to trap: unreachable\n");
    assert.ok(result.kind === "trap");
    return result.backtrace;
  });
  const [plain = [], limited] = traces;
  // A module that was rewritten for its limit has longer sections; the places told are those of the file.
  assert.deepEqual(limited, plain);
  const names = plain.map(({ name }) => name ?? "");
  for (const [index, name] of ["c", "b", "a"].entries())
    assert.match(names[index] ?? "", new RegExp(`(^|\\.)${name}$`));
  const [unreachable, call] = [0x00, 0x10];
  assert.deepEqual(
    plain.slice(0, 3).map(({ offset }) => bytes[offset]),
    [unreachable, call, call],
  );
  assert.notDeepEqual(compileGuest(bytes, { memory: 1 << 24 }).originalOffset(bytes.length + 8), bytes.length + 8);
});

test("Guest.call() gives 64 frames of an endless recursion and leaves Error.stackTraceLimit alone", async () => {
  const limit = Error.stackTraceLimit;
  const { result } = runMain(compileGuest(await guestBytes("trap")), "recursion");
  assert.ok(result.kind === "trap" && result.message === "call stack exhausted");
  assert.equal(result.backtrace.length, 64);
  assert.equal(Error.stackTraceLimit, limit);
});

for (const name of ["catch-all", "catch-all-legacy"]) {
  test(`Guest.call() ends ${name} for good: no catch_all sees an exit, a signal or a trap`, async () => {
    const module = compileGuest(await guestBytes(name));
    const caught = runMain(module, "throw");
    assert.deepEqual([caught.result, caught.stdout], [{ kind: "exit", code: 1 }, "still here: caught\n"]);
    const endings: readonly (readonly [string, RunResult])[] = [
      ["exit", { kind: "exit", code: 9 }],
      ["raise", { kind: "signal", signal: 15 }],
    ];
    for (const [kind, ending] of endings) assert.deepEqual(runMain(module, kind), { result: ending, stdout: "" });
    const { result, stdout } = runMain(module, "trap");
    assert.deepEqual([result.kind, stdout], ["trap", ""]);
  });
}

test("Guest keeps the state of a hundred instances with different grants apart", async () => {
  const module = compileGuest(await guestBytes("copy"));
  const other = compileGuest(await guestBytes("args-env"));
  const guests = Array.from({ length: 100 }, (_, index) => {
    const host = join(folder, `${index}`);
    mkdirSync(host);
    const { stdio, output } = keptStdio();
    const files = [{ host, guest: "/d", access: index % 3 === 0 ? "read-only" : "read-write" }] as const;
    const workload = new HostWorkload({ ...silent, stdio: ["stdout"], files, env: { N: `${index}` } }, { stdio });
    const [writer, teller] = [module, other].map((each) => {
      const args = each === module ? ["copy", "/d/no", "/d/out"] : ["args", `argument ${index}`];
      const guest = new Guest(each, { host: workload.createInstance(), args });
      assert.equal(guest.instantiate(), undefined);
      return guest;
    });
    assert.ok(writer !== undefined && teller !== undefined);
    return { index, writer, teller, output, workload };
  });
  // In another order than they were made in, and each of the two between those of others.
  for (const { teller } of guests.toReversed()) assert.deepEqual(teller.call("_start").kind, "returned");
  for (const { index, writer, teller, output, workload } of guests) {
    assert.equal(output.stdout, `argv[0]=args\nargv[1]=argument ${index}\nenv N=${index}\n`);
    assert.equal(writer.call("_start").kind, "exit");
    for (const guest of [writer, teller]) guest.close();
    workload.close();
  }
});

test("Guest writes where its own grant allows, whatever runs beside it", async () => {
  const module = compileGuest(await guestBytes("copy"));
  writeFileSync(join(folder, "source"), "what is copied");
  const made = ["read-only", "read-write"].map((access) => {
    const host = mkdtempSync(join(folder, "grant-"));
    const files = [
      { host: folder, guest: "/in", access: "read-only" },
      { host, guest: "/out", access: access as "read-only" | "read-write" },
    ] as const;
    const workload = new HostWorkload({ ...silent, files });
    const args = ["copy", "/in/source", "/out/copy"];
    const guest = new Guest(module, { host: workload.createInstance(), args });
    guest.instantiate();
    return { guest, workload, host };
  });
  const results = made.map(({ guest }) => guest.call("_start"));
  assert.deepEqual([results[0]?.kind, results[1]?.kind], ["exit", "returned"]);
  const written = readFileSync(join(made[1]?.host ?? "", "copy"), "utf8");
  assert.equal(written, "what is copied");
  for (const { guest, workload } of made) {
    guest.close();
    workload.close();
  }
});

const type = section(1, 1, 0x60, 0, 0);
const oneFunction = section(3, 1, 0);

/** A module whose only function has this body, and is its start or its export `f`. */
function moduleDoing(body: readonly number[], options: { isStart?: boolean } = {}): GuestModule {
  const code = [1, body.length + 2, 0, ...body, 0x0b];
  const run = options.isStart === true ? section(8, 0) : section(7, 1, ...named("f"), 0, 0);
  return compileGuest(moduleOf(type, oneFunction, run, section(10, ...code)));
}

function guestOf(module: GuestModule): Guest {
  return new Guest(module, { host: new HostWorkload(silent).createInstance(), args: [] });
}

test("Guest.instantiate() answers a trap of the module's start function", () => {
  const result = guestOf(moduleDoing([0x00], { isStart: true })).instantiate();
  assert.ok(result?.kind === "trap");
  assert.deepEqual([result.message, result.backtrace.length], ["unreachable", 1]);
  assert.equal(guestOf(moduleDoing([], { isStart: true })).instantiate(), undefined);
});

test("Guest.call() names what could be called in place of what there is not", () => {
  const guest = guestOf(moduleDoing([]));
  guest.instantiate();
  assert.deepEqual(guest.call("f"), { kind: "returned", values: [] });
  assert.throws(() => guest.call("g"), {
    code: "GUEST_EXPORT_MISSING",
    message: 'Cannot call "g" of "module": it exports f',
  });
  const empty = guestOf(compileGuest(moduleOf()));
  empty.instantiate();
  assert.throws(() => empty.call("f"), { code: "GUEST_EXPORT_MISSING", message: /it exports no function$/ });
});

test("Guest traces each call of its own and no other's", async () => {
  const module = compileGuest(await guestBytes("hello"));
  const lines: string[][] = [[], []];
  for (const own of lines) {
    const { stdio } = keptStdio();
    const workload = new HostWorkload(defaultGrants, { stdio });
    const guest = new Guest(module, {
      host: workload.createInstance(),
      args: ["x"],
      trace: (line) => void own.push(line),
    });
    guest.instantiate();
    guest.call("_start");
    guest.close();
    workload.close();
  }
  assert.ok((lines[0]?.length ?? 0) > 1);
  assert.deepEqual(lines[0], lines[1]);
  assert.ok(
    lines[0]?.some((line) => /^fd_write\(fd=1,iovs=\[.*\]\) -> 18$/.test(line)),
    `traced ${lines[0]?.join("\n")}`,
  );
});
