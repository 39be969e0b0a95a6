import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Random } from "../../../fuzz/random.ts";
import { WitGenerator } from "../../../fuzz/wit-text.ts";
import { readWit, type WitWorld } from "../../wasm/wit/index.ts";
import { writeDeclarations } from "./write-declarations.ts";

function worldOf(text: string): WitWorld {
  const [world] = readWit([{ path: "it.wit", text }], { features: "all" }).root.worlds.values();
  if (world === undefined) throw new TypeError("no world");
  return world;
}

/** What TypeScript says of files, in strict mode. */
function check(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "sampan-declarations-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const config = {
      compilerOptions: { strict: true, noEmit: true, target: "esnext", module: "nodenext", lib: ["esnext"], types: [] },
      files: Object.keys(files),
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(import.meta.dirname, "../../../node_modules/typescript/bin/tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    return status === 0 ? "" : stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const text = `package shop:it@1.2.0;
/// What is stored.
interface store {
  /// An */ item.
  record entry { the-name: string, %constructor: option<u8>, bytes: list<u8>, deep: option<option<char>> }
  variant found { yes(entry), no, }
  enum mode { read-only, write }
  flags rights { can-read, can-write }
  type number = u32;
  type numbers = list<number>;
  type outcome = result<numbers, mode>;
  resource error { constructor(message: string) -> result<error>; new: func(%delete: u64, t: tuple<u8, f64>) -> map<string, found>;
    %static: static func() -> own<error>; }
  /// Looks.
  @deprecated(version = 1.1.0) @since(version = 1.0.0)
  look: func(a: s64, b: borrow<error>, mode: option<mode>) -> outcome;
  wait: async func() -> result<_, entry>;
}
world app {
  use store.{error};
  record own-thing { e: error }
  import store;
  import log: func(text: string);
  export store;
  export run: func(t: own-thing) -> result<string>;
  export inner: interface { ping: func() -> stream<u8>; }
}`;

describe("writeDeclarations()", () => {
  const written = writeDeclarations(worldOf(text));

  test("writes what a program sees", () => {
    const expected = [
      "  /** An *\\/ item. */\n  export interface Entry {",
      '    theName: string;\n    ["constructor"]?: number | undefined;\n    bytes: Uint8Array;',
      '    deep: { tag: "some"; val: string | undefined } | { tag: "none" };',
      '  export type Found =\n    | { tag: "yes"; val: Entry }\n    | { tag: "no" };',
      '  export type Mode = "read-only" | "write";',
      "    canRead?: boolean;",
      "  export type Numbers = Uint32Array;",
      "    /** @throws ComponentError where the answer is an error */\n    constructor(message: string);",
      '    ["new"](delete_: bigint, t: [number, number]): Map<string, Found>;',
      "    static static(): Error;",
      "    [Symbol.dispose](): void;",
      "  look(a: bigint, b: ShopItStore.Error, mode?: ShopItStore.Mode | undefined): ShopItStore.Numbers;",
      "   * @throws ComponentError where the answer is an error, its payload of the type `ShopItStore.Mode`",
      "   * @deprecated since 1.1.0",
      "  wait(): Promise<void>;",
      "  export type Error = ShopItStore.Error;",
      "export interface AppImports {",
      '  readonly "shop:it/store@1.2.0": ShopItStore;',
      "  log(text: string): void;",
      "export interface AppExports {",
      '  readonly "shop:it/store": ShopItStore;\n  readonly "store": ShopItStore;',
      '  readonly "inner": AppInner;',
      "  run(t: App.OwnThing): string;",
      "export type App = AppExports;",
    ];
    for (const part of expected) assert.ok(written.includes(part), `${part}\n-- is not in --\n${written}`);
  });

  test("writes what TypeScript accepts and programs can use, and refuses misuse", () => {
    const good = `import type { AppExports, AppImports, ShopItStore } from "./it.d.ts";
      export function use(exports: AppExports): string {
        const { Error: Failure, look } = exports.store;
        using failure = new Failure("x");
        const numbers: Uint32Array = look(1n, failure);
        const found: ShopItStore.Found | undefined = failure.new(1n, [1, 2]).get("x");
        if (found?.tag === "yes") return found.val.theName;
        return exports.run({ e: failure }) + exports["shop:it/store@1.2.0"].look(2n, failure, "write").length + numbers.length;
      }
      export const log: AppImports["log"] = (text) => void text.length;`;
    assert.equal(check({ "it.d.ts": written, "use.ts": good }), "");
    const bad = good.replace('"write"', '"wirte"');
    assert.match(check({ "it.d.ts": written, "use.ts": bad }), /use\.ts\(8,\d+\): error TS2345/);
  });

  test("has streams of the Web's for those of WASI, but for WASI's own", () => {
    const io =
      "package wasi:io@0.2.6; interface streams { resource input-stream { splice: func(%from: borrow<input-stream>); } resource output-stream; }";
    const own = `package it:made@1.0.0; interface pipes { use wasi:io/streams@0.2.6.{input-stream as source, output-stream};
      record both { start: source } copy: func(start: borrow<source>, to: output-stream, both: both) -> result<source>; }
      world w { import pipes; export pipes; }`;
    const sources = [
      { path: "it.wit", text: own },
      { path: "deps/io.wit", text: io },
    ];
    const [world = assert.fail("no world")] = readWit(sources).root.worlds.values();
    const declared = writeDeclarations(world, { mode: "async" });
    for (const part of [
      "    splice(from: InputStream): void;",
      "  export type Source = ReadableStream<Uint8Array>;",
      "    start: Source;",
      "to: WritableStream<Uint8Array> | ((chunk: Uint8Array) => unknown), both: ItMadePipes.Both): ItMadePipes.Source;",
      'export type W = import("sampan").Async<WExports>;',
    ])
      assert.ok(declared.includes(part), `${part}\n-- is not in --\n${declared}`);
  });

  test("calls a function then as instances have it, and refuses names that JavaScript cannot tell apart", () => {
    const declared = (text: string): string => {
      const [world = assert.fail("no world")] = readWit([{ path: "it.wit", text }]).root.worlds.values();
      return writeDeclarations(world);
    };
    const promised = declared(
      "package a:b; interface i { resource r { then: func(); } then: func(); record v { then: u8 } f: func() -> v; } world w { export i; }",
    );
    assert.equal(promised.match(/^ {2,4}then_\(\): void;$/gm)?.length, 2, promised);
    assert.match(promised, /^ {4}then: number;$/m);
    for (const item of ["record r { a-1: u8, a1: u8 }", "flags f { a-1, a1 }", "a-1: func(); a1: func();"])
      assert.throws(() => declared(`package a:b; interface i { ${item} } world w { export i; }`), {
        code: "COMPONENT_NAMES",
        message: 'Cannot tell "a-1" from "a1": JavaScript calls both "a1"',
      });
  });

  test("writes what TypeScript accepts for 150 random packages", () => {
    const files: Record<string, string> = {};
    let worlds = 0;
    for (let seed = 0; worlds < 150; seed += 1) {
      const { packages } = readWit(new WitGenerator(new Random(seed)).run(), { features: "all" });
      for (const world of packages.flatMap((each) => [...each.worlds.values()])) {
        files[`s${seed}-${worlds}.d.ts`] = writeDeclarations(world);
        worlds += 1;
      }
    }
    assert.equal(check(files), "");
    assert.match(check({ "it.d.ts": "export type A = Nowhere;\n" }), /error TS2304/);
  });
});
