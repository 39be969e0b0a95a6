import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Stamps } from "./clock.ts";
import { Container } from "./container.ts";
import { Events } from "./events.ts";
import { ContainerLog } from "./log/container-log.ts";
import { MemoryStore } from "./log/memory-store.ts";
import { collect, FakeClock, FakeRunner, fakeRuntime, settle } from "./runtime-fixture.ts";

const root = mkdtempSync(join(tmpdir(), "sampan-containers-"));
after(() => rmSync(root, { recursive: true }));
const workload = { kind: "fake" };
const texts = async (entries: ReturnType<Container["logs"]>) => (await collect(entries)).map(({ text }) => text);

test("Container.logs() that follows goes on over restarts by the policy and ends with the last run", async () => {
  const { runtime, runner, clock } = fakeRuntime();
  const container = await runtime.create({ workload, restart: { name: "on-failure", max: 1 } });
  const following = texts(container.logs({ follow: true }));
  await container.start();
  runner.last.write("first\nno end");
  runner.last.exit(1);
  await clock.advance(100);
  runner.last.write("second\n");
  runner.last.exit(1);
  assert.deepEqual(await following, ["first\n", "no end", "second\n"]);
  assert.deepEqual(await texts(container.logs({ follow: true, tail: 1 })), ["second\n"]);
});

test("Container.logs() keeps what came out before a run that could not begin, and ends with a removal", async () => {
  const { runtime, runner } = fakeRuntime();
  const container = await runtime.create({ workload });
  const following = texts(container.logs({ follow: true }));
  await container.start();
  runner.last.write("one\n");
  await settle();
  await container.delete({ force: true });
  assert.deepEqual(await following, ["one\n"]);
  // What a workload writes after its end holds nobody up.
  runner.last.write("late\n");
});

test("Runtime keeps logs in a folder for each container, which goes with it and is read by the next engine", async () => {
  const logFolder = join(root, "logs");
  const first = fakeRuntime({ logFolder });
  const container = await first.runtime.create({ workload, name: "web" });
  await container.start();
  await first.runner.last.io.stdout.write(Buffer.from("one\n"));
  await first.runtime.close();
  assert.deepEqual(readdirSync(logFolder), [container.id]);

  const second = fakeRuntime({ logFolder });
  const again = await second.runtime.restore(structuredClone(container.record()));
  await again.start();
  await second.runner.last.io.stderr.write(Buffer.from("two\n"));
  second.runner.last.exit(0);
  await again.wait();
  assert.deepEqual(await texts(again.logs({ follow: true })), ["one\n", "two\n"]);
  await again.delete();
  assert.equal(existsSync(join(logFolder, container.id)), false);
});

async function containerOn(store: MemoryStore) {
  const [clock, runner] = [new FakeClock(), new FakeRunner()];
  const stamps = new Stamps(clock);
  const limits = { maxSize: 4096, maxFile: 2 };
  const log = await ContainerLog.open(store, { limits, clock, stamps });
  const record = {
    id: "ab".repeat(32),
    name: "web",
    createdAt: stamps.next(),
    config: {
      workload,
      restart: { name: "no" },
      stopSignal: "SIGTERM",
      stopTimeout: 1000,
      autoRemove: false,
      labels: {},
      log: limits,
    },
    state: { status: "created", exitCode: 0, restartCount: 0, restartDelay: 0, manuallyStopped: false },
  } as const;
  const container = new Container(record, log, {
    clock,
    stamps,
    events: new Events(clock),
    runnerOf: () => runner,
    isClosing: () => false,
    claimName: () => {},
    forget: () => {},
  });
  return { clock, runner, container };
}

test("Container is dead where its log cannot be removed, cannot be started then, and is removed the next time", async () => {
  class StubbornStore extends MemoryStore {
    failures = 1;

    override remove(): void {
      if (this.failures-- > 0) throw new Error("EBUSY: resource busy");
      super.remove();
    }
  }
  const { container } = await containerOn(new StubbornStore());
  await assert.rejects(container.delete(), { code: "LOG_UNWRITABLE" });
  const { state } = container.inspect();
  assert.deepEqual([state.status, state.removalError?.code], ["dead", "LOG_UNWRITABLE"]);
  await assert.rejects(container.start(), { code: "CONTAINER_NOT_FOUND" });
  await container.delete();
  await container.wait("removed");
});

test("Container ends two seconds after its workload though the disk does not take the last output", async () => {
  class StuckStore extends MemoryStore {
    override append(): void {
      return new Promise(() => {}) as never;
    }
  }
  const { container, runner, clock } = await containerOn(new StuckStore());
  await container.start();
  void runner.last.io.stdout.write(Buffer.from("lost\n"));
  runner.last.exit(0);
  await clock.advance(1999);
  assert.equal(container.inspect().state.status, "running");
  await clock.advance(1);
  assert.equal(container.inspect().state.status, "exited");
});

test("Container.inspect() says what of its output could not be written, and why", async () => {
  class FullStore extends MemoryStore {
    override append(): void {
      throw new Error("ENOSPC: no space left on device");
    }
  }
  const { container, runner } = await containerOn(new FullStore());
  await container.start();
  runner.last.write("lost\nlost too\n");
  const { log } = container.inspect();
  assert.equal(log.lost, 2);
  assert.equal(log.failure?.code, "LOG_UNWRITABLE");
  assert.match(log.failure.message, /ENOSPC/);
});
