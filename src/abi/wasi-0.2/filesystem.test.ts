import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createFixture, type Wasi02Fixture } from "./wasi02-fixture.ts";

const streams = "io/streams#[method]";
const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array);
const bytesOf = (content: string): Uint8Array => new TextEncoder().encode(content);

function method(fixture: Wasi02Fixture, name: string, self: unknown, ...values: readonly unknown[]): unknown {
  return fixture.call(`filesystem/types#[method]descriptor.${name}`, self, ...values);
}

function openAt(fixture: Wasi02Fixture, path: string, how: Record<string, boolean> = {}): unknown {
  const { create, truncate, exclusive, directory, ...flags } = how;
  const open = { create, truncate, exclusive, directory };
  return method(fixture, "open-at", fixture.root, { symlinkFollow: true }, path, open, flags);
}

function codeOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return (error as { payload?: unknown }).payload;
  }
  return undefined;
}

test("open-at creates, writes and reads at offsets; read tells the end", () => {
  const fixture = createFixture();
  const file = openAt(fixture, "a.txt", { create: true, read: true, write: true });
  assert.equal(method(fixture, "write", file, bytesOf("hello"), 0n), 5n);
  assert.equal(method(fixture, "write", file, bytesOf("J"), 0n), 1n);
  const [bytes, isEnd] = method(fixture, "read", file, 100n, 1n) as [Uint8Array, boolean];
  assert.deepEqual([text(bytes), isEnd], ["ello", false]);
  assert.deepEqual(method(fixture, "read", file, 100n, 5n), [new Uint8Array(0), true]);
  assert.equal(readFileSync(join(fixture.folder, "a.txt"), "utf8"), "Jello");
});

test("streams of a file read and write from their own offsets, and outlive its descriptor", () => {
  const fixture = createFixture();
  const { call } = fixture;
  const file = openAt(fixture, "a", { create: true, read: true, write: true });
  const output = method(fixture, "write-via-stream", file, 2n);
  const end = method(fixture, "append-via-stream", file);
  call(`${streams}output-stream.blocking-write-and-flush`, output, bytesOf("one"));
  call(`${streams}output-stream.blocking-write-and-flush`, end, bytesOf("END"));
  call(`${streams}output-stream.blocking-write-and-flush`, output, bytesOf("two"));
  const input = method(fixture, "read-via-stream", file, 0n);
  call("filesystem/types#[resource-drop]descriptor", file);
  assert.equal(text(call(`${streams}input-stream.blocking-read`, input, 100n)), "\0\0onetwo");
  assert.deepEqual(
    codeOf(() => call(`${streams}input-stream.blocking-read`, input, 100n)),
    { tag: "closed" },
  );
  for (const stream of [output, end]) call("io/streams#[resource-drop]output-stream", stream);
  call("io/streams#[resource-drop]input-stream", input);
  assert.equal(readFileSync(join(fixture.folder, "a"), "utf8"), "\0\0onetwo");
});

test("a descriptor is closed with the last of it and its streams, and counts against the limit until then", () => {
  const fixture = createFixture({ host: { limits: { maxFiles: 5 } } });
  writeFileSync(join(fixture.folder, "a"), "x");
  const file = openAt(fixture, "a", { read: true });
  assert.equal(
    codeOf(() => openAt(fixture, "a", { read: true })),
    "insufficient-memory",
  );
  const input = method(fixture, "read-via-stream", file, 0n);
  fixture.call("filesystem/types#[resource-drop]descriptor", file);
  assert.equal(
    codeOf(() => openAt(fixture, "a", { read: true })),
    "insufficient-memory",
  );
  fixture.call("io/streams#[resource-drop]input-stream", input);
  assert.ok(openAt(fixture, "a", { read: true }) !== undefined);
});

