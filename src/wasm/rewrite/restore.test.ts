import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Bytes,
  end,
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  i64,
  importOf,
  imports,
  memories,
  moduleOf,
  section,
  sized,
  types,
  u32,
  vector,
} from "../module-fixture.ts";
import { sectionId } from "../sections.ts";
import { instantiateRewritten } from "./instantiate-fixture.ts";
import type { RestoreStep } from "./restore.ts";
import { rewrite } from "./rewrite.ts";

const body = (code: Bytes): Bytes => sized([0, ...code, end]);
const v128 = (byte: number): Bytes => [0xfd, 0x0c, ...Array.from({ length: 16 }, () => byte)];

/** For each kind of state: code that reads it as an i32, code that changes it, and what the steps of restoring it are. */
const kinds: Readonly<Record<string, { read: Bytes; change: Bytes; step: RestoreStep }>> = {
  "size of a memory": { read: [0x3f, 0], change: [0x41, 1, 0x40, 0, 0x1a], step: "pages" },
  "size of a 64-bit memory": { read: [0x3f, 1, 0xa7], change: [0x42, 1, 0x40, 1, 0x1a], step: "pages" },
  "i32 global": { read: [0x23, 0], change: [0x41, 9, 0x24, 0], step: "globals" },
  "i64 global": { read: [0x23, 1, 0xa7], change: [0x42, 9, 0x24, 1], step: "globals" },
  "f32 global": { read: [0x23, 2, 0xa8], change: [0x43, 0, 0, 0x80, 0x3f, 0x24, 2], step: "globals" },
  "f64 global": { read: [0x23, 3, 0xaa], change: [0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x24, 3], step: "globals" },
  "v128 global": { read: [0x23, 4, 0xfd, 0x15, 0], change: [...v128(9), 0x24, 4], step: "globals" },
  "funcref global": { read: [0x23, 5, 0xd1], change: [0xd0, 0x70, 0x24, 5], step: "globals" },
  "typed reference global": { read: [0x23, 6, 0x14, 2], change: [0xd2, 1, 0x24, 6], step: "globals" },
  "element set": { read: [0x41, 0, 0x25, 0, 0xd1], change: [0x41, 0, 0xd0, 0x70, 0x26, 0], step: "tables" },
  "elements copied": {
    read: [0x41, 0, 0x25, 0, 0xd1],
    change: [0x41, 0, 0x41, 1, 0x41, 1, 0xfc, 14, 0, 0],
    step: "tables",
  },
  "elements filled": {
    read: [0x41, 0, 0x25, 0, 0xd1],
    change: [0x41, 0, 0xd0, 0x70, 0x41, 2, 0xfc, 17, 0],
    step: "tables",
  },
  "elements from a segment": {
    read: [0x41, 1, 0x25, 0, 0xd1],
    change: [0x41, 1, 0x41, 0, 0x41, 1, 0xfc, 12, 1, 0],
    step: "tables",
  },
  "element of a table of typed references": {
    read: [0x41, 0, 0x25, 1, 0x14, 2],
    change: [0x41, 0, 0xd2, 1, 0x26, 1],
    step: "tables",
  },
  "dropped data": {
    read: [0x41, 0, 0x41, 0, 0x41, 1, 0xfc, 8, 0, 0, 0x41, 1],
    change: [0xfc, 9, 0],
    step: "dataSegments",
  },
  "dropped elements": {
    read: [0x41, 0, 0x41, 0, 0x41, 1, 0xfc, 12, 1, 0, 0x41, 1],
    change: [0xfc, 13, 1],
    step: "elementSegments",
  },
};

/** A module that has state of every kind: exports `read` and `change` of one of them, and both functions that differ. */
function moduleWith({ read, change }: { readonly read: Bytes; readonly change: Bytes }): Uint8Array<ArrayBuffer> {
  return moduleOf(
    types(functionType([], []), functionType([], [i32]), functionType([], [i32])),
    functions(2, 2, 1, 0),
    section(sectionId.table, vector([0x70, 0, 2], [0x40, 0, 0x64, 2, 0, 1, 0xd2, 0, end])),
    memories([0, 1], [4, 1]),
    section(
      sectionId.global,
      vector(
        [i32, 1, 0x41, 5, end],
        [i64, 1, 0x42, 5, end],
        [0x7d, 1, 0x43, 0, 0, 0, 0x40, end],
        [0x7c, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0x40, end],
        [0x7b, 1, ...v128(5), end],
        [0x70, 1, 0xd2, 0, end],
        [0x64, 2, 1, 0xd2, 0, end],
      ),
    ),
    exports(exportOf("read", 0, 2), exportOf("change", 0, 3)),
    section(
      sectionId.element,
      vector([0, 0x41, 0, end, ...vector([0])], [1, 0, ...vector([0])], [3, 0, ...vector([0], [1])]),
    ),
    section(sectionId.dataCount, u32(1)),
    section(sectionId.code, vector(body([0x41, 11]), body([0x41, 22]), body(read), body(change))),
    section(sectionId.data, vector([1, ...sized([7])])),
  );
}

