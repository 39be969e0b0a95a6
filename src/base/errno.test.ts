import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { test } from "node:test";
import { type Errno, errnoTable, failure, failureOfLinux, failureOfNode, HostError, refusal } from "./index.ts";

const names = Object.keys(errnoTable) as Errno[];
const rows = names.map((name): { node: string; linux: number; preview1: number; wasi?: string } => errnoTable[name]);

function assertUnique(values: readonly unknown[]): void {
  assert.equal(new Set(values).size, values.length);
}

test("errnoTable gives each failure a name and number of its own in every mapping", () => {
  assertUnique(rows.map(({ node }) => node));
  assertUnique(rows.map(({ linux }) => linux));
  assertUnique(rows.map(({ preview1 }) => preview1));
  assertUnique(rows.flatMap(({ wasi }) => (wasi === undefined ? [] : [wasi])));
});

test("errnoTable numbers preview 1's errors from 1 to 76 in the specification's order, and WasmEdge's behind them", () => {
  assert.deepEqual(
    rows.map(({ preview1 }) => preview1),
    Array.from({ length: 87 }, (_, index) => index + 1),
  );
});

test("errnoTable has Linux's numbers", { skip: process.platform !== "linux" }, () => {
  const system = constants.errno as Readonly<Record<string, number>>;
  const known = rows.filter(({ node }) => node in system);
  assert.ok(known.length >= 70, `this system names ${known.length} of them`);
  for (const { node, linux } of known) assert.equal(linux, system[node], node);
});

test("failure() answers the same frozen error each time, without a stack", () => {
  for (const name of names) {
    const error = failure(name);
    assert.equal(error, failure(name));
    assert.ok(Object.isFrozen(error));
    assert.equal(error.errno, name);
    assert.equal(error.message, errnoTable[name].node);
    assert.doesNotMatch(error.stack ?? "", /\n/);
  }
});

test("refusal is told from the system's EPERM by identity, though a guest sees the same number", () => {
  assert.notEqual(refusal, failure("perm"));
  assert.equal(refusal.errno, "perm");
  assert.equal(failureOfLinux(1), failure("perm"));
});

test("failureOfLinux() finds each number, and io for one that has no name", () => {
  for (const name of names) assert.equal(failureOfLinux(errnoTable[name].linux), failure(name));
  assert.equal(failureOfLinux(123), failure("io"));
  assert.equal(failureOfLinux(-99), failure("io"));
});

test("failureOfNode() maps what node:fs throws", () => {
  const thrown = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (error) {
      return error;
    }
  };
  const missing = new URL("./no-such-file", import.meta.url);
  assert.equal(failureOfNode(thrown(() => readFileSync(missing))), failure("noent"));
  const folder = new URL(".", import.meta.url);
  assert.equal(failureOfNode(thrown(() => readFileSync(folder))), failure("isdir"));
});

test("failureOfNode() keeps a HostError, calls an unknown system error io and leaves all else to its caller", () => {
  assert.equal(failureOfNode(refusal), refusal);
  const strange = Object.assign(new Error("strange"), { code: "ESTRANGE", errno: -999, syscall: "open" });
  assert.equal(failureOfNode(strange), failure("io"));
  const argument = Object.assign(new TypeError("wrong"), { code: "ERR_INVALID_ARG_TYPE" });
  assert.equal(failureOfNode(argument), undefined);
  assert.equal(failureOfNode(new Error("plain")), undefined);
  assert.equal(failureOfNode("text"), undefined);
  assert.equal(new HostError("noent") instanceof Error, true);
});