test("read-directory lists all entries but . and .., and two listings of one folder do not disturb one another", () => {
  const fixture = createFixture();
  for (const name of ["a", "b", "c"]) writeFileSync(join(fixture.folder, name), name);
  mkdirSync(join(fixture.folder, "d"));
  const { root } = fixture;
  const next = (listing: unknown): { name: string; type: string } | undefined =>
    fixture.call("filesystem/types#[method]directory-entry-stream.read-directory-entry", listing) as
      | { name: string; type: string }
      | undefined;
  const [first, second] = [method(fixture, "read-directory", root), method(fixture, "read-directory", root)];
  const names: string[][] = [[], []];
  for (let left = true; left;) {
    left = false;
    for (const [index, listing] of [first, second].entries()) {
      const entry = next(listing);
      if (entry === undefined) continue;
      left = true;
      names[index]?.push(`${entry.name}:${entry.type}`);
    }
  }
  const wanted = ["a:regular-file", "b:regular-file", "c:regular-file", "d:directory"];
  assert.deepEqual(
    names.map((each) => each.toSorted()),
    [wanted, wanted],
  );
});

test("stat tells type, links, size and times; set-times and set-size change them", () => {
  const fixture = createFixture();
  const file = openAt(fixture, "a", { create: true, write: true });
  method(fixture, "set-size", file, 7n);
  const time = { seconds: 1_000_000_000n, nanoseconds: 5 };
  method(fixture, "set-times", file, { tag: "no-change" }, { tag: "timestamp", val: time });
  const stat = method(fixture, "stat-at", fixture.root, {}, "a") as Record<string, unknown>;
  assert.deepEqual([stat["type"], stat["linkCount"], stat["size"]], ["regular-file", 1n, 7n]);
  assert.deepEqual((stat["dataModificationTimestamp"] as typeof time).seconds, time.seconds);
  method(fixture, "set-times-at", fixture.root, {}, "a", { tag: "timestamp", val: time }, { tag: "now" });
  assert.ok(statSync(join(fixture.folder, "a")).mtimeMs > 1_000_000_000_000);
  const wrong = { tag: "timestamp", val: { seconds: 0n, nanoseconds: 1_000_000_000 } };
  assert.equal(
    codeOf(() => method(fixture, "set-times", file, wrong, { tag: "now" })),
    "invalid",
  );
});

test("paths are made, linked, read, renamed and removed below their folder", () => {
  const fixture = createFixture();
  const { root } = fixture;
  method(fixture, "create-directory-at", root, "d");
  writeFileSync(join(fixture.folder, "d/a"), "x");
  method(fixture, "link-at", root, {}, "d/a", root, "b");
  method(fixture, "symlink-at", root, "b", "l");
  assert.equal(method(fixture, "readlink-at", root, "l"), "b");
  method(fixture, "rename-at", root, "b", root, "c");
  method(fixture, "unlink-file-at", root, "d/a");
  method(fixture, "remove-directory-at", root, "d");
  assert.equal(readFileSync(join(fixture.folder, "c"), "utf8"), "x");
  assert.equal(
    codeOf(() => method(fixture, "stat-at", root, {}, "d")),
    "no-entry",
  );
  assert.equal(
    codeOf(() => method(fixture, "link-at", root, { symlinkFollow: true }, "c", root, "e")),
    "invalid",
  );
});

test("metadata-hash and is-same-object tell files apart, by whatever name", () => {
  const fixture = createFixture();
  const { root } = fixture;
  writeFileSync(join(fixture.folder, "a"), "");
  writeFileSync(join(fixture.folder, "b"), "");
  method(fixture, "link-at", root, {}, "a", root, "c");
  const [a, b, c] = ["a", "b", "c"].map((name) => openAt(fixture, name, { read: true }));
  assert.deepEqual(method(fixture, "metadata-hash", a), method(fixture, "metadata-hash-at", root, {}, "c"));
  assert.notDeepEqual(method(fixture, "metadata-hash", a), method(fixture, "metadata-hash", b));
  assert.equal(method(fixture, "is-same-object", a, c), true);
  const hashed = (name: string): unknown => {
    method(fixture, "stat-at", root, {}, name);
    return method(fixture, "metadata-hash-at", root, {}, name);
  };
  const [before, other] = [hashed("a"), hashed("b")];
  method(fixture, "stat-at", root, {}, "a");
  method(fixture, "rename-at", root, "b", root, "a");
  assert.deepEqual(method(fixture, "metadata-hash-at", root, {}, "a"), other);
  assert.notDeepEqual(before, other);
  assert.equal(method(fixture, "is-same-object", a, b), false);
});

