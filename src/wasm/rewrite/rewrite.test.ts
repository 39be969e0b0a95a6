import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { compileOwnGuest } from "../../../guests/toolchain.ts";
import { SampanError } from "../../base/index.ts";
import { featureModules } from "../code/feature-fixture.ts";
import {
  type Bytes,
  code,
  componentOf,
  custom,
  end,
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  importOf,
  imports,
  memories,
  moduleOf,
  section,
  types,
  u32,
  validModules,
  vector,
} from "../module-fixture.ts";
import { sectionId } from "../sections.ts";
import { instantiateRewritten } from "./instantiate-fixture.ts";
import { OffsetMap } from "./offset-map.ts";
import { rewrite, type RewriteOptions } from "./rewrite.ts";

const every: readonly RewriteOptions[] = [
  {},
  { checks: true },
  { restore: true },
  { startAsExport: true, maxPages: 60_000, maxElements: 100_000 },
  { checks: true, restore: true, maxPages: 60_000, maxElements: 100_000 },
  { checks: true, restore: { isShared: true } },
];

const run = (bytes: Uint8Array<ArrayBuffer>): unknown => {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return (instance.exports["run"] as () => unknown)();
};

const counting = [0x20, 1, 0x41, 1, 0x6a, 0x22, 1, 0x20, 0, 0x49];

/** `spin(n)`: a leaf loop of n rounds; `outer(n)`: a loop that calls; `recurse(n)`: 2^n calls. */
const loops = moduleOf(
  types(functionType([i32], [i32]), functionType([], [])),
  functions(0, 0, 0, 1),
  memories([0, 1]),
  exports(exportOf("spin", 0, 0), exportOf("outer", 0, 1), exportOf("recurse", 0, 2)),
  section(
    sectionId.code,
    vector(
      ...[
        [1, 1, i32, 0x03, 0x40, ...counting, 0x0d, 0, end, 0x20, 1, end],
        [1, 1, i32, 0x03, 0x40, 0x10, 3, ...counting, 0x0d, 0, end, 0x20, 1, end],
        [
          0,
          0x20,
          0,
          0x45,
          0x04,
          i32,
          0x41,
          1,
          0x05,
          0x20,
          0,
          0x41,
          1,
          0x6b,
          0x10,
          2,
          0x20,
          0,
          0x41,
          1,
          0x6b,
          0x10,
          2,
          0x6a,
          end,
          end,
        ],
        [0, end],
      ].map((bytes: Bytes) => [...u32(bytes.length), ...bytes]),
    ),
  ),
);

function withCode(expected: string) {
  return (error: unknown): boolean => error instanceof SampanError && error.code === expected;
}