function readOrTrap(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof WebAssembly.RuntimeError);
    return error.message;
  }
}

describe("rewrite() with restore", () => {
  for (const [name, kind] of Object.entries(kinds)) {
    test(`puts back: ${name}; and does not when that step is left out`, () => {
      const bytes = moduleWith(kind);
      const plain = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Record<string, () => unknown>;
      const before = plain["read"]?.();
      plain["change"]?.();
      const after = readOrTrap(() => plain["read"]?.());
      assert.notEqual(before, after);
      for (const omitted of [[], [kind.step]]) {
        const rewritten = rewrite(bytes, { restore: { omit: omitted }, checks: omitted.length === 0 });
        const names = rewritten.layout.restore;
        assert.ok(names);
        const { call } = instantiateRewritten(rewritten);
        call(names.save);
        assert.equal(call("read"), before);
        call("change");
        assert.equal(
          readOrTrap(() => call("read")),
          after,
          "the same trap or value as in the original",
        );
        assert.equal(call(names.restore), 1);
        const restored = readOrTrap(() => call("read"));
        if (omitted.length === 0) assert.equal(restored, before);
        else assert.equal(restored, after);
      }
    });
  }

  test("answers 0 where a table has grown, and takes one that grew before saving", () => {
    const grow: Bytes = [0xd0, 0x70, 0x41, 3, 0xfc, 15, 0, 0x1a];
    const rewritten = rewrite(moduleWith({ read: [0xfc, 16, 0], change: grow }), { restore: true });
    const names = rewritten.layout.restore;
    assert.ok(names);
    const { call } = instantiateRewritten(rewritten);
    call("change");
    call(names.save);
    assert.equal(call(names.restore), 1);
    assert.equal(call("read"), 5);
    call("change");
    assert.equal(call(names.restore), 0);
  });

  test("keeps memory.grow to the maximum and to what is really there, and exports the size", () => {
    const bytes = moduleOf(
      types(functionType([i32], [i32]), functionType([], [i32])),
      functions(0, 1),
      memories([1, 1, 4]),
      exports(exportOf("grow", 0, 0), exportOf("size", 0, 1)),
      section(sectionId.code, vector(body([0x20, 0, 0x40, 0]), body([0x3f, 0]))),
    );
    const rewritten = rewrite(bytes, { restore: true });
    const names = rewritten.layout.restore;
    assert.ok(names);
    const { call, memories: made, exports: exported } = instantiateRewritten(rewritten);
    call(names.save);
    assert.deepEqual(
      [call("grow", 2), call("size"), call("grow", 2), call("grow", -1), call("grow", 0)],
      [1, 3, -1, -1, 3],
    );
    assert.equal(call(names.restore), 1);
    assert.equal((exported[names.pages[0] ?? ""] as WebAssembly.Global).value, 1);
    assert.equal(made[0]?.buffer.byteLength, 3 * 65_536);
    assert.deepEqual([call("size"), call("grow", 1), call("size"), call("grow", 2), call("size")], [1, 1, 2, 2, 4]);
    assert.equal(made[0]?.buffer.byteLength, 4 * 65_536);
  });

  test("says why a module cannot be restored", () => {
    const global = (...bytes: readonly number[]): Bytes => section(sectionId.global, vector(bytes));
    const reasons = [
      ["shared-memory", moduleOf(memories([3, 1, 2]))],
      ["gc-types", moduleOf(types([0x5f, ...vector([i32, 1])]))],
      ["exception-references", moduleOf(global(0x69, 1, 0xd0, 0x69, end))],
      ["imported-state", moduleOf(imports(importOf("env", "t", [1, 0x70, 0, 1])))],
      ["imported-state", moduleOf(imports(importOf("env", "m", [2, 0, 1])))],
      ["imported-state", moduleOf(imports(importOf("env", "g", [3, i32, 1])))],
    ] as const;
    for (const [reason, bytes] of reasons) {
      assert.ok(WebAssembly.validate(bytes), reason);
      const { layout } = rewrite(bytes, { restore: true });
      assert.equal(layout.unrestorable, reason);
      assert.equal(layout.restore, undefined);
    }
    const immutable = moduleOf(imports(importOf("env", "g", [3, i32, 0])));
    assert.equal(rewrite(immutable, { restore: true }).layout.unrestorable, undefined);
  });

  test("gives tables that nothing changes no shadow", () => {
    const untouched = moduleOf(section(sectionId.table, vector([0x70, 0, 3])));
    const exported = moduleOf(section(sectionId.table, vector([0x70, 0, 3])), exports(exportOf("t", 1, 0)));
    const sizes = [untouched, exported].map((bytes) => rewrite(bytes, { restore: true }).bytes.length - bytes.length);
    assert.ok((sizes[0] ?? 0) + 40 < (sizes[1] ?? 0), sizes.join());
  });
});
