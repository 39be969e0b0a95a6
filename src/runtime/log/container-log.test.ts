import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import type { ByteSink } from "../../base/index.ts";
import { Stamps } from "../clock.ts";
import { collect, FakeClock, settle } from "../runtime-fixture.ts";
import { ContainerLog, type LogLimits } from "./container-log.ts";
import { FolderStore } from "./folder-store.ts";
import { formatEntry } from "./log-entry.ts";
import type { LogStore } from "./log-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { readLogFolder } from "./read-folder.ts";

const root = mkdtempSync(join(tmpdir(), "sampan-log-"));
after(() => rmSync(root, { recursive: true }));
const newFolder = (): string => join(mkdtempSync(join(root, "log-")), "own");
const large: LogLimits = { maxSize: 2 ** 20, maxFile: 3 };

async function open(store: LogStore, limits = large) {
  const clock = new FakeClock();
  const log = await ContainerLog.open(store, { limits, clock, stamps: new Stamps(clock) });
  const sinks = log.createSinks();
  const texts = async (options = {}) => (await collect(log.read(options))).map(({ text }) => text);
  return { clock, log, sinks, texts };
}

async function write(sink: ByteSink, text: string): Promise<void> {
  for (let rest = Buffer.from(text); rest.length > 0;) rest = rest.subarray(await sink.write(rest));
}

const line = (number: number): string => `line ${String(number).padStart(6, "0")} ${"x".repeat(100)}\n`;
const numberOf = (text: string): number => Number(text.slice(5, 11));

