import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { greeterComponent } from "../../guests/greeter.ts";
import { grayPng, sizeOfPng } from "../../guests/image/png.ts";
import { shopComponent } from "../../guests/shop.ts";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import { tryingComponent } from "../../guests/trying.ts";
import { wasi02Component } from "../../guests/wasi02.ts";
import { SampanError } from "../base/index.ts";
import { ComponentError } from "../component/index.ts";
import { allow, narrow } from "./embed/allow.ts";
import { instantiate, type InstantiateOptions } from "./instantiate.ts";

const image = fileURLToPath(new URL("../../guests/image/image.wasm", import.meta.url));
let folder: string;
let photos: string;
let shop: Uint8Array<ArrayBuffer>;
let greeter: Uint8Array<ArrayBuffer>;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "sampan-instantiate-"));
  photos = join(folder, "photos");
  mkdirSync(join(photos, "today"), { recursive: true });
  writeFileSync(join(photos, "gray.png"), grayPng(64, 32));
  writeFileSync(join(photos, "today", "gray.png"), grayPng(8, 8));
  shop = await shopComponent();
  greeter = await greeterComponent();
});
after(() => rmSync(folder, { recursive: true }));

/** An object of the image component's world, in an instance that is bound sync. */
interface Resize {
  resize: (image: Uint8Array, options: { width: number; height?: number }) => Uint8Array;
  resizeFile: (path: string, options: { width: number }) => Uint8Array;
}

interface ImageExports<Its> {
  readonly "acme:image/resize": Its;
}

class Nothing {
  get(): number {
    return 0;
  }
}

async function failureOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  return undefined;
}

function withCode(code: string, message?: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof SampanError && error.code === code && (message?.test(error.message) ?? true);
}

