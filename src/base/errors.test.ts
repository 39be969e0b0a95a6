import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { errorCatalog, type ErrorCode, SampanError } from "./index.ts";

const codes = Object.keys(errorCatalog) as ErrorCode[];
const sourceFolder = new URL("../", import.meta.url);

/** What is shipped, less the catalog itself: a code that only stands there is used by nobody. */
function sources(): Map<string, string> {
  const names = readdirSync(sourceFolder, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !/\.test\.ts$|-fixture\.ts$|error-catalog\.ts$/.test(name),
  );
  return new Map(names.map((name) => [name, readFileSync(new URL(name, sourceFolder), "utf8")]));
}

test("errorCatalog spells each code AREA_WHAT and each meaning as one sentence", () => {
  for (const code of codes) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)+$|^[A-Z]+_[A-Z]+$/, code);
    assert.match(errorCatalog[code].meaning, /^[A-Z].*[^.]\.$/, code);
  }
});

test("errorCatalog keeps its codes sorted, so that areas stay together", () => {
  assert.deepEqual(codes, codes.toSorted());
});

test("errorCatalog holds no code that nothing raises", () => {
  const text = [...sources().values()].join("\n");
  assert.deepEqual(
    codes.filter((code) => !text.includes(`"${code}"`)),
    [],
  );
});

test("SampanError is only made with a code of the catalog", () => {
  const made = [...sources()].flatMap(([name, text]) =>
    [...text.matchAll(/new SampanError\(\s*"([^"]*)"/g)].map((match) => ({ name, code: match[1] ?? "" })),
  );
  assert.ok(made.length > 10, `found ${made.length} places that make one`);
  assert.deepEqual(
    made.filter(({ code }) => !Object.hasOwn(errorCatalog, code)),
    [],
  );
});

test("SampanError takes its kind from the catalog", () => {
  for (const code of codes) assert.equal(new SampanError(code, "Cannot").kind, errorCatalog[code].kind);
});

test("SampanError survives a structured clone as data, with its hint and its values", () => {
  const error = new SampanError("UNIT_INVALID", 'Cannot read the size "x"', { hint: "write 64m", data: { at: 1 } });
  const back = SampanError.fromData(structuredClone(error.toData()));
  assert.ok(back instanceof SampanError);
  assert.deepEqual(back.toData(), error.toData());
  assert.deepEqual(new SampanError("UNIT_INVALID", "Cannot").toData(), { code: "UNIT_INVALID", message: "Cannot" });
});

test("SampanError keeps its cause, and has none where none was given", () => {
  const cause = new Error("below");
  assert.equal(new SampanError("FILE_NOT_FOUND", "Cannot", { cause }).cause, cause);
  assert.equal("cause" in new SampanError("FILE_NOT_FOUND", "Cannot"), false);
});