for (const [kind, createStore] of [
  ["memory", () => new MemoryStore()],
  ["a folder", () => new FolderStore(newFolder())],
] as const) {
  describe(`ContainerLog in ${kind}`, () => {
    test("read() gives entries of both streams in the order they were written, with times that grow", async () => {
      const { log, sinks } = await open(createStore());
      await write(sinks.stdout, "out 1\nout");
      await write(sinks.stderr, "err 1\n");
      await write(sinks.stdout, " 2\nno end");
      sinks.end();
      await log.drained();
      const entries = await collect(log.read());
      assert.deepEqual(
        entries.map(({ stream, text }) => [stream, text]),
        [
          ["stdout", "out 1\n"],
          ["stderr", "err 1\n"],
          ["stdout", "out 2\n"],
          ["stdout", "no end"],
        ],
      );
      const times = entries.map(({ time }) => time);
      assert.deepEqual(times, [...new Set(times)].toSorted());
      const [first] = entries;
      assert.ok(first !== undefined);
      assert.equal(formatEntry(first), "out 1\n");
      assert.equal(formatEntry(first, { timestamps: true }), "2026-01-31T12:00:00.000000000Z out 1\n");
      await log.close();
    });

    test("read() chooses by tail, since, until and stream", async () => {
      const { log, sinks, texts, clock } = await open(createStore());
      const times: number[] = [];
      for (const number of [0, 1, 2, 3, 4, 5]) {
        times.push(clock.now());
        await write(number % 2 === 0 ? sinks.stdout : sinks.stderr, `${number}\n`);
        await clock.advance(1000);
      }
      await log.drained();
      const numbers = async (options: object) => (await texts(options)).join("").replaceAll("\n", "");
      assert.equal(await numbers({}), "012345");
      assert.equal(await numbers({ tail: 2 }), "45");
      assert.equal(await numbers({ tail: 0 }), "");
      assert.equal(await numbers({ tail: 100 }), "012345");
      assert.equal(await numbers({ since: times[3] }), "345");
      assert.equal(await numbers({ until: times[3] }), "0123");
      assert.equal(await numbers({ since: times[1], until: times[3] }), "123");
      assert.equal(await numbers({ streams: ["stderr"] }), "135");
      assert.equal(await numbers({ streams: ["stderr"], tail: 3 }), "35");
      const [, second] = await collect(log.read());
      assert.equal(await numbers({ since: second?.time }), "12345");
      assert.throws(() => log.read({ since: "then" }), { code: "TIME_INVALID" });
      await log.close();
    });

    test("read() that follows waits for more, sees none twice and ends with the container", async () => {
      const { log, sinks } = await open(createStore());
      await write(sinks.stdout, "0\n");
      const following = collect(log.read({ follow: true }));
      const late = collect(log.read({ follow: true, tail: 0 }));
      for (const number of [1, 2, 3]) {
        await settle();
        await write(sinks.stdout, `${number}\n`);
      }
      sinks.end();
      log.setLive(false);
      const join = async (entries: typeof following) => (await entries).map(({ text }) => text.trim()).join("");
      assert.equal(await join(following), "0123");
      assert.match(await join(late), /^0?123$/);
      assert.equal(await join(collect(log.read({ follow: true }))), "0123");
      await log.close();
    });

    test("read() that follows ends with its signal, and at until though nothing is written", async () => {
      const { log, sinks, clock } = await open(createStore());
      await write(sinks.stdout, "0\n");
      await log.drained();
      const abort = new AbortController();
      const aborted = collect(log.read({ follow: true, signal: abort.signal }));
      const timed = collect(log.read({ follow: true, until: clock.now() + 5000 }));
      await settle();
      abort.abort();
      assert.equal((await aborted).length, 1);
      while (clock.timerCount === 0) await settle();
      await clock.advance(5001);
      assert.equal((await timed).length, 1);
      assert.equal(clock.timerCount, 0);
      await log.close();
    });

    test("ContainerLog keeps to its size, and a slow reader is told what it missed", async () => {
      const { log, sinks } = await open(createStore(), { maxSize: 4096, maxFile: 2 });
      await write(sinks.stdout, line(0));
      await log.drained();
      const slow = log.read({ follow: true });
      assert.equal(numberOf((await slow.next()).value?.text ?? ""), 0);
      for (let number = 1; number < 1000; number++) await write(sinks.stdout, line(number));
      sinks.end();
      log.setLive(false);
      await log.drained();
      const left = await collect(log.read());
      const bytes = left.reduce((sum, { text, time }) => sum + text.length + time.length, 0);
      assert.ok(bytes < 2 * 4096 && bytes > 4096 / 2, `${bytes} bytes`);
      assert.equal(numberOf(left.at(-1)?.text ?? ""), 999);
      let expected = 1;
      let missed = 0;
      for await (const { text, lost = 0 } of slow) {
        assert.equal(numberOf(text), expected + lost);
        expected = numberOf(text) + 1;
        missed += lost;
      }
      assert.equal(expected, 1000);
      assert.ok(missed > 500, `${missed} missed`);
      await log.close();
    });

    test("read() gives every entry once or counts it as lost, whatever is written, rotated and read meanwhile", async () => {
      const step = fc.oneof(
        fc.record({ write: fc.integer({ min: 1, max: 60 }) }),
        fc.record({ read: fc.integer({ min: 1, max: 40 }) }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), async (steps, maxFile) => {
          const { log, sinks } = await open(createStore(), { maxSize: 1024, maxFile });
          const reader = log.read({ follow: true });
          let [written, expected] = [0, 0];
          const check = (text: string, lost = 0): void => {
            assert.equal(numberOf(text), expected + lost);
            expected += lost + 1;
          };
          for (const each of steps) {
            if ("write" in each) {
              for (let count = 0; count < each.write; count++) await write(sinks.stdout, line(written++));
              await log.drained();
            } else {
              for (let count = 0; count < each.read && expected < written; count++) {
                const { value } = await reader.next();
                if (value !== undefined) check(value.text, value.lost);
              }
            }
          }
          sinks.end();
          log.setLive(false);
          for await (const { text, lost } of reader) check(text, lost);
          assert.equal(expected, written);
          await log.remove();
        }),
        { numRuns: kind === "memory" ? 200 : 40 },
      );
    });

    test("remove() leaves nothing, ends readers, and what is still written goes nowhere", async () => {
      const { log, sinks, texts } = await open(createStore());
      await write(sinks.stdout, "gone\n");
      const following = collect(log.read({ follow: true, tail: 0 }));
      await settle();
      await log.remove();
      await following;
      assert.equal(await sinks.stdout.write(Buffer.from("late\n")), 5);
      sinks.end();
      assert.equal(await sinks.stdout.write(Buffer.from("later\n")), 6);
      assert.deepEqual(await texts(), []);
    });
  });
}

