import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type CacheEntry, CompileCache } from "./index.ts";

const root = mkdtempSync(join(tmpdir(), "sampan-cache-"));
after(() => rmSync(root, { recursive: true, force: true }));
const isPosix = process.platform !== "win32";
const posixOnly = isPosix ? false : "this system has no modes";
const subject = { version: "1", options: { checks: true } };
const original = bytesOf(1000, 3);
const entry: CacheEntry = { bytes: bytesOf(300, 7), meta: bytesOf(40, 11) };
let folders = 0;

function bytesOf(length: number, step: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => index * step + (index >> 8));
}

function newFolder(): string {
  return join(root, `cache-${folders++}`);
}

function keyIn(cache: CompileCache, bytes = original, about = subject): string {
  const key = cache.keyOf(bytes, about);
  assert.ok(key !== undefined);
  return key;
}

test("CompileCache gives back what was put, to another cache over the same folder as well", async () => {
  const folder = newFolder();
  const cache = new CompileCache(folder);
  const key = keyIn(cache);
  assert.equal(cache.get(key), undefined);
  cache.put(key, entry);
  const again = new CompileCache(folder);
  assert.equal(keyIn(again), key);
  assert.deepEqual(again.get(key), entry);
  assert.deepEqual(await again.load(key), entry);
  assert.equal(await again.load(keyIn(again, bytesOf(999, 3))), undefined);
});

test("CompileCache keeps entries without bytes, and larger than what is read at once", async () => {
  const cache = new CompileCache(newFolder());
  for (const length of [0, 1, 128 * 1024 - 1, 128 * 1024, 300_001]) {
    const each = { bytes: bytesOf(length, 5), meta: bytesOf(length % 7, 1) };
    const key = keyIn(cache, each.bytes);
    cache.put(key, each);
    assert.deepEqual(cache.get(key), each);
    assert.deepEqual(await cache.load(key), each);
  }
});

test("CompileCache.keyOf() tells bytes, versions, options and secrets apart", () => {
  const cache = new CompileCache(newFolder());
  const keys = [
    keyIn(cache),
    keyIn(cache, bytesOf(1001, 3)),
    keyIn(cache, Uint8Array.from([...original, 0])),
    keyIn(cache, original, { ...subject, version: "2" }),
    keyIn(cache, original, { ...subject, options: { checks: false } }),
    keyIn(new CompileCache(newFolder())),
  ];
  for (let at = 0; at < original.length; at++) {
    const changed = original.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    keys.push(keyIn(cache, changed));
  }
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) assert.match(key, /^[0-9a-f]{64}$/);
});

test("CompileCache takes an entry with any byte changed, cut off or added for missing, and removes it", async () => {
  const folder = newFolder();
  const cache = new CompileCache(folder);
  const key = keyIn(cache);
  cache.put(key, entry);
  const file = join(folder, key);
  const whole = readFileSync(file);
  const spoiled: Buffer[] = [];
  for (let at = 0; at < whole.length; at++) {
    for (const flip of [1, 0x80, 0xff]) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ flip;
      spoiled.push(bytes);
    }
    spoiled.push(whole.subarray(0, at));
  }
  for (const more of [1, 16, 256]) spoiled.push(Buffer.concat([whole, Buffer.alloc(more)]));
  for (const [index, bytes] of spoiled.entries()) {
    writeFileSync(file, bytes);
    assert.equal(index % 2 === 0 ? cache.get(key) : await cache.load(key), undefined, `change ${index}`);
    assert.ok(!existsSync(file), `change ${index}`);
  }
  writeFileSync(file, whole);
  assert.deepEqual(cache.get(key), entry);
});

test("CompileCache takes an entry under another's name, and a folder in an entry's place, for missing", () => {
  const folder = newFolder();
  const cache = new CompileCache(folder);
  const [one, other, third] = [1, 2, 3].map((length) => keyIn(cache, bytesOf(length, 1)));
  assert.ok(one !== undefined && other !== undefined && third !== undefined);
  cache.put(one, entry);
  writeFileSync(join(folder, other), readFileSync(join(folder, one)));
  assert.equal(cache.get(other), undefined);
  mkdirSync(join(folder, third));
  assert.equal(cache.get(third), undefined);
  cache.put(third, entry);
  assert.deepEqual(cache.get(one), entry);
});

test("CompileCache makes its folder and files the user's alone", { skip: posixOnly }, () => {
  const folder = newFolder();
  mkdirSync(folder, { mode: 0o755 });
  const cache = new CompileCache(folder);
  cache.put(keyIn(cache), entry);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
});

