import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../base/index.ts";
import { readComponent } from "./component.ts";
import { explainRejection } from "./features.ts";
import { kindOf } from "./kind.ts";
import { limitMemory } from "./limits.ts";
import {
  componentOf,
  componentPreamble,
  custom,
  modulePreamble,
  name,
  section,
  validModules,
  vector,
} from "./module-fixture.ts";
import { readModule } from "./module.ts";

const modules = Object.values(validModules);
const component = componentOf(
  section(1, modulePreamble),
  section(
    10,
    vector([0, ...name("wasi:cli/stdout@0.2.0"), 5, 3], [0, ...name("v"), 2, 1, 0x7f], [0, ...name("t"), 3, 1]),
  ),
  section(11, vector([2, ...name("a:b/c@1"), ...vector([1, ...name(".2")]), 1, 4, 1, 1, 0])),
  custom("producers", vector([...name("sdk"), ...vector([...name("tool"), ...name("1")])])),
);

/** What a reader makes of bytes: its result, or the one kind of error it may end in. */
function outcome<T>(read: () => T): T | SampanError {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof SampanError, String(error));
    assert.ok(["WASM_MALFORMED", "WASM_FEATURE", "LIMIT_MEMORY"].includes(error.code), error.code);
    return error;
  }
}

/** Runs every reader of the room over bytes and compares them with V8. */
function readEverything(bytes: Uint8Array<ArrayBuffer>): void {
  const info = outcome(() => readModule(bytes));
  outcome(() => readComponent(bytes));
  const limited = outcome(() => limitMemory(bytes, 10));
  assert.equal(typeof kindOf(bytes), "string");
  assert.equal(typeof explainRejection(bytes, new Error("refused")), "string");
  if (!(info instanceof SampanError)) {
    for (const index of [0, 1, 2 ** 31]) info.functionName(index);
    if (!(limited instanceof SampanError)) {
      for (const { max, pageSize } of readModule(limited.bytes).memories) {
        assert.ok(max !== undefined && max * pageSize <= 655_360);
      }
    }
  }
  if (WebAssembly.validate(bytes)) agreeWithV8(bytes, info, limited);
}

function agreeWithV8(bytes: Uint8Array<ArrayBuffer>, info: unknown, limited: unknown): void {
  if (info instanceof SampanError) throw info;
  const module = new WebAssembly.Module(bytes);
  const read = readModule(bytes);
  assert.deepEqual(
    read.imports.map((item) => [item.module, item.name, item.kind]),
    WebAssembly.Module.imports(module).map((item) => [item.module, item.name, item.kind]),
  );
  assert.deepEqual(
    read.exports.map((item) => [item.name, item.kind]),
    WebAssembly.Module.exports(module).map((item) => [item.name, item.kind]),
  );
  if (limited instanceof SampanError) assert.equal(limited.code, "LIMIT_MEMORY");
  else assert.ok(WebAssembly.validate(limitMemory(bytes, 10).bytes));
}

const edit = fc.record({
  position: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  remove: fc.nat({ max: 3 }),
  insert: fc.array(
    fc.oneof(
      fc.nat({ max: 255 }),
      fc.constantFrom(0, 1, 0x40, 0x4e, 0x50, 0x5e, 0x5f, 0x60, 0x63, 0x64, 0x70, 0x7f, 0x80, 0xff),
    ),
    { maxLength: 3 },
  ),
});

const mutated = (samples: readonly Uint8Array<ArrayBuffer>[]): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc.tuple(fc.constantFrom(...samples), fc.array(edit, { minLength: 1, maxLength: 4 })).map(([sample, edits]) => {
    const bytes = [...sample];
    for (const { position, remove, insert } of edits) {
      // Behind the preamble, or nearly every edit would end at the magic number.
      bytes.splice(8 + Math.floor(position * (bytes.length - 7)), remove, ...insert);
    }
    return Uint8Array.from(bytes);
  });

/** Bytes replaced one for one keep the sections' sizes right, so that many results are still valid. */
const flipped = fc
  .tuple(
    fc.constantFrom(...modules),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 2 }),
  )
  .map(([sample, flips]) => {
    const bytes = sample.slice();
    for (const [position, byte] of flips) bytes[position % bytes.length] = byte;
    return bytes;
  });

describe("every reader ends in a catalogued error or a success, and reads what V8 accepts", () => {
  test("the samples are valid", () => {
    for (const [title, bytes] of Object.entries(validModules)) {
      assert.ok(WebAssembly.validate(bytes), title);
      readEverything(bytes);
    }
  });

  test("random bytes, alone and behind each preamble", () => {
    fc.assert(
      fc.property(
        fc.constantFrom([], modulePreamble, componentPreamble),
        fc.uint8Array({ maxLength: 200 }),
        (head, tail) => {
          readEverything(Uint8Array.from([...head, ...tail]));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("random content of each section", () => {
    fc.assert(
      fc.property(fc.nat({ max: 15 }), fc.uint8Array({ maxLength: 60 }), fc.boolean(), (id, content, isModule) => {
        readEverything(
          Uint8Array.from([...(isModule ? modulePreamble : componentPreamble), ...section(id, [...content])]),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("valid modules and components with bytes removed and inserted", () => {
    fc.assert(fc.property(mutated([...modules, component]), readEverything), { numRuns: 3000 });
  });

  test("valid modules with bytes replaced, of which V8 accepts many", () => {
    let accepted = 0;
    fc.assert(
      fc.property(flipped, (bytes) => {
        if (WebAssembly.validate(bytes)) accepted += 1;
        readEverything(bytes);
      }),
      // Some 8 in 100 are accepted: twice as many runs as the bound needs keep chance out of it.
      { numRuns: 6000 },
    );
    assert.ok(accepted > 200, `V8 accepted only ${accepted}`);
  });

  test("valid modules and components cut short at every byte", () => {
    for (const bytes of [...modules, component]) {
      for (let length = 0; length < bytes.length; length += 1) readEverything(bytes.slice(0, length));
    }
  });
});