describe("instantiate()", () => {
  test("gives a component one folder, read-only, and calls it as a library", async () => {
    using library = await instantiate<ImageExports<Resize>>(image, {
      mode: "sync",
      allow: { dirs: { "/in": `${photos}:ro` } },
      limits: { memory: "64m", time: "20s" },
    });
    const { resize, resizeFile } = library.exports["acme:image/resize"];
    const small = resize(grayPng(200, 100), { width: 50 });
    assert.deepEqual(sizeOfPng(small), [50, 25]);
    assert.deepEqual(sizeOfPng(resizeFile("/in/gray.png", { width: 16 })), [16, 8]);
    for (const path of ["/in/../secret", "/etc/passwd", "/in/none.png"]) {
      const error = await failureOf(() => resizeFile(path, { width: 16 }));
      assert.ok(error instanceof ComponentError);
      assert.equal((error.payload as { tag: string }).tag, "unreadable");
    }
    assert.equal(library.mode, "sync");
    assert.ok((await library.usage()).calls > 0);
  });

  test("takes a path, a file: URL, bytes, a buffer, a stream and what has a body", async () => {
    const file = join(folder, "shop.wasm");
    writeFileSync(file, shop);
    const body = { arrayBuffer: () => Promise.resolve(shop.buffer) };
    const stream = new Blob([shop]).stream();
    for (const source of [
      file,
      pathToFileURL(file),
      pathToFileURL(file).href,
      shop,
      shop.buffer,
      stream,
      body,
      new Response(shop),
    ]) {
      using made = await instantiate(source);
      assert.equal(made.mode, "sync");
      assert.ok("demo:shop/orders" in made.exports);
    }
    await assert.rejects(instantiate(join(folder, "none.wasm")), withCode("FILE_NOT_FOUND"));
    await assert.rejects(instantiate(new URL("https://example.com/a.wasm")), withCode("SOURCE_INVALID"));
    await assert.rejects(instantiate(7 as never), withCode("SOURCE_INVALID"));
    await assert.rejects(instantiate(new Response(shop, { status: 404 })), withCode("SOURCE_INVALID", /404/));
    await assert.rejects(instantiate(new Uint8Array([1, 2])), withCode("GUEST_NOT_RUNNABLE"));
  });

  test("names the nearest option, grant and limit where one is mistyped", async () => {
    const hintOf = async (options: object): Promise<unknown> => {
      const error = await failureOf(() => instantiate(shop, options as InstantiateOptions));
      return error instanceof SampanError ? `${error.code} ${error.hint}` : error;
    };
    assert.equal(await hintOf({ limit: {} }), 'OPTION_UNKNOWN did you mean "limits"');
    assert.equal(await hintOf({ limits: { memroy: "1m" } }), 'OPTION_UNKNOWN did you mean "memory"');
    assert.equal(await hintOf({ mode: "asyn" }), 'OPTION_INVALID did you mean "async"');
    assert.equal(await hintOf({ cordon: "thred" }), 'OPTION_INVALID did you mean "thread"');
    assert.equal(await hintOf({ features: ["clock-timezone"] }), "OPTION_INVALID did you mean clocks-timezone");
    assert.equal(await hintOf({ allow: { dir: {} } }), 'GRANT_UNKNOWN did you mean "dirs"');
    assert.equal(await hintOf({ allow: { net: { conect: [] } } }), 'GRANT_UNKNOWN did you mean "connect"');
    await assert.rejects(instantiate(shop, { limits: { memory: "64 parsecs" } }), withCode("UNIT_INVALID"));
    await assert.rejects(instantiate(shop, { stdin: 7 as never }), withCode("OPTION_INVALID", /"stdin"/));
  });

  test("ends a call at its time, and a call that waits by its signal, whose reason is the cause", async () => {
    const imports = { "test:host/calls": { add: () => new Promise(() => {}), log: () => {}, Thing: Nothing } };
    using slow = await instantiate<{ spin: () => void }>(greeter, { imports, limits: { time: 20 } });
    assert.throws(() => slow.exports.spin(), withCode("LIMIT_DEADLINE"));
    const abort = new AbortController();
    const waiting = await instantiate(greeter, { imports, mode: "async", signal: abort.signal });
    const call = waiting.invoke("add-one", 1);
    await turn();
    const reason = new Error("the user left");
    abort.abort(reason);
    const error = await failureOf(() => call);
    assert.ok(withCode("GUEST_ABORTED", /the user left/)(error) && error instanceof Error);
    assert.equal(error.cause, reason);
    assert.ok(waiting.isEnded);
    await assert.rejects(waiting.invoke("add-one", 1), withCode("INSTANCE_ENDED"));
    await assert.rejects(instantiate(greeter, { imports, signal: abort.signal }), reason);
  });

  test("runs a core module of preview 1, whose exports are functions of numbers", async () => {
    const invoke = await compileOwnGuest("invoke");
    using made = await instantiate<{ add: (a: number, b: number) => number }>(invoke, { mode: "sync" });
    assert.equal(made.exports.add(2, 3), 5);
    const cat = await compileOwnGuest("cat");
    const chunks: Uint8Array[] = [];
    await using piped = await instantiate<{ _start: () => Promise<void> }>(cat, {
      stdin: ["tea ", "and ", "cups"],
      stdout: (chunk) => void chunks.push(chunk),
    });
    const error = await failureOf(() => piped.exports._start());
    assert.ok(error === undefined || withCode("GUEST_EXITED")(error), String(error));
    assert.equal(Buffer.concat(chunks).toString(), "tea and cups");
  });
});