test("CompileCache goes on without a folder that is no folder, a link or nowhere", { skip: posixOnly }, () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  const link = join(root, "link");
  symlinkSync(root, link);
  for (const folder of [file, join(file, "below"), link, "/proc/nowhere/at/all"]) {
    const cache = new CompileCache(folder);
    assert.equal(cache.keyOf(original, subject), undefined, folder);
    cache.put("0".repeat(64), entry);
    assert.equal(cache.get("0".repeat(64)), undefined, folder);
  }
});

test("CompileCache reads and goes on where its folder cannot be written", async (t) => {
  if (!isPosix || process.getuid?.() === 0) return t.skip("the superuser may write in a read-only folder");
  const folder = newFolder();
  const cache = new CompileCache(folder);
  const key = keyIn(cache);
  cache.put(key, entry);
  chmodSync(folder, 0o500);
  const other = keyIn(cache, bytesOf(5, 5));
  cache.put(other, entry);
  assert.equal(cache.get(other), undefined);
  assert.deepEqual(cache.get(key), entry);
  chmodSync(folder, 0o700);
});

test(
  "CompileCache leaves nothing of what a full disk or a process ended by force cut short",
  { skip: posixOnly },
  async () => {
    const folder = newFolder();
    const cache = new CompileCache(folder);
    const key = keyIn(cache);
    // The shell's limit on the size of files ends the writer in the middle of an entry: by EFBIG, or by a signal.
    const writer = `
    import { CompileCache } from ${JSON.stringify(new URL("index.ts", import.meta.url).href)};
    const cache = new CompileCache(${JSON.stringify(folder)});
    cache.put(${JSON.stringify(key)}, { bytes: new Uint8Array(4_000_000), meta: new Uint8Array(0) });
    console.log("went on");`;
    for (const trap of ["trap '' XFSZ;", ""]) {
      const script = `${trap} ulimit -f 1024; exec "$0" --input-type=module -e "$1"`;
      const { stdout } = spawnSync("sh", ["-c", script, process.execPath, writer], { encoding: "utf8" });
      if (trap !== "") assert.equal(stdout, "went on\n");
      assert.equal(cache.get(key), undefined);
      assert.ok(!existsSync(join(folder, key)));
    }
    cache.put(key, entry);
    assert.deepEqual(cache.get(key), entry);
  },
);

test("CompileCache has whole entries only, whenever its writer is killed", async () => {
  const folder = newFolder();
  const cache = new CompileCache(folder);
  const keys = [1, 2].map((length) => keyIn(cache, bytesOf(length, 1)));
  const writer = `
    import { CompileCache } from ${JSON.stringify(new URL("index.ts", import.meta.url).href)};
    const cache = new CompileCache(${JSON.stringify(folder)});
    console.log("ready");
    for (;;) for (const [index, key] of ${JSON.stringify(keys)}.entries())
      cache.put(key, { bytes: new Uint8Array(2_000_000).fill(index), meta: Uint8Array.of(index) });`;
  let seen = 0;
  for (let round = 0; round < 4; round++) {
    const children = [1, 2].map(() => spawn(process.execPath, ["--input-type=module", "-e", writer]));
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    for (let look = 0; look < 20 + round; look++) {
      for (const [index, key] of keys.entries()) {
        const found = look % 2 === 0 ? cache.get(key) : await cache.load(key);
        if (found === undefined) continue;
        seen += 1;
        assert.deepEqual([found.bytes.length, found.bytes[0], found.bytes.at(-1)], [2_000_000, index, index]);
      }
    }
    const ends = children.map((child) => once(child, "exit"));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ends);
    for (const key of keys) {
      // A file that is there is whole: it is never the reader who has to remove it.
      const isThere = existsSync(join(folder, key));
      assert.equal(cache.get(key) !== undefined, isThere);
    }
  }
  assert.ok(seen > 0);
});

test("CompileCache removes what was used longest ago, and what was left half written, when it grows too large", () => {
  const folder = newFolder();
  const cache = new CompileCache(folder, { maxBytes: 12_000 });
  const keys = [1, 2, 3, 4].map((length) => keyIn(cache, bytesOf(length, 1)));
  const large = { bytes: bytesOf(3500, 1), meta: new Uint8Array(0) };
  const [first, second, third, fourth] = keys;
  assert.ok(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined);
  for (const [index, key] of [first, second, third].entries()) {
    cache.put(key, large);
    utimesSync(join(folder, key), 1000 + index, 1000 + index);
  }
  assert.deepEqual(cache.get(first), large);
  for (const name of ["1-a-1.tmp", "1-b-2.tmp"]) writeFileSync(join(folder, name), "half");
  utimesSync(join(folder, "1-a-1.tmp"), 1000, 1000);
  cache.put(fourth, large);
  assert.deepEqual(
    keys.map((key) => existsSync(join(folder, key))),
    [true, false, true, true],
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith(".tmp")),
    ["1-b-2.tmp"],
  );
  assert.equal(keyIn(new CompileCache(folder), bytesOf(1, 1)), first, "the secret stays");
  cache.put(second, { ...large, bytes: bytesOf(12_000, 1) });
  assert.equal(cache.get(second), undefined);
  assert.deepEqual(cache.get(fourth), large, "one that never fits makes no room for itself");
});

