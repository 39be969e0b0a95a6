import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { SampanError } from "../../base/index.ts";
import { compileGuest, compileOwnGuest } from "../../../guests/toolchain.ts";
import { limitMemory } from "../limits.ts";
import { code, custom, exportOf, exports, functions, functionType, moduleOf, name, types } from "../module-fixture.ts";
import { rewrite, type RewrittenLayout } from "../rewrite/rewrite.ts";
import { readSections, sectionId } from "../sections.ts";
import { Effort } from "./cursor.ts";
import { type SourceFrame, SourceLines } from "./source-lines.ts";
import { vlq } from "./source-map-fixture.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const folder = fileURLToPath(new URL("../../../guests/source-lines/", import.meta.url));

/** The C guest of two files, whose `outer` traps when it is called with 0. */
async function cGuest(version: 4 | 5): Promise<Bytes> {
  const sources = ["main.c", "deep.c"].map((file) => join(folder, file));
  const debug = ["-g", `-gdwarf-${version}`, "-fdebug-compilation-dir=/src"];
  return new Uint8Array(readFileSync(await compileGuest({ sources, args: ["-O1", ...debug, "-Wl,--export=outer"] })));
}

async function rustGuest(): Promise<Bytes> {
  return new Uint8Array(readFileSync(await compileOwnGuest("rust-trap")));
}

interface Form {
  readonly bytes: Bytes;
  readonly original: (offset: number) => number;
  readonly layout?: RewrittenLayout;
}

/** A module as it is, and as each of the rewritings gives it. */
const forms: Readonly<Record<string, (bytes: Bytes) => Form>> = {
  "as it is": (bytes) => ({ bytes, original: (offset) => offset }),
  "with a limit of memory": (bytes) => {
    const limited = limitMemory(bytes, 100);
    return { bytes: limited.bytes, original: limited.originalOffset };
  },
  "with checks and restore functions": (bytes) => {
    const { bytes: rewritten, offsets, layout } = rewrite(bytes, { checks: true, restore: true, maxPages: 100 });
    return { bytes: rewritten, original: (offset) => offsets.original(offset), layout };
  },
};

/** Calls an export that traps and answers the offsets in the original that V8 prints, the innermost first. */
function trapOffsets({ bytes, original, layout }: Form, call: string, ...args: readonly number[]): number[] {
  const module = new WebAssembly.Module(bytes);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const item of WebAssembly.Module.imports(module)) {
    const own = layout?.memories.find((memory) => memory.name === item.name);
    const isEpoch = item.kind === "memory" && own === undefined;
    const pages = isEpoch ? 1 : Number(own?.initial);
    const memory = { initial: pages, maximum: isEpoch ? 1 : 100, shared: isEpoch };
    const value = item.kind === "memory" ? new WebAssembly.Memory(memory) : () => 0;
    (imports[item.module] ??= {})[item.name] = value;
  }
  const entry = new WebAssembly.Instance(module, imports).exports[call];
  assert.ok(typeof entry === "function");
  try {
    entry(...args);
  } catch (error) {
    assert.ok(error instanceof WebAssembly.RuntimeError, String(error));
    const found = [...(error.stack ?? "").matchAll(/wasm-function\[\d+\]:0x([0-9a-f]+)/g)];
    return found.map(([, offset = ""]) => original(Number.parseInt(offset, 16)));
  }
  throw new Error(`${call} did not trap`);
}

/** Frames as one line each. */
function shown(frames: readonly SourceFrame[]): string[] {
  return frames.map(({ functionName, place }) =>
    `${functionName} ${place?.file}:${place?.line}:${place?.column}`.replace(/^undefined /, ""),
  );
}

/** The line of a source, from 1, and the column of a text in it. */
function at(file: string, line: RegExp, text: string): string {
  const lines = readFileSync(join(folder, file), "utf8").split("\n");
  const index = lines.findIndex((each) => line.test(each));
  return `${file}:${index + 1}:${(lines[index]?.indexOf(text) ?? -1) + 1}`;
}

