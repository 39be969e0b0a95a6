import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rewrite, type RewriteOptions, type Rewritten } from "../src/wasm/index.ts";
import { ByteReader } from "../src/wasm/reader.ts";
import { readModuleSections } from "../src/wasm/sections.ts";
import { firstFinding, minimise, type Tried, tryInput } from "./fuzzer.ts";

type Rewriter = typeof rewrite;

/** The bytes with `change` made to a copy of them. */
function patched(rewritten: Rewritten, change: (bytes: Uint8Array) => void): Rewritten {
  const bytes = rewritten.bytes.slice();
  change(bytes);
  return { ...rewritten, bytes };
}

/** Moves the first branch hint by one byte. */
function shiftHint(bytes: Uint8Array): void {
  for (const { name, body } of readModuleSections(bytes)) {
    if (name !== "metadata.code.branch_hint") continue;
    const reader = new ByteReader(bytes, body);
    if (reader.u32() === 0) return;
    reader.u32();
    reader.u32();
    const at = reader.offset;
    if (((bytes[at] ?? 0) & 0x7f) < 0x7f) bytes[at] = (bytes[at] ?? 0) + 1;
  }
}

/** Puts nothing in place of the last call that stands alone in a condition without an else: a check's. */
function loseCheck(bytes: Uint8Array): void {
  for (let at = bytes.length - 5; at >= 0; at -= 1) {
    const isCheck = bytes[at] === 0x04 && bytes[at + 1] === 0x40 && bytes[at + 2] === 0x10;
    if (!isCheck || (bytes[at + 3] ?? 0x80) >= 0x80 || bytes[at + 4] !== 0x0b) continue;
    bytes[at + 2] = 0x01;
    bytes[at + 3] = 0x01;
    return;
  }
}

const withOmitted =
  (step: "pages" | "tables" | "globals" | "dataSegments" | "elementSegments"): Rewriter =>
  (bytes, options) =>
    rewrite(bytes, options.restore === true ? { ...options, restore: { omit: [step] } } : options);

const changed =
  (change: (rewritten: Rewritten, options: RewriteOptions) => Rewritten): Rewriter =>
  (bytes, options) =>
    change(rewrite(bytes, options), options);

/** Rewriters with one bug each. */
const planted: Readonly<Record<string, Rewriter>> = {
  "a branch hint one byte off": changed((rewritten) => patched(rewritten, shiftHint)),
  "an offset map that knows of no change": (bytes, options) => ({
    ...rewrite(bytes, options),
    offsets: rewrite(bytes, {}).offsets,
  }),
  "a check that calls nothing": changed((rewritten, { checks }) =>
    checks === true ? patched(rewritten, loseCheck) : rewritten,
  ),
  "dropped data segments that stay dropped": withOmitted("dataSegments"),
  "dropped element segments that stay dropped": withOmitted("elementSegments"),
  "globals that are not put back": withOmitted("globals"),
  "tables that are not put back": withOmitted("tables"),
  "memory sizes that are not put back": withOmitted("pages"),
  "a maximum of memory that is one too large": (bytes, { maxPages, ...options }) =>
    rewrite(bytes, maxPages === undefined ? options : { ...options, maxPages: maxPages + 1 }),
  "a custom section that is lost": changed((rewritten) =>
    patched(rewritten, (bytes) => {
      for (const { name, body } of readModuleSections(rewritten.bytes))
        if (name === "fuzz") bytes[body.start - 1] = 0x79;
    }),
  ),
};

/** Inputs in which each bug has to be found: some ten milliseconds each. */
const most = 3000;

/** The first finding that the rewriter without the bug does not have too. */
function findPlanted(rewriter: Rewriter): Tried | undefined {
  for (let seed = 1; seed <= most;) {
    const tried = firstFinding(seed, most - seed + 1, rewriter);
    if (tried === undefined || tryInput(tried.seed, rewrite).finding === undefined) return tried;
    seed = tried.seed + 1;
  }
  return undefined;
}

describe("the fuzzer finds bugs that are planted in the rewriter", () => {
  for (const [title, rewriter] of Object.entries(planted)) {
    test(title, (context) => {
      const tried = findPlanted(rewriter);
      assert.ok(tried?.finding !== undefined, `nothing found in ${most} inputs`);
      context.diagnostic(`input ${tried.seed}: ${tried.finding.sort}`);
    });
  }

  test("minimise() keeps a finding and makes its module smaller", () => {
    const rewriter = planted["globals that are not put back"];
    assert.ok(rewriter !== undefined);
    const tried = findPlanted(rewriter);
    assert.ok(tried !== undefined);
    const small = minimise(tried, rewriter);
    assert.ok(WebAssembly.validate(small));
    assert.ok(small.length < 1500, `${small.length} bytes are left`);
  });
});
