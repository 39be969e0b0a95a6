import assert from "node:assert/strict";
import { test } from "node:test";
import { vlq } from "./source-map-fixture.ts";
import { SourceMapReader } from "./source-map.ts";

const map = {
  version: 3,
  sources: ["a.ts", "lib/b.ts"],
  mappings: [vlq(10, 0, 0, 0), vlq(30, 1, 99, 7), vlq(5), vlq(1000, -1, -90, -4)].join(","),
};

test("SourceMapReader.place() answers the segment at or before an offset, with numbers from 1", () => {
  const read = SourceMapReader.parse(JSON.stringify(map));
  assert.equal(read?.place(9, 0), undefined);
  assert.deepEqual(read?.place(10, 0), { file: "a.ts", line: 1, column: 1 });
  assert.deepEqual(read?.place(39, 0), { file: "a.ts", line: 1, column: 1 });
  assert.deepEqual(read?.place(40, 0), { file: "lib/b.ts", line: 100, column: 8 });
  assert.equal(read?.place(45, 0), undefined, "a segment of one field comes from no source");
  assert.deepEqual(read?.place(5000, 0), { file: "a.ts", line: 10, column: 4 });
});

test("SourceMapReader.place() leaves out a segment of the function before", () => {
  const read = SourceMapReader.parse(JSON.stringify({ ...map, sourceRoot: "/demo" }));
  assert.equal(read?.place(39, 11), undefined);
  assert.deepEqual(read?.place(39, 10), { file: "/demo/a.ts", line: 1, column: 1 });
  const nested = SourceMapReader.parse(JSON.stringify({ ...map, sourceRoot: "./demo" }));
  assert.equal(nested?.place(39, 10)?.file, "demo/a.ts");
});

test("SourceMapReader.parse() answers undefined for what is no source map of version 3", () => {
  const wrong = ["", "{", "null", "[]", '{"version":2}', '{"version":3,"sources":1,"mappings":""}'];
  for (const text of wrong) assert.equal(SourceMapReader.parse(text), undefined, text);
  const odd = SourceMapReader.parse(
    '{"version":3,"sources":[null,"a"],"mappings":"!!,A,AAAA;;ggggggggggggggggggggggggg,"}',
  );
  assert.equal(odd?.place(0, 0), undefined);
});
