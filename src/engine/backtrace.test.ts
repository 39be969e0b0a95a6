import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compileGuest } from "../../guests/toolchain.ts";
import { explainBacktrace } from "./backtrace.ts";
import { guestBytes, moduleOf, named, requestOf, section } from "./engine-fixture.ts";
import { run } from "./run.ts";
import type { Frame } from "./trap.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-backtrace-"));
after(() => rmSync(folder, { recursive: true }));

function backtraceOf(request: Parameters<typeof run>[0]): readonly Frame[] {
  const { ending } = run(request);
  assert.ok(ending.kind === "trap", JSON.stringify(ending));
  return ending.backtrace;
}

test("run() gives a trap's frames files, lines and what was inlined, with a limit of memory and without", async () => {
  const bytes = await guestBytes("rust-trap");
  for (const memory of [undefined, 16 << 20]) {
    const frames = backtraceOf(requestOf(bytes, { limits: { memory } }));
    assert.deepEqual(
      frames.slice(1).map(({ name, source, isInlined }) => ({ name, source, isInlined })),
      [
        {
          name: "rust_trap::depth::trap_unless_positive",
          source: { file: "src/depth.rs", line: 19, column: 9 },
          isInlined: true,
        },
        {
          name: "rust_trap::depth::choose",
          source: { file: "src/depth.rs", line: 11, column: 33 },
          isInlined: undefined,
        },
        { name: "_start", source: { file: "src/main.rs", line: 15, column: 5 }, isInlined: undefined },
      ],
    );
    const [first, second, third] = frames;
    assert.deepEqual([second?.index, second?.offset], [third?.index, third?.offset]);
    assert.deepEqual([first?.index, first?.offset], [third?.index, third?.offset]);
  }
});

test("run() leaves a trap's frames without lines where the module has none", async () => {
  const frames = backtraceOf(requestOf(await guestBytes("trap"), { args: ["divide"] }));
  assert.deepEqual(
    frames.slice(0, 4).map(({ name }) => name),
    ["c", "b", "a", "main"],
  );
  assert.ok(frames.every((frame) => !("source" in frame) && !("isInlined" in frame)));
});

const mangled = "_ZN4demo36_$LT$impl$u20$demo..Kind$GT$..choose17h0123456789abcdefE";

/** One function that traps, with a name and the URL of a source map. */
function trapping(name: string, url: string): Uint8Array<ArrayBuffer> {
  const names = [0, ...named(name)];
  return moduleOf(
    section(1, 1, 0x60, 0, 0),
    section(3, 1, 0),
    section(7, 1, ...named("go"), 0, 0),
    section(10, 1, 3, 0, 0x00, 0x0b),
    section(0, ...named("name"), 1, names.length + 1, 1, ...names),
    section(0, ...named("sourceMappingURL"), ...named(url)),
  );
}

test("explainBacktrace() reads the source map in the module's folder, where it is a file, and none without a folder", () => {
  const bytes = trapping("go", "go.map");
  const request = { ...requestOf(bytes), invoke: { name: "go", args: [] } };
  const [frame] = backtraceOf(request);
  assert.ok(frame !== undefined && frame.source === undefined && frame.name === "go");
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const column = `${digits[((2 * frame.offset) % 32) + 32]}${digits[Math.floor((2 * frame.offset) / 32)]}`;
  const map = JSON.stringify({ version: 3, sources: ["index.ts"], mappings: `${column}AAA` });
  mkdirSync(join(folder, "with"));
  writeFileSync(join(folder, "with", "go.map"), map);
  assert.deepEqual(backtraceOf({ ...request, folder: join(folder, "with") })[0]?.source, {
    file: "index.ts",
    line: 1,
    column: 1,
  });
  mkdirSync(join(folder, "as-folder", "go.map"), { recursive: true });
  mkdirSync(join(folder, "as-pipe"));
  assert.equal(spawnSync("mkfifo", [join(folder, "as-pipe", "go.map")]).status, 0);
  for (const name of ["as-folder", "as-pipe", "nowhere"]) {
    assert.equal(backtraceOf({ ...request, folder: join(folder, name) })[0]?.source, undefined, name);
  }
});

test("explainBacktrace() reads names of Rust's older scheme, and leaves others as they are", () => {
  const nameOf = (name: string): string | undefined =>
    explainBacktrace([{ index: 0, name: "x", offset: 0 }], trapping(name, ""))[0]?.name;
  assert.equal(nameOf(mangled), "demo::<impl demo::Kind>::choose");
  for (const name of ["plain", "_ZN4demo3fooEv", "_RNvCs_demo3foo", "_ZN99x17h0123456789abcdefE"]) {
    assert.equal(nameOf(name), name);
  }
});

test("explainBacktrace() leaves out functions that Sampan added, and explains one offset of a recursion each time", () => {
  const frame = { index: 0, name: "x", offset: 3 };
  const frames = explainBacktrace([{ ...frame, index: 1 }, frame, frame], trapping("go", ""));
  assert.deepEqual(frames, [
    { ...frame, name: "go" },
    { ...frame, name: "go" },
  ]);
  const broken = new Uint8Array([1, 2, 3]);
  assert.deepEqual(explainBacktrace([frame], broken), [frame]);
});

test("explainBacktrace() names C++ functions by their debug information where the name section has linkers' names", async () => {
  // The compiler's cache goes by the folder's name.
  mkdirSync(join(folder, "cxx"));
  const source = join(folder, "cxx", "main.cc");
  writeFileSync(
    source,
    "namespace demo { struct Kind { __attribute__((noinline)) int choose(int by) { return 100 / by; } }; }\n" +
      'extern "C" int go(int by) {\n  return demo::Kind().choose(by) + 1;\n}\n',
  );
  const args = ["-O1", "-g", "-mexec-model=reactor", "-Wl,--export=go,--no-demangle"];
  const bytes = new Uint8Array(readFileSync(await compileGuest({ sources: [source], args, cxx: true })));
  const frames = backtraceOf({ ...requestOf(bytes), invoke: { name: "go", args: ["0"] } });
  assert.deepEqual(
    frames.slice(0, 2).map(({ name, source: place }) => `${name}:${place?.line}`),
    ["demo::Kind::choose:1", "go:3"],
  );
});