describe("rewrite()", () => {
  test("leaves what runs the same for a module of each feature, with all options", () => {
    for (const [name, bytes] of Object.entries(featureModules)) {
      const expected = run(bytes);
      for (const options of every) {
        const instance = instantiateRewritten(rewrite(bytes, options));
        assert.equal(instance.call("run"), expected, `${name} ${JSON.stringify(options)}`);
      }
    }
  });

  test("turns whatever V8 accepts into what V8 accepts: samples and guests", async () => {
    const guests = await Promise.all(["hello", "cat", "catch-all", "catch-all-legacy", "grow"].map(compileOwnGuest));
    const samples = [...Object.values(validModules), ...guests.map((path) => Uint8Array.from(readFileSync(path)))];
    for (const [index, bytes] of samples.entries()) {
      for (const options of every) {
        assert.doesNotThrow(
          () => new WebAssembly.Module(rewrite(bytes, options).bytes),
          `${index} ${JSON.stringify(options)}`,
        );
      }
    }
  });

  test("answers the same bytes where nothing has to change", () => {
    const { bytes, offsets, layout } = rewrite(loops, {});
    assert.equal(bytes, loops);
    assert.equal(offsets.original(7), 7);
    assert.deepEqual(layout, { namespace: "sampan:engine", memories: [], functions: [] });
  });

  test("calls the hook with the id at loop heads and in recursion while the word is set", () => {
    const rewritten = rewrite(loops, { checks: true });
    for (const name of ["spin", "outer", "recurse"]) {
      const ids: number[] = [];
      const instance = instantiateRewritten(rewritten, {
        hook: (id) => {
          ids.push(id);
          if (ids.length === 3) instance.epoch[0] = 0;
        },
      });
      (instance.exports[rewritten.layout.checks?.id ?? ""] as WebAssembly.Global).value = 41;
      assert.ok(instance.call(name, 5));
      assert.deepEqual(ids, []);
      instance.epoch[0] = 1;
      assert.equal(instance.call(name, 5), name === "recurse" ? 32 : 5);
      assert.deepEqual(ids, [41, 41, 41], name);
    }
  });

  test("ends an endless loop in optimised code when another thread sets the word", async () => {
    const endless = moduleOf(
      types(functionType([i32], [i32])),
      functions(0),
      memories([0, 1]),
      exports(exportOf("spin", 0, 0)),
      code([0x03, 0x40, 0x20, 0, 0x0d, 0, end, 0x20, 0]),
    );
    const instance = instantiateRewritten(rewrite(endless, { checks: true }), {
      hook: () => {
        throw new Error("ended by the hook");
      },
    });
    // Enough calls for V8 to optimise the function before the one that does not return.
    for (let call = 0; call < 200_000; call += 1) instance.call("spin", 0);
    const worker = new Worker("require('node:worker_threads').workerData[0] = 1;", {
      eval: true,
      workerData: instance.epoch,
    });
    assert.throws(() => instance.call("spin", 1), /ended by the hook/);
    await worker.terminate();
  });

  test("makes own memories imports of the engine and keeps exports, data and indices", () => {
    const bytes = moduleOf(
      imports(importOf("env", "m", [2, 0, 1])),
      memories([0, 2], [1, 1, 3]),
      exports(exportOf("second", 2, 1)),
      section(sectionId.data, vector([2, 1, 0x41, 5, end, ...vector([7], [8])])),
    );
    const rewritten = rewrite(bytes, { checks: true, maxPages: 9 });
    assert.deepEqual(rewritten.layout.memories, [
      { name: "memory-1", initial: 2, maximum: 9, shared: false, is64: false },
      { name: "memory-2", initial: 1, maximum: 3, shared: false, is64: false },
    ]);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 9 });
    const { memories: made, exports: exported } = instantiateRewritten(rewritten, { imports: { env: { m: memory } } });
    assert.equal(exported["second"], made[0]);
    assert.deepEqual([...new Uint8Array(made[0]?.buffer ?? new ArrayBuffer(0), 5, 2)], [7, 8]);
  });

  test("holds maxima of memories and tables, and refuses what begins with more", () => {
    const bytes = moduleOf(
      types(functionType([i32], [i32])),
      functions(0, 0),
      section(sectionId.table, vector([0x70, 0, 2], [0x6f, 1, 1, 3])),
      memories([0, 1]),
      exports(exportOf("elements", 0, 0), exportOf("pages", 0, 1)),
      code([0xd0, 0x70, 0x20, 0, 0xfc, 15, 0], [0x20, 0, 0x40, 0]),
    );
    for (const extra of [{}, { checks: true, restore: true }]) {
      const { call } = instantiateRewritten(rewrite(bytes, { maxPages: 3, maxElements: 4, ...extra }));
      assert.deepEqual([call("elements", 2), call("elements", 1), call("pages", 2), call("pages", 1)], [2, -1, 1, -1]);
    }
    assert.throws(() => rewrite(bytes, { maxPages: 0 }), withCode("LIMIT_MEMORY"));
    assert.throws(() => rewrite(bytes, { maxElements: 1 }), withCode("LIMIT_TABLE"));
    assert.throws(() => rewrite(componentOf(), {}), withCode("WASM_FEATURE"));
  });

  test("makes the start function and functions asked for exports, in a namespace that the guest does not use", () => {
    const bytes = moduleOf(
      types(functionType([], [])),
      functions(0),
      section(sectionId.global, vector([i32, 1, 0x41, 0, end])),
      exports(exportOf("g", 3, 0), exportOf("sampan:engine/start", 0, 0)),
      section(sectionId.start, u32(0)),
      code([0x23, 0, 0x41, 1, 0x6a, 0x24, 0]),
    );
    const rewritten = rewrite(bytes, { startAsExport: true, exportFunctions: [0] });
    const { layout } = rewritten;
    assert.deepEqual(layout, {
      namespace: "sampan:engine-2",
      memories: [],
      start: "sampan:engine-2/start",
      functions: [{ index: 0, name: "sampan:engine-2/function-0" }],
    });
    const { exports: exported, call } = instantiateRewritten(rewritten);
    assert.equal((exported["g"] as WebAssembly.Global).value, 0);
    call("sampan:engine-2/start");
    call("sampan:engine-2/function-0");
    assert.equal((exported["g"] as WebAssembly.Global).value, 2);
    assert.throws(() => rewrite(bytes, { exportFunctions: [1] }), RangeError);
  });

  test("maps the offset of a trap back, before and behind checks, also from kept bytes", () => {
    const trapping = (before: Bytes): Bytes => [...before, 0x20, 0, 0x41, 0, 0x6d, 0x21, 0];
    const bytes = moduleOf(
      types(functionType([i32], [i32])),
      functions(0, 0, 0),
      memories([0, 1]),
      exports(exportOf("a", 0, 0), exportOf("b", 0, 1), exportOf("c", 0, 2)),
      code(
        [...trapping([]), 0x03, 0x40, end, 0x20, 0],
        [...trapping([0x03, 0x40, 0x20, 0, 0x0d, 0]), end, 0x20, 0],
        [...trapping([0x03, 0x40, 0x02, 0x40, end, end, 0x20, 0, 0x10, 0, 0x1a]), 0x20, 0],
      ),
    );
    const offsetOf = (call: () => unknown): number => {
      try {
        call();
      } catch (error) {
        assert.ok(error instanceof WebAssembly.RuntimeError);
        return Number(/:(0x[0-9a-f]+)/.exec(error.stack ?? "")?.[1]);
      }
      return assert.fail("it does not trap");
    };
    const original = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Record<string, () => unknown>;
    const rewritten = rewrite(bytes, { checks: true, restore: true });
    const instance = instantiateRewritten(rewritten);
    const kept = OffsetMap.fromBytes(rewritten.offsets.toBytes());
    for (const name of ["a", "b", "c"]) {
      const wanted = offsetOf(() => original[name]?.());
      const offset = offsetOf(() => instance.call(name, 0));
      assert.notEqual(offset, wanted);
      assert.equal(rewritten.offsets.original(offset), wanted, name);
      assert.equal(kept.original(offset), wanted, name);
    }
    let last = 0;
    for (let offset = 0; offset <= rewritten.bytes.length; offset += 1) {
      const found = kept.original(offset);
      assert.ok(found >= last && found <= bytes.length);
      last = found;
    }
    assert.equal(last, bytes.length);
  });

  test("moves branch hints with the instructions, and adds its own", () => {
    const hints = custom("metadata.code.branch_hint", [1, 1, 2, 5, 1, 1, 13, 1, 0]);
    const bytes = moduleOf(
      types(functionType([i32], [])),
      functions(0, 0),
      exports(exportOf("f", 0, 1)),
      hints,
      code([], [0x01, 0x01, 0x20, 0, 0x04, 0x40, 0x03, 0x40, 0x20, 0, 0x20, 0, 0x0d, 0, 0x1a, end, end]),
    );
    const { bytes: rewritten } = rewrite(bytes, { checks: true });
    assert.deepEqual(branchesOf(bytes), [
      [1, 5, 0x04, 1],
      [1, 13, 0x0d, 0],
    ]);
    const found = branchesOf(rewritten);
    assert.deepEqual(
      found.map(([, , opcode, value]) => [opcode, value]),
      [
        [0x04, 1],
        [0x0d, 0],
        [0x0d, 0],
      ],
    );
  });

  test("refuses malformed code with catalogued errors only", () => {
    const sample = featureModules["structures, arrays and casts"] ?? loops;
    let refused = 0;
    for (let at = 8; at < sample.length; at += 1) {
      for (const byte of [0, 0x0b, 0x7f, 0xff]) {
        const bytes = sample.slice();
        bytes[at] = byte;
        try {
          rewrite(bytes, { checks: true, restore: true, maxElements: 5, maxPages: 5 });
        } catch (error) {
          refused += 1;
          assert.ok(error instanceof SampanError, `byte ${at} as ${byte}: ${String(error)}`);
        }
      }
    }
    assert.ok(refused > 100, `${refused} refused`);
  });
});