test("ContainerLog writes the lines that Docker's json-file driver writes, in a file that others can not read", async () => {
  const folder = newFolder();
  const { log, sinks } = await open(new FolderStore(folder));
  await write(sinks.stderr, 'say "hi" \u0001\n');
  await log.close();
  const [name = ""] = readdirSync(folder);
  const parsed = JSON.parse(readFileSync(join(folder, name), "utf8")) as unknown;
  assert.deepEqual(parsed, { log: 'say "hi" \u0001\n', stream: "stderr", time: "2026-01-31T12:00:00.000000000Z" });
});

test("ContainerLog in a folder goes on where an earlier engine stopped, less the half line that it left", async () => {
  const folder = newFolder();
  const first = await open(new FolderStore(folder), { maxSize: 1024, maxFile: 3 });
  for (let number = 0; number < 12; number++) await write(first.sinks.stdout, line(number));
  await first.log.close();
  const newest = readdirSync(folder).toSorted().at(-1) ?? "";
  appendFileSync(join(folder, newest), '{"log":"torn');
  const second = await open(new FolderStore(folder), { maxSize: 1024, maxFile: 3 });
  for (let number = 12; number < 15; number++) await write(second.sinks.stdout, line(number));
  await second.log.close();
  const numbers = (await second.texts()).map(numberOf);
  assert.deepEqual(
    numbers,
    Array.from({ length: numbers.length }, (_, index) => 15 - numbers.length + index),
  );
  assert.ok(numbers.length > 8, `${numbers.length} left`);
  assert.deepEqual((await second.texts({ tail: 4 })).map(numberOf), [11, 12, 13, 14]);
  assert.ok(readdirSync(folder).length <= 3);
});

test("ContainerLog in a folder holds no descriptor once its container has ended, and goes on when it starts again", async () => {
  const folder = newFolder();
  const { log, sinks, texts } = await open(new FolderStore(folder));
  const held = (): number => {
    const links = readdirSync("/proc/self/fd").map((fd) => readlinkOr(`/proc/self/fd/${fd}`));
    return links.filter((target) => target.startsWith(folder)).length;
  };
  await write(sinks.stdout, "one\n");
  await log.drained();
  if (existsSync("/proc/self/fd")) assert.equal(held(), 1);
  await log.close();
  if (existsSync("/proc/self/fd")) assert.equal(held(), 0);
  log.setLive(true);
  await write(log.createSinks().stderr, "two\n");
  await log.close();
  assert.deepEqual(await texts(), ["one\n", "two\n"]);
});

function readlinkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

test("ContainerLog skips lines in a file that are no entries, and files that are gone", async () => {
  const folder = newFolder();
  const { log, sinks, texts } = await open(new FolderStore(folder), { maxSize: 1024, maxFile: 4 });
  for (let number = 0; number < 20; number++) await write(sinks.stdout, line(number));
  await log.close();
  const [oldest = "", second = ""] = readdirSync(folder).toSorted();
  const text = readFileSync(join(folder, oldest), "utf8");
  writeFileSync(
    join(folder, oldest),
    text.replace(/.*\n/, (found) => `${"?".repeat(found.length - 1)}\n`),
  );
  rmSync(join(folder, second));
  const numbers = (await texts()).map(numberOf);
  assert.ok(numbers.length > 5 && numbers.length < 19);
  assert.equal(numbers.at(-1), 19);
});

/** A store whose writes end when the test says. */
class SlowStore extends MemoryStore {
  readonly gates: { pass: () => void; fail: (error: Error) => void }[] = [];
  written = 0;

  override append(lines: Uint8Array): Promise<void> {
    return new Promise<void>((pass, fail) => this.gates.push({ pass, fail })).then(() => {
      this.written += lines.length;
      super.append(lines);
    });
  }

  override begin(first: number): Promise<void> {
    super.begin(first);
    return Promise.resolve();
  }
}

