import assert from "node:assert/strict";
import { test } from "node:test";
import { GuestEnd } from "../../host/index.ts";
import { createFixture } from "./wasi02-fixture.ts";

const second = 1_000_000_000n;

test("get-arguments and get-environment answer what was granted", () => {
  const { call } = createFixture({ grants: { env: { A: "b=c", EMPTY: "" } } });
  assert.deepEqual(call("cli/environment#get-arguments"), ["program", "first"]);
  assert.deepEqual(call("cli/environment#get-environment"), [
    ["A", "b=c"],
    ["EMPTY", ""],
  ]);
});

test("initial-cwd is the folder that a guest was placed in, and none without", () => {
  const placed = createFixture({ grants: { workdir: "/data" } });
  assert.equal(placed.call("cli/environment#initial-cwd"), "/data");
  assert.equal(createFixture({ grants: { env: { PWD: "/x" } } }).call("cli/environment#initial-cwd"), undefined);
});

test("get-environment tells a learning observer of each variable", () => {
  const used: unknown[] = [];
  const observer = { isLearning: true, used: (request: unknown) => used.push(request), refused: () => {} };
  createFixture({ grants: { env: { A: "1" } }, host: { observer } }).call("cli/environment#get-environment");
  assert.deepEqual(used, [{ capability: "env", name: "A" }]);
});

test("exit ends the guest with 0 or 1, exit-with-code with any status", () => {
  const { call } = createFixture();
  const ends = (name: string, value: unknown, code: number): void =>
    assert.throws(
      () => call(name, value),
      (error) => error instanceof GuestEnd && error.reason.kind === "exit" && error.reason.code === code,
    );
  ends("cli/exit#exit", { tag: "ok" }, 0);
  ends("cli/exit#exit", { tag: "err" }, 1);
  ends("cli/exit#exit-with-code", 33, 33);
});

test("standard streams that are no terminals have none", () => {
  const { call } = createFixture({ grants: { stdio: [] } });
  for (const name of ["stdin", "stdout", "stderr"])
    assert.equal(call(`cli/terminal-${name}#get-terminal-${name}`), undefined);
});

test("clocks answer nanoseconds and a datetime, as granted", () => {
  const fixed = 1_700_000_000n * second + 5n;
  const { call } = createFixture({ grants: { clock: { kind: "fixed", unixNanoseconds: String(fixed) } } });
  assert.deepEqual(call("clocks/wall-clock#now"), { seconds: 1_700_000_000n, nanoseconds: 5 });
  assert.equal(call("clocks/monotonic-clock#now"), call("clocks/monotonic-clock#now"));
  const real = createFixture();
  const before = real.call("clocks/monotonic-clock#now") as bigint;
  assert.ok((real.call("clocks/monotonic-clock#now") as bigint) >= before);
  assert.ok((real.call("clocks/monotonic-clock#resolution") as bigint) >= 1n);
  assert.deepEqual(real.call("clocks/wall-clock#resolution"), { seconds: 0n, nanoseconds: 1 });
});

test("a clock or randomness that was not granted ends the guest by a trap, and the observer hears of it", () => {
  const refused: unknown[] = [];
  const observer = { isLearning: false, used: () => {}, refused: (request: unknown) => refused.push(request) };
  const grants = { clock: { kind: "none" }, random: { kind: "none" } } as const;
  const { call } = createFixture({ grants, host: { observer } });
  assert.throws(() => call("clocks/wall-clock#now"), { name: "WasiTrap", message: /wall-clock.*#now failed: EPERM/ });
  assert.throws(() => call("random/insecure-seed#insecure-seed"), { name: "WasiTrap" });
  assert.deepEqual(refused, [{ capability: "clock" }, { capability: "random" }]);
  // Sleeping needs no clock.
  call("io/poll#[method]pollable.block", call("clocks/monotonic-clock#subscribe-duration", 1000n));
});

test("random is secure, insecure and a seed of one source; a granted seed repeats it", () => {
  const grants = { random: { kind: "seed", seed: "x" } } as const;
  const draw = ({ call }: ReturnType<typeof createFixture>): unknown[] => [
    call("random/random#get-random-bytes", 5n),
    call("random/random#get-random-u64"),
    call("random/insecure#get-insecure-random-bytes", 3n),
    call("random/insecure#get-insecure-random-u64"),
    call("random/insecure-seed#insecure-seed"),
  ];
  const drawn = draw(createFixture({ grants }));
  assert.deepEqual(drawn, draw(createFixture({ grants })));
  assert.equal(new Set(drawn.map(String)).size, 5);
  assert.throws(() => createFixture().call("random/random#get-random-bytes", 1n << 40n), { name: "WasiTrap" });
});

test("poll answers the places of all that are ready, in order, and traps for an empty list", () => {
  const { call } = createFixture();
  const after = (nanoseconds: bigint): unknown => call("clocks/monotonic-clock#subscribe-duration", nanoseconds);
  const never = after(3600n * second);
  const ready = call("io/poll#poll", [after(0n), never, after(1n)]);
  assert.deepEqual(ready, Uint32Array.of(0, 2));
  assert.deepEqual(call("io/poll#poll", [never, after(1_000_000n)]), Uint32Array.of(1));
  assert.throws(() => call("io/poll#poll", []), { name: "WasiTrap" });
  assert.equal(call("io/poll#[method]pollable.ready", never), false);
});

test("subscribe-instant is ready from an instant of the guest's clock on", () => {
  const { call } = createFixture();
  const now = call("clocks/monotonic-clock#now") as bigint;
  const past = call("clocks/monotonic-clock#subscribe-instant", now - 1n);
  const future = call("clocks/monotonic-clock#subscribe-instant", now + 3600n * second);
  assert.equal(call("io/poll#[method]pollable.ready", past), true);
  assert.equal(call("io/poll#[method]pollable.ready", future), false);
});

test("where the guest's clock stands still, sleeping is over once it was waited for", () => {
  const { call } = createFixture({ grants: { clock: { kind: "fixed", unixNanoseconds: "0" } } });
  const short = call("clocks/monotonic-clock#subscribe-duration", 1_000_000n);
  assert.equal(call("io/poll#[method]pollable.ready", short), false);
  call("io/poll#[method]pollable.block", short);
  assert.equal(call("io/poll#[method]pollable.ready", short), true);
});

test("an instance that waits without its thread answers promises, and giving up frees it", async () => {
  const { call, host } = createFixture({ host: { waits: "suspend" } });
  const poll = call("io/poll#poll", [call("clocks/monotonic-clock#subscribe-duration", 200_000_000n)]);
  assert.ok(poll instanceof Promise);
  assert.deepEqual(await poll, Uint32Array.of(0));
  void call("io/poll#poll", [call("clocks/monotonic-clock#subscribe-duration", 3600n * second)]);
  host.cancel();
});