describe("SourceLines.framesAt()", () => {
  for (const version of [4, 5] as const) {
    for (const [how, form] of Object.entries(forms)) {
      test(`names the lines of a C call chain over inlined code in DWARF ${version}, ${how}`, async () => {
        const bytes = await cGuest(version);
        const offsets = trapOffsets(form(bytes), "outer", 0);
        const lines = new SourceLines(bytes);
        assert.deepEqual(offsets.flatMap((offset) => shown(lines.framesAt(offset))).slice(0, 3), [
          `divide ${at("deep.c", /100 \/ divisor/, "/")}`,
          `inner ${at("deep.c", /= divide\(/, "divide")}`,
          `outer ${at("deep.c", /= inner\(/, "inner")}`,
        ]);
      });
    }
  }

  for (const [how, form] of Object.entries(forms)) {
    test(`names the lines of a Rust call chain and of its core library, ${how}`, async () => {
      const bytes = await rustGuest();
      const lines = new SourceLines(bytes);
      const started = trapOffsets(form(bytes), "_start").map((offset) => shown(lines.framesAt(offset)));
      assert.deepEqual(started, [
        [
          "core::core_arch::wasm32::unreachable /usr/src/rustc-1.85.1/library/stdarch/crates/core_arch/src/wasm32/mod.rs:32:5",
          "rust_trap::depth::trap_unless_positive src/depth.rs:19:9",
          "rust_trap::depth::choose src/depth.rs:11:33",
        ],
        ["rust_trap::_start src/main.rs:15:5"],
      ]);
      const indexed = trapOffsets(form(bytes), "index", 7).map((offset) => shown(lines.framesAt(offset)).at(-1));
      assert.deepEqual(indexed, [
        "rust_trap::panicked src/main.rs:10:5",
        "core::panicking::panic_fmt rustc-1.85.1/library/core/src/panicking.rs:75:14",
        "core::panicking::panic_bounds_check rustc-1.85.1/library/core/src/panicking.rs:273:5",
        "rust_trap::depth::pick src/depth.rs:26:5",
        "rust_trap::depth::choose src/depth.rs:12:28",
        "rust_trap::index src/main.rs:20:5",
      ]);
    });
  }
});

/** A module without some of its custom sections, with others behind. */
function replaced(bytes: Bytes, isLeftOut: (section: string) => boolean, added: readonly number[] = []): Bytes {
  const kept = [...readSections(bytes)].filter(
    ({ id, name: section }) => id !== sectionId.custom || !isLeftOut(section),
  );
  const parts = kept.flatMap(({ sizeField, body }) => [...bytes.subarray(sizeField.start - 1, body.end)]);
  return Uint8Array.from([...bytes.subarray(0, 8), ...parts, ...added]);
}

describe("SourceLines finds debug information", () => {
  let bytes: Bytes;
  let offsets: readonly number[];
  before(async () => {
    bytes = await cGuest(5);
    offsets = trapOffsets({ bytes, original: (offset) => offset }, "outer", 0);
  });
  const framesOf = (lines: SourceLines): string[] => offsets.flatMap((offset) => shown(lines.framesAt(offset)));

  test("in a line table alone, where no .debug_info says which code it has", () => {
    const bare = replaced(bytes, (section) => section === ".debug_info");
    assert.deepEqual(framesOf(new SourceLines(bare)), [
      `/src/${at("deep.c", /100 \/ divisor/, "/")}`,
      `/src/${at("deep.c", /= inner\(/, "inner")}`,
    ]);
  });

  test("in the file that external_debug_info names, read once and not before it is asked", () => {
    const external = custom("external_debug_info", name("./debug/guest.debug.wasm"));
    const stripped = replaced(bytes, (section) => section.startsWith(".debug_"), external);
    const asked: string[] = [];
    const lines = new SourceLines(stripped, { readBeside: (file) => (asked.push(file), bytes) });
    assert.deepEqual(asked, []);
    assert.deepEqual(framesOf(lines), framesOf(new SourceLines(bytes)));
    assert.deepEqual(asked, ["debug/guest.debug.wasm"]);
  });

  test("nowhere without it: no frames, for any offset", () => {
    const lines = new SourceLines(replaced(bytes, (section) => section.startsWith(".debug_")));
    for (const offset of [...offsets, -1, 0, 8, bytes.length, Infinity, Number.NaN]) {
      assert.deepEqual(lines.framesAt(offset), []);
    }
    assert.deepEqual(new SourceLines(bytes).framesAt(-1), []);
    assert.deepEqual(new SourceLines(new Uint8Array()).framesAt(0), []);
  });
});

/** A module with two functions that trap and the URL of a source map. */
function mapped(url: string): Bytes {
  return moduleOf(
    types(functionType([], [])),
    functions(0, 0),
    exports(exportOf("first", 0, 0), exportOf("second", 0, 1)),
    code([0x01, 0x00], [0x01, 0x00]),
    custom("sourceMappingURL", name(url)),
  );
}