describe("values of instantiate() are those of the JavaScript component tools", () => {
  test("records, options, variants and 64-bit numbers go in and out, and the error of a result is thrown", async () => {
    interface Orders {
      total: (lines: readonly { name: string; count: number; price?: number }[]) => number;
      pay: (state: { tag: string; val?: unknown }, cents: bigint) => { tag: string; val?: unknown };
    }
    using made = await instantiate<{ orders: Orders; "demo:shop/orders@0.2.0": Orders }>(shop);
    const { total, pay } = made.exports.orders;
    assert.equal(made.exports["demo:shop/orders@0.2.0"].total, total);
    assert.equal(total([{ name: "tea", count: 2, price: 3.5 }]), 7);
    assert.deepEqual(pay({ tag: "open" }, 350n), { tag: "paid", val: 350n });
    const error = await failureOf(() => total([{ name: "cup", count: 1 }]));
    assert.ok(error instanceof Error && error.name === "ComponentError");
    assert.equal((error as ComponentError).payload, "cup");
  });

  for (const mode of ["sync", "async"] as const) {
    test(`classes of the caller's are resources, dropped by the symbol of the mode ${mode}`, async () => {
      const dropped: string[] = [];
      class Thing {
        readonly #value: number;
        constructor(value: number) {
          this.#value = value;
        }
        get(): number {
          return this.#value * 2;
        }
        [Symbol.dispose](): void {
          dropped.push("now");
        }
        async [Symbol.asyncDispose](): Promise<void> {
          await turn();
          dropped.push("later");
        }
      }
      const imports = { "test:host/calls@1.2.0": { add: (a: number, b: number) => a + b, log: () => {}, Thing } };
      using made = await instantiate<{ useThing: (value: number) => unknown }>(greeter, { imports, mode });
      assert.equal(await made.exports.useThing(21), 42);
      assert.deepEqual(dropped, [mode === "sync" ? "now" : "later"], "the guest goes on when the promise is over");
    });
  }
});

describe("functions of the caller's", () => {
  const others = { log: () => {}, Thing: Nothing };

  test("a promise is waited for where the function is async, or the mode says so", async () => {
    const add = (a: number, b: number): Promise<number> => Promise.resolve(a + b);
    const later = await instantiate<{ addOne: (value: number) => unknown }>(greeter, {
      imports: { "test:host/calls": { ...others, add } },
      mode: "async",
    });
    assert.equal(await later.exports.addOne(1), 2);
    const now = await instantiate<{ addOne: (value: number) => number }>(greeter, {
      imports: { "test:host/calls": { ...others, add } },
    });
    assert.throws(() => now.exports.addOne(1), withCode("INSTANCE_ASYNC"));
  });

  for (const mode of ["sync", "async"] as const) {
    test(`what one throws with a payload, or what is no error, is the error case in mode ${mode}`, async () => {
      const thrown: unknown[] = [
        new ComponentError(7),
        Object.assign(new Error("x"), { payload: 8 }),
        { payload: 9 },
        10,
      ];
      const attempt = (at: number): number => {
        const error = thrown[at];
        // oxlint-disable-next-line typescript/only-throw-error -- what programs throw that were written for other tools
        if (error !== undefined) throw error;
        return at;
      };
      // Functions of the world itself may stand in a module.
      for (const given of [attempt, { default: attempt }]) {
        const imports = { "try-it": given };
        const made = await instantiate<{ go: (at: number) => unknown }>(tryingComponent(), { imports, mode });
        const answers: unknown[] = [];
        for (const at of [0, 1, 2, 3, 5]) answers.push(await made.exports.go(at));
        assert.deepEqual(answers, [1007, 1008, 1009, 1010, 5]);
      }
      const later = { "try-it": (at: number) => Promise.reject(thrown[at] as Error) };
      const made = await instantiate<{ go: (at: number) => unknown }>(tryingComponent(), {
        imports: later,
        mode: "async",
      });
      assert.equal(await made.exports.go(2), 1009);
    });
  }

  test("stand in the place of WASI's where a program gives those, drops among them", async () => {
    const seen: string[] = [];
    class Pollable {
      block(): void {
        seen.push("waited");
      }
      [Symbol.dispose](): void {
        seen.push("dropped");
      }
    }
    const subscribeDuration = (when: bigint): Pollable => {
      seen.push(`asked for ${when}`);
      return new Pollable();
    };
    const imports = { "wasi:io/poll": { Pollable }, "wasi:clocks/monotonic-clock@0.2.6": { subscribeDuration } };
    const made = await instantiate<{ sleep: (ns: bigint) => void }>(wasi02Component(), { imports, mode: "sync" });
    made.exports.sleep(7n);
    assert.deepEqual(seen, ["asked for 7", "waited", "dropped"]);
  });

  test("what one throws that is no error case ends the guest, and the call throws it on", async () => {
    const error = new TypeError("mine");
    const add = (): never => {
      throw error;
    };
    const made = await instantiate<{ addOne: (value: number) => number }>(greeter, {
      imports: { "test:host/calls": { ...others, add } },
    });
    assert.equal(await failureOf(() => made.exports.addOne(1)), error);
    assert.ok(made.isEnded);
  });
});

