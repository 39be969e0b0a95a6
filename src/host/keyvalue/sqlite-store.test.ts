import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { defaultGrants } from "../../capabilities/index.ts";
import { HostWorkload } from "../workload.ts";
import { SqliteStore } from "./sqlite-store.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-stores-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = (): string => join(folder, `store${(files += 1)}.db`);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);
const signed = { least: -(1n << 63n), most: (1n << 63n) - 1n };

/** A process that runs code with a store of its own in a file. */
function runWith(file: string, code: string): ReturnType<typeof spawn> {
  const module = new URL("sqlite-store.ts", import.meta.url).href;
  const source = `import { SqliteStore } from ${JSON.stringify(module)};
const store = new SqliteStore({ name: "s", file: ${JSON.stringify(file)} });
const bytes = (text) => new TextEncoder().encode(text);
${code}`;
  return spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["ignore", "pipe", "inherit"] });
}

test("SqliteStore has what was acknowledged when another process that wrote it was killed", async () => {
  const file = newFile();
  const writer = runWith(
    file,
    'for (let i = 0; ; i++) { store.set("n" + i, bytes(String(i))); process.stdout.write(i + "\\n"); }',
  );
  let acknowledged = -1;
  for await (const line of createInterface({ input: writer.stdout ?? assert.fail("no output") })) {
    acknowledged = Number(line);
    if (acknowledged >= 500) break;
  }
  writer.kill("SIGKILL");
  await once(writer, "exit");
  const store = new SqliteStore({ name: "s", file });
  for (let i = 0; i <= acknowledged; i++) assert.equal(textOf(store.get(`n${i}`)), String(i));
  const { keys } = store.keys();
  assert.ok(keys.length > 500);
  store.set("after", bytes("x"));
  assert.equal(textOf(store.get("after")), "x");
  store.close();
});

test("SqliteStore counts correctly, and swaps no change away, from several processes at once", async () => {
  const file = newFile();
  new SqliteStore({ name: "s", file }).close();
  const code = `
const range = { least: -(1n << 63n), most: (1n << 63n) - 1n };
for (let i = 0; i < 400; i++) {
  store.increment("count", 1n, range);
  for (let seen = store.snapshot("swapped"); ; ) {
    const next = Number(seen.value === undefined ? 0 : new TextDecoder().decode(seen.value)) + 1;
    const other = store.swap(seen, bytes(String(next)));
    if (other === undefined) break;
    seen = other;
  }
}
store.close();`;
  const workers = [1, 2, 3].map(() => runWith(file, code));
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, "exit"))[0] as number));
  assert.deepEqual(codes, [0, 0, 0]);
  const store = new SqliteStore({ name: "s", file });
  assert.equal(store.increment("count", 0n, signed), 1200n);
  assert.equal(textOf(store.get("swapped")), "1200");
  store.close();
});

test("two SqliteStores begin the same new file at once", async () => {
  const file = newFile();
  const workers = [1, 2, 3].map((each) => runWith(file, `store.set("w${each}", bytes("x")); store.close();`));
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, "exit"))[0] as number));
  assert.deepEqual(codes, [0, 0, 0]);
  const store = new SqliteStore({ name: "s", file });
  assert.deepEqual(store.keys().keys.toSorted(), ["w1", "w2", "w3"]);
  store.close();
});

test(
  "SqliteStore gives up with KEYVALUE_BUSY where another process keeps the file for itself",
  { timeout: 60_000 },
  () => {
    const file = newFile();
    const store = new SqliteStore({ name: "s", file });
    const other = new DatabaseSync(file);
    other.exec("begin immediate");
    assert.throws(() => store.set("a", bytes("x")), { code: "KEYVALUE_BUSY" });
    // Readers go on.
    assert.equal(store.get("a"), undefined);
    other.exec("rollback");
    other.close();
    store.set("a", bytes("x"));
    store.close();
  },
);

test("SqliteStore makes its file for its owner alone", () => {
  const file = newFile();
  new SqliteStore({ name: "s", file }).close();
  assert.equal(statSync(file).mode & 0o077, 0);
});

test("SqliteStore takes no file that is none of its own, and leaves it as it is", () => {
  const fails = (file: string, pattern: RegExp): void => {
    assert.throws(() => new SqliteStore({ name: "s", file }), { code: "KEYVALUE_FILE", message: pattern });
  };
  fails(join(folder, "none", "x.db"), /there is no such folder/);
  fails(folder, /that is a folder/);
  fails("/dev/null", /that is no file/);
  const text = newFile();
  writeFileSync(text, "Dear diary, this is a text of some length that is no database at all.\n".repeat(20));
  const before = readFileSync(text);
  fails(text, /not a database/);
  assert.deepEqual(readFileSync(text), before);
  const others = newFile();
  const database = new DatabaseSync(others);
  database.exec("create table accounts (id)");
  database.close();
  fails(others, /a database of something else/);
  const broken = newFile();
  const store = new SqliteStore({ name: "s", file: broken });
  for (let i = 0; i < 200; i++) store.set(`k${i}`, new Uint8Array(500));
  store.close();
  const content = readFileSync(broken);
  content.fill(0xff, 4096);
  writeFileSync(broken, content);
  assert.throws(
    () => {
      const opened = new SqliteStore({ name: "s", file: broken });
      try {
        for (let i = 0; i < 200; i++) opened.get(`k${i}`);
        opened.set("new", bytes("x"));
      } finally {
        opened.close();
      }
    },
    { code: "KEYVALUE_FILE" },
  );
});

test("SqliteStore opens what a link of the operator's leads to, and keeps what is there from one run to the next", () => {
  const [file, link] = [newFile(), newFile()];
  const first = new SqliteStore({ name: "s", file });
  first.set("a", bytes("1"));
  first.close();
  symlinkSync(file, link);
  const second = new SqliteStore({ name: "s", file: link });
  assert.equal(textOf(second.get("a")), "1");
  assert.equal(second.increment("a", 1n, signed), 2n);
  second.close();
});

test("HostWorkload refuses a store in a folder that the guest may write, by whatever way that is named", () => {
  const inner = join(folder, "shared");
  mkdirSync(join(inner, "deep"), { recursive: true });
  const link = join(folder, "link");
  symlinkSync(inner, link);
  const make = (host: string, access: "read-only" | "read-write", file: string): HostWorkload =>
    new HostWorkload({ ...defaultGrants, files: [{ host, guest: "/data", access }], keyvalue: [{ name: "s", file }] });
  for (const file of [join(inner, "s.db"), join(inner, "deep", "s.db"), join(link, "s.db")]) {
    assert.throws(
      () => make(inner, "read-write", file),
      { code: "GRANT_INVALID", message: /the store "s" is in it/ },
      file,
    );
    assert.throws(() => make(folder, "read-write", file), { code: "GRANT_INVALID" });
    assert.ok(!existsSync(file));
  }
  make(inner, "read-only", join(inner, "s.db")).close();
  make(join(inner, "deep"), "read-write", join(inner, "s.db")).close();
});

test("HostWorkload tells who granted a store what is wrong with its file", () => {
  const file = join(folder, "closed.db");
  writeFileSync(file, "not a database, whatever the name of the file may be");
  chmodSync(file, 0o600);
  assert.throws(() => new HostWorkload({ ...defaultGrants, keyvalue: [{ name: "s", file }] }), {
    code: "KEYVALUE_FILE",
  });
});