describe("SourceLines reads the source map", () => {
  const plain = mapped("guest.wasm.map");
  const [first = 0] = trapOffsets({ bytes: plain, original: (offset) => offset }, "first");
  const [second = 0] = trapOffsets({ bytes: plain, original: (offset) => offset }, "second");
  // One segment, at the first function's trap: line 3, column 5 of assembly/index.ts, from 0.
  const map = { version: 3, sources: ["assembly/index.ts"], mappings: vlq(first, 0, 3, 5) };
  const json = new TextEncoder().encode(JSON.stringify(map));
  const place = { file: "assembly/index.ts", line: 4, column: 6 };

  test("that lies beside the module, and keeps one function's lines from the next", () => {
    const lines = new SourceLines(plain, { readBeside: (file) => (file === "guest.wasm.map" ? json : undefined) });
    assert.deepEqual(lines.framesAt(first), [{ place }]);
    assert.deepEqual(lines.framesAt(second), []);
  });

  test("that is inside its URL", () => {
    const url = `data:application/json;base64,${Buffer.from(json).toString("base64")}`;
    assert.deepEqual(new SourceLines(mapped(url)).framesAt(first), [{ place }]);
    assert.deepEqual(new SourceLines(mapped("data:application/json;base64,%%%")).framesAt(first), []);
  });

  test("from beside the module and from nowhere else", () => {
    for (const url of [
      "../guest.map",
      "/etc/passwd",
      "a/../../b",
      "http://localhost/a.map",
      "file:///a",
      "C:\\a",
      "",
    ]) {
      const lines = new SourceLines(mapped(url), { readBeside: (file) => assert.fail(`asked for ${file} by ${url}`) });
      assert.deepEqual(lines.framesAt(first), [], url);
    }
  });
});

describe("SourceLines ends", () => {
  test("with frames or none for debug information that is broken anywhere", async () => {
    for (const bytes of [await cGuest(4), await cGuest(5), await rustGuest()]) {
      const call = bytes.length > 60_000 ? "_start" : "outer";
      const offsets = trapOffsets({ bytes, original: (offset) => offset }, call, 0);
      const debug = [...readSections(bytes)].filter((section) => section.name.startsWith(".debug_"));
      let known = 0;
      let runs = 0;
      const edit = fc.record({
        section: fc.nat(),
        position: fc.double({ min: 0, max: 1, noNaN: true }),
        value: fc.nat(255),
      });
      fc.assert(
        fc.property(fc.array(edit, { minLength: 1, maxLength: 12 }), (edits) => {
          const broken = bytes.slice();
          for (const { section, position, value } of edits) {
            const { start, end } = debug[section % debug.length]?.body ?? { start: 0, end: 1 };
            broken[Math.min(end - 1, start + Math.floor(position * (end - start)))] = value;
          }
          const lines = new SourceLines(broken);
          runs += 1;
          if (offsets.every((offset) => lines.framesAt(offset).length > 0)) known += 1;
        }),
        { numRuns: 300 },
      );
      assert.ok(runs >= 300 && known > 0, `${known} of ${runs} still knew`);
    }
  });

  test("when a section ends anywhere", async () => {
    const bytes = await cGuest(5);
    const offsets = trapOffsets({ bytes, original: (offset) => offset }, "outer", 0);
    for (const { name: section, body } of readSections(bytes)) {
      if (!section.startsWith(".debug_")) continue;
      for (let length = 0; length < body.end - body.start; length += 3) {
        const cut = [...bytes.subarray(body.start, body.start + length)];
        const lines = new SourceLines(replaced(bytes, (each) => each === section, custom(section, cut)));
        for (const offset of offsets) assert.ok(Array.isArray(lines.framesAt(offset)));
      }
    }
  });

  test("for a list that claims to be endless and takes no bytes", () => {
    // Version 5, no formats of folders, and more of them than there are bytes.
    const head = [5, 0, 4, 0, 0x40, 0, 0, 0, 1, 1, 1, 0xfb, 14, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    const lines = custom(".debug_line", [head.length, 0, 0, 0, ...head]);
    const bytes = moduleOf(types(functionType([], [])), functions(0), code([0x00]), lines);
    const body = [...readSections(bytes)].find(({ id }) => id === sectionId.code)?.body.start ?? 0;
    assert.deepEqual(new SourceLines(bytes).framesAt(body + 2), []);
  });

  test("because Effort.spend() refuses once all steps are spent", () => {
    const effort = new Effort(10);
    effort.spend(0, 10);
    assert.throws(
      () => effort.spend(5),
      (error) => error instanceof SampanError && error.code === "WASM_MALFORMED",
    );
  });
});