describe("grants of instances", () => {
  test("each has its own, and narrow() hands on less and never more", async () => {
    const all = allow({ dirs: { "/in": photos }, env: { LANG: "C", TOKEN: "x" }, net: "example.com:443" });
    using first = await instantiate<ImageExports<Resize>>(image, { mode: "sync", allow: all });
    const less = first.narrow({ dirs: { "/in/today": "ro" } });
    using second = await instantiate<ImageExports<Resize>>(image, { mode: "sync", allow: less });
    const files = [first, second].map(({ exports }) => exports["acme:image/resize"].resizeFile);
    assert.deepEqual(sizeOfPng(files[0]?.("/in/gray.png", { width: 4 }) ?? new Uint8Array()), [4, 2]);
    assert.deepEqual(sizeOfPng(files[1]?.("/in/today/gray.png", { width: 4 }) ?? new Uint8Array()), [4, 4]);
    assert.throws(() => files[1]?.("/in/gray.png", { width: 4 }), ComponentError);
    assert.deepEqual(second.grants.env, {});
    assert.throws(() => second.narrow({ dirs: { "/in": "ro" } }), withCode("GRANT_WIDENED", /"\/in"/));
    assert.throws(() => narrow(less, { dirs: { "/in/today": "rw" } }), withCode("GRANT_WIDENED", /read-only/));
  });

  test("exports of one instance are imports of another, and run with the grants of their own", async () => {
    const calls = { add: (a: number, b: number) => a + b, log: () => {}, Thing: Nothing };
    using inner = await instantiate<{ addOne: (value: number) => number }>(greeter, {
      imports: { "test:host/calls": calls },
    });
    using outer = await instantiate<{ addOne: (value: number) => number }>(greeter, {
      imports: { "test:host/calls": { ...calls, add: (a: number) => inner.exports.addOne(a) } },
      allow: { stdio: false, clock: false, random: false },
    });
    assert.equal(outer.mode, "sync");
    assert.equal(outer.exports.addOne(1), 2);
    const later = await instantiate<{ addOne: (value: number) => Promise<number> }>(greeter, {
      imports: { "test:host/calls": calls },
      mode: "async",
    });
    const { addOne } = later.exports;
    const through = await instantiate(greeter, { imports: { "test:host/calls": { ...calls, add: addOne } } });
    assert.equal(through.mode, "async", "a function of an instance that is bound async may wait");
    assert.equal(await through.invoke("add-one", 41), 42);
  });

  for (const mode of ["sync", "async"] as const) {
    test(`resources of an instance in mode ${mode} are those of another, whose drop runs their destructor`, async () => {
      interface Its {
        dropped: () => unknown;
        counters: { Counter: { prototype: object } };
      }
      const calls = { add: (a: number, b: number) => a + b, log: () => {}, Thing: Nothing };
      const inner = await instantiate<Its>(greeter, { imports: { "test:host/calls": calls }, mode });
      const { Counter } = inner.exports.counters as { Counter: { prototype: object } };
      Object.defineProperty(Counter.prototype, "get", {
        value(this: { read: () => unknown }) {
          return this.read();
        },
      });
      const imports = { "test:host/calls": { ...calls, Thing: Counter } };
      const outer = await instantiate<{ useThing: (value: number) => unknown }>(greeter, { imports });
      assert.equal(outer.mode, mode);
      assert.equal(await outer.exports.useThing(7), 7);
      assert.equal(await inner.invoke("dropped"), 1);
    });
  }
});

test("the image component is as small as what is committed may be", () => {
  assert.ok(readFileSync(image).length < 2_000_000);
});
