import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ComponentError } from "../../../component/index.ts";
import {
  hoarderComponent,
  passingComponent,
  pollableComponent,
  resultComponent,
  spinComponent,
} from "../../../../guests/small-components.ts";
import { shopComponent } from "../../../../guests/shop.ts";
import { wasi02Component } from "../../../../guests/wasi02.ts";
import { hoarderModule, keptStdio, spinModule } from "../../engine-fixture.ts";
import { Engine } from "../../engine.ts";
import { instantiate, type Instantiated, type InstantiateOptions } from "../../instantiate.ts";

type Call = (...args: readonly unknown[]) => Promise<unknown>;
type Functions = Readonly<Record<string, Call>>;

let engine: Engine;
before(() => {
  engine = new Engine({ cache: false, threadHeap: 32 });
});
after(() => engine.close());

for (const cordon of ["thread", "process"] as const) {
  const make = (bytes: Uint8Array, options: InstantiateOptions = {}): Promise<Instantiated> =>
    instantiate(bytes, { engine, cordon, ...options });

  describe(`values behind the cordon "${cordon}"`, () => {
    test("are records, options, variants and results as they are here, and errors with their payload", async () => {
      await using instance = await make(await shopComponent());
      const { total, pay } = instance.exports["demo:shop/orders@0.2.0"] as Record<"total" | "pay", Call>;
      class Line {
        readonly #name: string;
        constructor(name: string) {
          this.#name = name;
        }
        get name(): string {
          return this.#name;
        }
        get count(): number {
          return 2;
        }
        readonly price = 1.5;
        readonly more = (): void => {};
      }
      assert.equal(await total(new Set([new Line("tea")])), 3);
      await assert.rejects(total([{ name: "milk", count: 1 }]), { name: "ComponentError", payload: "milk" });
      assert.deepEqual(await pay({ tag: "open" }, 350n), { tag: "paid", val: 350n });
      assert.deepEqual(await pay({ tag: "paid", val: 1n }, 2n), { tag: "paid", val: 3n });
      await assert.rejects(total([{ name: "milk", count: () => 1 }]), {
        code: "COMPONENT_VALUE",
        message: 'demo:shop/orders@0.2.0#total(): argument "lines"[0].count: wanted u32, got a function',
      });
      await assert.rejects(pay({ tag: "lost" }, 1n), { code: "COMPONENT_VALUE", message: /wanted one of "open"/ });
      await assert.rejects(pay({ tag: "open" }, Symbol("x")), { code: "COMPONENT_VALUE" });
      assert.equal(instance.isEnded, false);
    });

    test("are bytes, records of them and resources in results, and streams both ways, chunk by chunk", async () => {
      await using instance = await make(readFileSync(new URL("../../../../guests/image/image.wasm", import.meta.url)));
      const resize = instance.exports["resize"] as Functions & { readonly Picture: PictureClass };
      const picture = await new resize.Picture({ width: 640, height: 480 }, 7);
      assert.deepEqual(await picture.size(), { width: 640, height: 480 });
      const png = await picture.encode();
      assert.ok(png instanceof Uint8Array && png.length > 0);
      // A part of a larger buffer crosses as that part.
      const within = new Uint8Array(png.length + 10).fill(1);
      within.set(png, 5);
      const small = (await resize["resize"]?.(within.subarray(5, 5 + png.length), { width: 64 })) as Uint8Array;
      const again = await resize.Picture.decode(small);
      assert.ok(again instanceof resize.Picture);
      assert.deepEqual(await again.size(), { width: 64, height: 48 });
      await assert.rejects(resize.Picture.decode(Buffer.from("no picture")), { name: "ComponentError" });
      const unread = await Promise.resolve(resize["resizeFile"]?.("/none.png", { width: 1 })).catch(
        (each: unknown) => each,
      );
      assert.ok(unread instanceof ComponentError);
      assert.equal((unread.payload as { readonly tag: string }).tag, "unreadable");

      let asked = 0;
      const chunks = [png.subarray(0, 20), png.subarray(20, 200), png.subarray(200)];
      const source = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            const chunk = chunks[asked++];
            if (chunk === undefined) controller.close();
            else controller.enqueue(chunk);
          },
        },
        { highWaterMark: 0 },
      );
      const written: Uint8Array[] = [];
      const sink = new WritableStream<Uint8Array>({ write: (chunk) => void written.push(chunk) });
      assert.equal(asked, 0, "nothing is read before the guest reads");
      const count = await resize["resizeStream"]?.(source, sink, { width: 64 });
      assert.equal(asked, 4);
      const bytes = Buffer.concat(written);
      assert.equal(BigInt(bytes.length), count);
      assert.deepEqual(bytes, Buffer.from(small));
    });

    test("are objects of the caller's that a guest takes and gives back as the same", async () => {
      class Thing {}
      const imports = { "test:host/calls": { Thing } };
      await using instance = await make(passingComponent(), { imports });
      const { pass } = instance.exports as unknown as { readonly pass: Call };
      const thing = new Thing();
      assert.equal(await pass(thing), thing);
      assert.equal(await pass(thing), thing);
      await assert.rejects(pass(7), { code: "COMPONENT_VALUE", message: /resource "thing": it is number/ });
      assert.equal(instance.isEnded, false);
    });

    test("are objects of WASI's own that only the guest's side knows, and go back there", async () => {
      await using instance = await make(pollableComponent());
      const { start, finish } = instance.exports as unknown as Record<"start" | "finish", Call>;
      const pollable = await start(1_000n);
      assert.equal(typeof pollable, "object");
      await finish(pollable);
      await assert.rejects(finish(pollable), { code: "COMPONENT_VALUE" });
      await assert.rejects(finish({}), Error);
    });

    test("are the error case that a function of the caller's throws", async () => {
      let error: unknown;
      const imports = {
        "test:host/calls": {
          try: () => (error === undefined ? undefined : Promise.reject(error)),
        },
      };
      await using instance = await make(resultComponent(), { imports });
      const { go } = instance.exports as unknown as Record<"go", Call>;
      assert.equal(await go(), undefined);
      for (error of [new ComponentError(), "no error of JavaScript's", Object.assign(new Error("x"), { payload: 1 })])
        await assert.rejects(go(), (thrown) => thrown instanceof ComponentError && thrown.payload === undefined);
      assert.equal(instance.isEnded, false);
      error = new Error("mine");
      await assert.rejects(go(), (thrown) => thrown === error);
      assert.equal(instance.isEnded, true);
    });

    test("are lines on streams of the caller's", async () => {
      const { stdio, output } = keptStdio();
      await using instance = await make(wasi02Component(), { stdout: stdio.stdout });
      const { say, sleep } = instance.exports as unknown as Record<"say" | "sleep", Call>;
      assert.equal(await say(), 0);
      await sleep(1_000_000n);
      assert.equal(output.stdout, "hell");
      const usage = await instance.usage();
      assert.equal(usage.bytesOut, 4);
      await assert.rejects(Promise.resolve(instance.invoke("leave", 3)), { code: "GUEST_EXITED", data: { code: 3 } });
      assert.equal(instance.isEnded, true);
    });

    test("are numbers of a core module", async () => {
      await using instance = await make(spinModule);
      assert.equal(await (instance.exports as unknown as Functions)["increment"]?.(41), 42);
      assert.equal(instance.mode, "async");
    });
  });
}

