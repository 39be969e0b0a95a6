import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { compileGuest } from "../../guests/toolchain.ts";

const here = import.meta.dirname;
/** The sources and not the bundle, which is only as new as the last set-up. */
const sampan = join(here, "../../src/cli/main.ts");
const orders = JSON.parse(readFileSync(join(here, "data", "orders.json"), "utf8")) as {
  id: string;
  status: string;
  total: number;
  customer: { name: string };
}[];
let module = "";

before(async () => {
  const sources = readdirSync(here).filter((name) => name.endsWith(".c"));
  module = await compileGuest({
    sources: sources.map((name) => join(here, name)),
    args: ["-O2", "-Wall", "-Wextra", "-Werror", "-Wl,-z,stack-size=262144"],
  });
});

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function jsonq(args: readonly string[], input = ""): Promise<Answer> {
  const line = [sampan, "run", "-v", `${join(here, "data")}:/data:ro`, module, ...args];
  const child = spawn(process.execPath, line, { stdio: ["pipe", "pipe", "pipe"] });
  const answer = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (answer.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (answer.stderr += chunk));
  // A query that does not parse ends before it has read its input.
  child.stdin.on("error", () => undefined).end(input);
  const code = await new Promise<number | null>((ended, failed) => {
    child.on("error", failed).on("close", ended);
  });
  return { code, ...answer };
}

/** Query, input, results: a line each. */
const queries: readonly (readonly [query: string, input: string, results: string])[] = [
  [".", '{"b": [1, 2.50, true, null], "a": "x"}', '{"b":[1,2.5,true,null],"a":"x"}'],
  [".a.b[0]", '{"a":{"b":[7,8]}}', "7"],
  ['.a["b"][-1]', '{"a":{"b":[7,8]}}', "8"],
  ['."odd key"', '{"odd key":1}', "1"],
  [".a.b.c", "{}", "null"],
  [".[5]", "[1]", "null"],
  [".[]", '{"a":1,"b":[2]}', "1\n[2]"],
  [".[1:3]", "[0,1,2,3]", "[1,2]"],
  [".[-2:]", "[0,1,2,3]", "[2,3]"],
  [".[:2]", '"abc"', '"ab"'],
  [".[3:1]", "[0,1,2,3]", "[]"],
  [".[]?", "7", ""],
  ["[.[] | .a?]", '[{"a":1},2]', "[1]"],
  [".a, .b", '{"a":1,"b":2}', "1\n2"],
  [".[] | select(.x > 3) | .n", '[{"x":3,"n":"a"},{"x":4,"n":"b"}]', '"b"'],
  ["map(.x * 2 + 1)", '[{"x":1},{"x":2.5}]', "[3,6]"],
  ["1 + 2 * 3 - 8 / 4 % 3, -(1 - 2), 7 % 4", "null", "5\n1\n3"],
  ['"a" + "b", [1] + [2], {"a":1} + {"a":2,"b":3}, null + 1', "null", '"ab"\n[1,2]\n{"a":2,"b":3}\n1'],
  ["keys, length", '{"b":1,"a":2}', '["a","b"]\n2'],
  ["map(length)", '["äö😀", [1,2], {"a":1}, null, -3]', "[3,2,1,0,3]"],
  ["sort_by(.a)", '[{"a":2,"n":1},{"a":1},{"a":2,"n":0}]', '[{"a":1},{"a":2,"n":1},{"a":2,"n":0}]'],
  ["sort", '[{"a":1},[1],"b",3,true,false,null,"a",2]', '[null,false,true,2,3,"a","b",[1],{"a":1}]'],
  ["group_by(.k) | map([.[].v])", '[{"k":1,"v":1},{"k":0,"v":2},{"k":1,"v":3}]', "[[2],[1,3]]"],
  ["unique", "[3,1,3,2,1]", "[1,2,3]"],
  ["add, (.[:0] | add)", "[1,2,3]", "6\nnull"],
  ["reverse", "[1,2,3]", "[3,2,1]"],
  ["map(type)", '[null,true,1,"",[],{}]', '["null","boolean","number","string","array","object"]'],
  ['has("a"), has("b"), (.a | has(0))', '{"a":[1]}', "true\nfalse\ntrue"],
  ['join("-")', '["a",1,true,null,"b"]', '"a-1-true--b"'],
  ["map(tostring)", '[1.5,"a",true,null]', '["1.5","a","true","null"]'],
  [".a // .b // 3", '{"a":false,"b":null}', "3"],
  ["(.a and .b), (.a or .b), (.b | not)", '{"a":1,"b":false}', "false\ntrue\ntrue"],
  [".a == .b, .a != .b, .a < 2, .a >= 2", '{"a":[1,{"x":1}],"b":[1.0,{"x":1}]}', "true\nfalse\nfalse\ntrue"],
  [
    '{a, b: .c[], ("k" + "1"): 1, "x y"}',
    '{"a":1,"c":[2,3]}',
    '{"a":1,"b":2,"k1":1,"x y":null}\n{"a":1,"b":3,"k1":1,"x y":null}',
  ],
  ["map(round)", "[1.5,-0.4,2]", "[2,0,2]"],
  [".", String.raw`"\u00e9\ud83d\ude00\ud83d\n\t\"\\\/"`, String.raw`"é😀` + "\ufffd" + String.raw`\n\t\"\\/"`],
  [".", String.raw`"\u0000\u001f"`, String.raw`"\u0000\u001f"`],
  [".", "[0.1,1e3,-0.5,123456789012,1e100,3.141592653589793]", "[0.1,1000,-0.5,123456789012,1e+100,3.141592653589793]"],
  [". + 1", "1 2\n3", "2\n3\n4"],
];