/** Hints as function, offset, the opcode there, and value. */
function branchesOf(bytes: Uint8Array<ArrayBuffer>): number[][] {
  const module = new WebAssembly.Module(bytes);
  const [content] = WebAssembly.Module.customSections(module, "metadata.code.branch_hint");
  assert.ok(content);
  const hints = new Uint8Array(content);
  const bodies = bodiesOf(bytes);
  const rows: number[][] = [];
  let at = 1;
  for (let functionsLeft = hints[0] ?? 0; functionsLeft > 0; functionsLeft -= 1) {
    const index = hints[at] ?? 0;
    const count = hints[at + 1] ?? 0;
    at += 2;
    for (let hint = 0; hint < count; hint += 1, at += 3) {
      const offset = hints[at] ?? 0;
      rows.push([index, offset, bytes[(bodies[index] ?? 0) + offset] ?? 0, hints[at + 2] ?? 0]);
    }
  }
  return rows;
}

/** Offsets of function bodies in a module of few and small functions. */
function bodiesOf(bytes: Uint8Array): number[] {
  let at = 8;
  while (bytes[at] !== sectionId.code) at += 2 + (bytes[at + 1] ?? 0);
  const starts: number[] = [];
  let next = at + 3;
  for (let left = bytes[at + 2] ?? 0; left > 0; left -= 1) {
    starts.push(next + 1);
    next += 1 + (bytes[next] ?? 0);
  }
  return starts;
}