test("a thread that dies takes its component along and nothing else: ENGINE_WORKER_LOST", async () => {
  const bytes = hoarderComponent(hoarderModule);
  const [victim, neighbour] = await Promise.all([
    instantiate(bytes, { engine, cordon: "thread" }),
    instantiate(bytes, { engine, cordon: "thread" }),
  ]);
  const { hoard } = victim.exports as unknown as Functions;
  await assert.rejects(Promise.resolve(hoard?.()), { code: "ENGINE_WORKER_LOST", message: /heap/ });
  assert.equal(victim.isEnded, true);
  await assert.rejects(victim.invoke("answer"), { code: "INSTANCE_ENDED", message: /Lost what ran in a worker/ });
  await victim.close();
  assert.equal(await neighbour.invoke("answer"), 42);
  await neighbour.close();
});

test("a process that is killed takes its component along and nothing else", async () => {
  const before = new Set(childrenOf(process.pid));
  const victim = await instantiate(spinComponent(spinModule), { engine, cordon: "process" });
  const [child] = childrenOf(process.pid).filter((each) => !before.has(each));
  assert.ok(child !== undefined);
  const neighbour = await instantiate(spinComponent(spinModule), { engine, cordon: "process" });
  const spinning = assert.rejects(victim.invoke("spin"), { code: "ENGINE_WORKER_LOST", message: /SIGKILL/ });
  process.kill(child, "SIGKILL");
  await spinning;
  assert.equal(victim.isEnded, true);
  await victim.close();
  assert.equal(await neighbour.invoke("increment", 1), 2);
  await neighbour.close();
});

test("an instance elsewhere that nobody can reach any more is closed there", async () => {
  await using own = new Engine({ cache: false });
  await (async () => {
    const instance = await instantiate(spinComponent(spinModule), { engine: own, cordon: "thread" });
    assert.equal(await instance.invoke("increment", 1), 2);
  })();
  assert.equal(own.instanceCount, 1);
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let turns = 0; own.workerCount > 0; turns++) {
    assert.ok(turns < 10_000, "it is there still");
    collect();
    await turn();
  }
  assert.equal(own.instanceCount, 0);
});

interface PictureClass {
  new (size: { width: number; height: number }, gray: number): Promise<Picture>;
  decode(image: Uint8Array): Promise<Picture>;
}

interface Picture {
  size(): Promise<{ width: number; height: number }>;
  encode(): Promise<Uint8Array>;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}