for (const [query, input, results] of queries) {
  test(`jsonq ${query} on ${JSON.stringify(input)}`, async () => {
    const answer = await jsonq(["-c", query], input);
    assert.deepEqual(answer, { code: 0, stdout: results === "" ? "" : `${results}\n`, stderr: "" });
  });
}

test("jsonq indents by two blanks without -c, and -r leaves the quotes of strings out", async () => {
  const nested = await jsonq(["."], '{"a":[1,{}],"b":{"c":"x"},"d":[]}');
  assert.equal(nested.stdout, '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": {\n    "c": "x"\n  },\n  "d": []\n}\n');
  assert.equal((await jsonq(["-r", ".[]"], '["a\\nb",1]')).stdout, "a\nb\n1\n");
});

test("jsonq reads a granted file and finds in it what JavaScript finds", async () => {
  const large = orders.filter((order) => order.total > 300).map((order) => order.id);
  const found = await jsonq(["-r", ".[] | select(.total > 300) | .id", "/data/orders.json"]);
  assert.deepEqual(found, { code: 0, stdout: `${large.join("\n")}\n`, stderr: "" });
  const paid = orders.filter((order) => order.status === "paid").map((order) => order.customer.name);
  const names = await jsonq(["-c", 'map(select(.status == "paid") | .customer.name)', "/data/orders.json"]);
  assert.deepEqual(JSON.parse(names.stdout), paid);
  assert.ok(large.length > 3 && paid.length > 3);
});

/** Arguments, input, exit code, stderr. */
const failures: readonly (readonly [args: readonly string[], input: string, code: number, stderr: string])[] = [
  [["."], '{"a":\n  [1,x]}', 2, "jsonq: stdin:2:6: expected a value, found 'x'\n"],
  [["."], '{"é" 1}', 2, "jsonq: stdin:1:6: expected ':', found '1'\n"],
  [["."], "[1,", 2, "jsonq: stdin:1:4: expected a value, found the end\n"],
  [["."], '"a\nb"', 2, "jsonq: stdin:1:3: expected an escape in place of a control character, found the byte 0x0a\n"],
  [["."], "[01]", 2, "jsonq: stdin:1:3: expected ',' or ']', found '1'\n"],
  [["."], "[".repeat(600), 2, "jsonq: stdin:1:513: nested deeper than 512 levels\n"],
  [[".a |"], "{}", 2, "jsonq: query: column 5: expected a query, found the end\n"],
  [["map(.a"], "{}", 2, "jsonq: query: column 7: expected ')', found the end\n"],
  [[".a) + 1"], "{}", 2, "jsonq: query: column 3: expected an operator, found ')'\n"],
  [["lenght"], "{}", 2, "jsonq: query: column 1: unknown function 'lenght'\n"],
  [["-x", "."], "{}", 2, "jsonq: -x: unknown option; see jsonq --help\n"],
  [[".", "/data/missing.json"], "", 2, "jsonq: /data/missing.json: No such file or directory\n"],
  [[".a"], "[1]", 5, 'jsonq: stdin: cannot take "a" of array\n'],
  [["1 / ."], "0", 5, "jsonq: stdin: cannot divide by zero\n"],
  [[".[] | . + 1"], '["a"]', 5, "jsonq: stdin: cannot add string and number\n"],
  [["-e", ".a"], '{"a":null}', 1, ""],
];

for (const [args, input, code, stderr] of failures) {
  test(`jsonq ${args.join(" ")} on ${JSON.stringify(input.slice(0, 20))} ends with ${code}`, async () => {
    const answer = await jsonq(args, input);
    assert.deepEqual({ code: answer.code, stderr: answer.stderr.slice(0, stderr.length) }, { code, stderr });
    if (stderr !== "") assert.ok(answer.stderr.startsWith(stderr));
  });
}

test("jsonq without a query prints its usage to stderr, with --help to stdout", async () => {
  const [bare, help] = await Promise.all([jsonq([]), jsonq(["--help"])]);
  assert.equal(bare.code, 2);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^usage: jsonq/);
  assert.ok(bare.stderr.startsWith(help.stdout));
});