test("ContainerLog makes a writer wait once 256 KiB wait for the disk, and not longer than the disk takes", async () => {
  const store = new SlowStore();
  const { log, sinks, texts } = await open(store);
  const block = Buffer.from(`${"y".repeat(8191)}\n`);
  let writes = 0;
  let waiting: number | Promise<number> = 0;
  while (typeof waiting === "number" && writes < 1000) {
    waiting = sinks.stdout.write(block);
    writes += 1;
  }
  assert.ok(writes * block.length >= 256 * 1024 && writes * block.length < 512 * 1024, `${writes} writes`);
  let isReady = false;
  const ready = Promise.resolve(sinks.stdout.ready()).then(() => (isReady = true));
  const abort = new AbortController();
  const aborted = assert.rejects(Promise.resolve(sinks.stdout.write(block, abort.signal)), /enough/);
  abort.abort(new Error("enough"));
  await aborted;
  await settle();
  assert.equal(isReady, false);
  const writing = (async () => {
    while (!log.isDrained) {
      store.gates.shift()?.pass();
      await settle();
    }
  })();
  await ready;
  assert.equal(await waiting, block.length);
  await writing;
  assert.equal((await texts()).length, writes);
});

test("ContainerLog ends no workload when its disk is full: it counts what is lost and goes on", async () => {
  const store = new SlowStore();
  const { log, sinks } = await open(store);
  const put = async (text: string, error?: Error): Promise<void> => {
    await write(sinks.stdout, text);
    while (store.gates.length === 0) await settle();
    const gate = store.gates.shift();
    if (error === undefined) gate?.pass();
    else gate?.fail(error);
    await log.drained();
  };
  await put(line(0));
  const full = new Error("ENOSPC: no space left on device");
  await put(line(1) + line(2), full);
  await put(line(3), full);
  assert.equal(log.lost, 3);
  assert.equal(log.failure?.code, "LOG_UNWRITABLE");
  assert.equal(log.failure.cause, full);
  await put(line(4));
  assert.deepEqual(
    (await collect(log.read())).map(({ text, lost }) => [numberOf(text), lost]),
    [
      [0, undefined],
      [4, 3],
    ],
  );
});

test("ContainerLog.open() refuses limits that make no log, and says where it cannot write", async () => {
  for (const limits of [
    { maxSize: 1023, maxFile: 1 },
    { maxSize: Number.NaN, maxFile: 1 },
    { maxSize: 4096, maxFile: 0 },
  ]) {
    await assert.rejects(open(new MemoryStore(), limits), { code: "CONTAINER_INVALID" });
  }
  const file = join(root, "file");
  writeFileSync(file, "");
  await assert.rejects(open(new FolderStore(join(file, "own"))), { code: "LOG_UNWRITABLE" });
});

test("ContainerLog that acknowledges what is stored answers a write only once the store has it", async () => {
  const store = new SlowStore();
  const clock = new FakeClock();
  const log = await ContainerLog.open(store, {
    limits: large,
    clock,
    stamps: new Stamps(clock),
    acknowledges: "stored",
  });
  const { stdout } = log.createSinks();
  let isAnswered = false;
  const writing = Promise.resolve(stdout.write(Buffer.from("a line\n"))).then((count) => {
    isAnswered = true;
    return count;
  });
  while (store.gates.length === 0) await settle();
  await settle();
  assert.equal(isAnswered, false);
  store.gates.shift()?.pass();
  assert.equal(await writing, 7);
  // What is no line yet is held here, and nobody waits for it.
  assert.equal(stdout.write(Buffer.from("half")), 4);
  await log.remove();
});

test("readLogFolder() reads a log that somebody else may be writing and changes nothing in it", async () => {
  const folder = newFolder();
  const { log, sinks } = await open(new FolderStore(folder));
  for (const number of [0, 1, 2]) await write(sinks.stdout, line(number));
  await log.drained();
  const [name = ""] = readdirSync(folder);
  appendFileSync(join(folder, name), '{"log":"torn');
  const before = readFileSync(join(folder, name));
  const entries = await collect(readLogFolder(folder, { tail: 2 }));
  assert.deepEqual(
    entries.map(({ text }) => numberOf(text)),
    [1, 2],
  );
  assert.ok(before.equals(readFileSync(join(folder, name))));
  await log.remove();
  assert.deepEqual(await collect(readLogFolder(folder)), []);
  assert.equal(existsSync(folder), false);
});