test("errors have the codes of wasi:filesystem/types, and streams' errors lead to them", () => {
  const fixture = createFixture();
  const { root, call } = fixture;
  writeFileSync(join(fixture.folder, "a"), "x");
  symlinkSync("/etc/passwd", join(fixture.folder, "out"));
  assert.equal(
    codeOf(() => openAt(fixture, "none")),
    "no-entry",
  );
  assert.equal(
    codeOf(() => openAt(fixture, "../x")),
    "not-permitted",
  );
  assert.equal(
    codeOf(() => openAt(fixture, "/data/a")),
    "not-permitted",
  );
  assert.equal(
    codeOf(() => openAt(fixture, "out")),
    "not-permitted",
  );
  assert.equal(
    codeOf(() => method(fixture, "readlink-at", root, "out")),
    "not-permitted",
  );
  assert.equal(
    codeOf(() => openAt(fixture, "a", { create: true, exclusive: true })),
    "exist",
  );
  assert.equal(
    codeOf(() => openAt(fixture, "a", { directory: true })),
    "not-directory",
  );
  assert.equal(
    codeOf(() => openAt(fixture, "a", { directory: true, create: true })),
    "invalid",
  );
  const file = openAt(fixture, "a", { read: true });
  assert.equal(
    codeOf(() => method(fixture, "write-via-stream", file, 0n)),
    "bad-descriptor",
  );
  assert.equal(
    codeOf(() => method(fixture, "read", file, 1n, 1n << 63n)),
    "invalid",
  );
  const folder = method(fixture, "read-via-stream", root, 0n);
  const failed = codeOf(() => call(`${streams}input-stream.blocking-read`, folder, 1n)) as {
    tag: string;
    val: unknown;
  };
  assert.equal(failed.tag, "last-operation-failed");
  assert.equal(call("filesystem/types#filesystem-error-code", failed.val), "is-directory");
  assert.match(String(call("io/error#[method]error.to-debug-string", failed.val)), /is directory/);
  assert.deepEqual(
    codeOf(() => call(`${streams}input-stream.read`, folder, 1n)),
    { tag: "closed" },
  );
});

test("a read-only grant refuses what changes something, and says so to whoever listens", () => {
  const refused: unknown[] = [];
  const observer = { isLearning: false, used: () => {}, refused: (request: unknown) => refused.push(request) };
  const fixture = createFixture({ access: "read-only", host: { observer } });
  assert.equal(
    codeOf(() => openAt(fixture, "new", { create: true, write: true })),
    "not-permitted",
  );
  assert.deepEqual(refused, [{ capability: "files", operation: "write", path: "/data/new" }]);
  const { mutateDirectory } = method(fixture, "get-flags", fixture.root) as { mutateDirectory: boolean };
  assert.equal(mutateDirectory, false);
});

test("get-flags, get-type, sync and advise work on what is open", () => {
  const fixture = createFixture();
  const file = openAt(fixture, "a", { create: true, write: true, fileIntegritySync: true });
  const flags = method(fixture, "get-flags", file) as Record<string, boolean>;
  assert.deepEqual([flags["read"], flags["write"], flags["fileIntegritySync"]], [false, true, true]);
  assert.equal(method(fixture, "get-type", file), "regular-file");
  assert.equal(method(fixture, "get-type", fixture.root), "directory");
  method(fixture, "sync", file);
  method(fixture, "sync-data", file);
  method(fixture, "advise", file, 0n, 10n, "dont-need");
});
