import assert from "node:assert/strict";
import { test } from "node:test";
import { coreParameters } from "./bind.ts";
import { callsNamed } from "./modules.ts";
import { preview1 } from "./preview1/index.ts";
import { filesOfCalls } from "./wasmedge/wasmedge-fixture.ts";
import { wasmedgeVersions } from "./wasmedge/index.ts";

const snapshot = "wasi_snapshot_preview1";

/** How many parameters the versions of a call have, in the order in which they are offered. */
function parametersOf(name: string): number[] {
  return callsNamed(snapshot, name).map((row) => coreParameters(row).length);
}

test("callsNamed() offers preview 1's call first, and WasmEdge's versions behind it", () => {
  assert.deepEqual(parametersOf("sock_accept"), [3, 2]);
  assert.equal(callsNamed(snapshot, "sock_accept")[0], preview1["sock_accept"]);
  assert.deepEqual(parametersOf("sock_recv_from"), [7, 8]);
  assert.deepEqual(parametersOf("sock_recv_from_v2"), [8]);
  assert.deepEqual(parametersOf("sock_getlocaladdr"), [4, 3]);
  assert.deepEqual(parametersOf("sock_getpeeraddr_v2"), [3]);
  assert.deepEqual(parametersOf("sock_getaddrinfo"), [8]);
  assert.deepEqual(parametersOf("fd_read"), [4]);
});

test("callsNamed() tells versions of one name apart by their types", () => {
  for (const name of Object.keys(wasmedgeVersions)) {
    const types = callsNamed(snapshot, name).map((row) => coreParameters(row).join());
    assert.equal(new Set(types).size, types.length, name);
  }
});

test("callsNamed() has no call of WasmEdge's in other modules, and none by the names that every object has", () => {
  for (const [module, name] of [
    ["wasi_unstable", "sock_open"],
    ["env", "sock_open"],
    [snapshot, "toString"],
    ["__proto__", "toString"],
    [snapshot, "sock_accept_v1"],
  ] as const)
    assert.deepEqual(callsNamed(module, name), []);
});

test("each of WasmEdge's calls is in one test file's list, or another name of one that is", () => {
  const listed = Object.values(filesOfCalls).flat();
  assert.equal(new Set(listed).size, listed.length);
  const rows = new Set([...listed.flatMap((name) => wasmedgeVersions[name] ?? []), ...Object.values(preview1)]);
  const missing = Object.entries(wasmedgeVersions).filter(([, versions]) => !versions.every((row) => rows.has(row)));
  assert.deepEqual(
    missing.map(([name]) => name),
    ["epoll_oneoff"],
  );
});