test("CompileCache.load() goes on reading an entry that is evicted meanwhile", async () => {
  const folder = newFolder();
  const cache = new CompileCache(folder);
  const key = keyIn(cache);
  const large = { bytes: bytesOf(5_000_000, 3), meta: bytesOf(9, 1) };
  cache.put(key, large);
  const reading = Array.from({ length: 4 }, () => cache.load(key));
  const other = new CompileCache(folder, { maxBytes: 2000 });
  other.put(keyIn(other, bytesOf(7, 7)), entry);
  assert.ok(!existsSync(join(folder, key)));
  // Opening is up to the pool: each either came too late or has all of it.
  for (const found of await Promise.all(reading)) if (found !== undefined) assert.deepEqual(found, large);
});

test("CompileCache knows a file it was told of, until anything of it changes", { skip: posixOnly }, () => {
  const file = join(root, "module.wasm");
  writeFileSync(file, original);
  const later = Date.now() + 60_000;
  const cache = new CompileCache(newFolder(), { now: () => later });
  const stat = () => {
    const fd = openSync(file, "r");
    try {
      return fstatSync(fd, { bigint: true });
    } finally {
      closeSync(fd);
    }
  };
  const key = keyIn(cache);
  assert.equal(cache.keyOfFile(stat(), subject), undefined);
  cache.rememberFile(stat(), subject, key);
  assert.equal(cache.keyOfFile(stat(), subject), key);
  assert.equal(cache.keyOfFile(stat(), { ...subject, version: "2" }), undefined);
  const before = stat();
  for (const change of [
    () => writeFileSync(file, bytesOf(1000, 9)),
    () => utimesSync(file, 5, 5),
    () => chmodSync(file, 0o600),
    () => {
      rmSync(file);
      writeFileSync(file, original);
      utimesSync(file, Number(before.atimeMs) / 1000, Number(before.mtimeMs) / 1000);
    },
  ]) {
    cache.rememberFile(stat(), subject, key);
    assert.equal(cache.keyOfFile(stat(), subject), key);
    // The clock of a file system goes in steps: another change is only sure to show in the next one.
    const { ctimeNs } = stat();
    do change();
    while (stat().ctimeNs === ctimeNs);
    assert.equal(cache.keyOfFile(stat(), subject), undefined);
  }
  assert.equal(cache.keyOfFile(statSync(root, { bigint: true }), subject), undefined);
});

test("CompileCache does not remember a file that was changed a moment ago", () => {
  const file = join(root, "fresh.wasm");
  writeFileSync(file, original);
  const stat = statSync(file, { bigint: true });
  for (const [after, isKnown] of [
    [-60_000, false],
    [0, false],
    [1_900, false],
    [2_100, true],
  ] as const) {
    const cache = new CompileCache(newFolder(), { now: () => Number(stat.ctimeMs) + after });
    const key = keyIn(cache);
    cache.rememberFile(stat, subject, key);
    assert.equal(cache.keyOfFile(stat, subject), isKnown ? key : undefined, String(after));
  }
});

test("CompileCache takes a file's memory with any byte changed for missing", () => {
  const file = join(root, "remembered.wasm");
  writeFileSync(file, original);
  const stat = statSync(file, { bigint: true });
  const folder = newFolder();
  const cache = new CompileCache(folder, { now: () => Date.now() + 60_000 });
  const key = keyIn(cache);
  cache.rememberFile(stat, subject, key);
  const memory = readdirSync(folder).find((name) => name.endsWith(".file"));
  assert.ok(memory !== undefined);
  const whole = readFileSync(join(folder, memory));
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    for (const spoiled of [bytes, whole.subarray(0, at)]) {
      writeFileSync(join(folder, memory), spoiled);
      assert.equal(cache.keyOfFile(stat, subject), undefined);
      assert.ok(!existsSync(join(folder, memory)));
    }
  }
  // A secret that is not whole is replaced: what was kept under the old one is out of reach.
  writeFileSync(join(folder, "secret"), "short");
  assert.notEqual(keyIn(new CompileCache(folder)), key);
});
