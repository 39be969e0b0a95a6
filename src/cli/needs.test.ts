import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { draftsComponent } from "../../guests/drafts.ts";
import { defaultGrants, grantsFromFlags, noGrants } from "../capabilities/index.ts";
import { readComponent, readModule } from "../wasm/index.ts";
import { leftOut, needsOf } from "./needs.ts";

/** A module that imports these calls of preview 1, all of type () -> (). */
function importing(names: readonly string[], module = "wasi_snapshot_preview1"): Uint8Array {
  const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
  const body = [names.length, ...names.flatMap((name) => [...text(module), ...text(name), 0, 0])];
  return Uint8Array.from([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    1,
    4,
    1,
    0x60,
    0,
    0,
    2,
    (body.length & 0x7f) | 0x80,
    body.length >> 7,
    ...body,
  ]);
}

function needs(...names: string[]): string[] {
  return needsOf(readModule(importing(names))).map(({ capability }) => capability);
}

describe("needsOf()", () => {
  test("tells the capability of each call that asks for one", () => {
    assert.deepEqual(needs("clock_time_get"), ["clock"]);
    assert.deepEqual(needs("random_get"), ["random"]);
    assert.deepEqual(needs("fd_write", "fd_read"), ["stdio"]);
    assert.deepEqual(needs("environ_get", "environ_sizes_get"), ["env"]);
    assert.deepEqual(needs("path_open"), ["files"]);
    assert.deepEqual(needs("sock_accept"), ["net.listen"]);
    assert.deepEqual(needs("sock_connect", "sock_getaddrinfo"), ["net.connect", "net.dns"]);
    assert.deepEqual(needs("sock_connect_v2", "sock_listen_v2"), ["net.connect", "net.listen"]);
    assert.deepEqual(needs("proc_exit", "sched_yield", "args_get", "fd_close"), []);
  });

  test("takes no call of another module for one of WASI's", () => {
    assert.deepEqual(needsOf(readModule(importing(["path_open"], "env"))), []);
    assert.deepEqual(needsOf(readModule(importing(["path_open"], "wasi_unstable"))).length, 1);
  });

  test("gives the form of the flag, and what needs none", () => {
    const [random, files] = needsOf(readModule(importing(["path_open", "random_get"])));
    assert.deepEqual(files, {
      capability: "files",
      byDefault: false,
      flag: "-v HOST:GUEST[:ro|rw]",
      imports: ["path_open"],
    });
    assert.equal(random?.byDefault, true);
  });
});

test("needsOf() tells the flags of a component on drafts, which nobody has by default", () => {
  const found = needsOf(readComponent(draftsComponent()));
  assert.deepEqual(
    found.map(({ capability, byDefault }) => [capability, byDefault]),
    [
      ["config", false],
      ["keyvalue", false],
      ["log", false],
    ],
  );
});

describe("leftOut()", () => {
  const all = needsOf(
    readModule(importing(["clock_time_get", "random_get", "environ_get", "path_open", "path_unlink_file"])),
  );
  const names = (...args: Parameters<typeof leftOut>): (readonly [string, readonly string[]])[] =>
    leftOut(...args).map(({ capability, imports }) => [capability, imports]);

  test("names only the imports that no grant covers", () => {
    assert.deepEqual(names(all, defaultGrants), [
      ["env", ["environ_get"]],
      ["files", ["path_open", "path_unlink_file"]],
    ]);
    assert.equal(leftOut(all, noGrants).length, 4);
  });

  test("takes a name that is granted for one that may be resolved, and a published port for one to listen on", () => {
    const calls = needsOf(readModule(importing(["sock_connect", "sock_getaddrinfo", "sock_listen"])));
    const grants = (flag: string, value: string): typeof defaultGrants =>
      grantsFromFlags([{ flag, value }], { cwd: "/" });
    assert.deepEqual(
      names(calls, defaultGrants).map(([name]) => name),
      ["net.connect", "net.listen", "net.dns"],
    );
    assert.deepEqual(
      names(calls, grants("--allow-net", "db")).map(([name]) => name),
      ["net.listen"],
    );
    assert.deepEqual(
      names(calls, grants("--allow-net", "10.0.0.0/8")).map(([name]) => name),
      ["net.listen", "net.dns"],
    );
    assert.deepEqual(
      names(calls, grants("-p", "8080:80")).map(([name]) => name),
      ["net.connect", "net.dns"],
    );
  });

  test("tells a folder that may be read from one that may be changed", () => {
    const grants = (value: string): typeof defaultGrants =>
      grantsFromFlags(
        [
          { flag: "-v", value },
          { flag: "-e", value: "A=1" },
        ],
        { cwd: "/", lookup: () => undefined },
      );
    assert.deepEqual(names(all, grants("/a:/a:ro")), [["files", ["path_unlink_file"]]]);
    assert.deepEqual(names(all, grants("/a:/a")), []);
  });
});
