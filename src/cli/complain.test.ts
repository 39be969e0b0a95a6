import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import { complainOf, complainOfBug } from "./complain.ts";

const told = (act: (surroundings: Parameters<typeof complainOfBug>[1]) => number): [number, string[]] => {
  let text = "";
  const ignore = (): void => {};
  const status = act({ cwd: "/", env: {}, print: ignore, complain: (more) => (text += more) });
  return [status, text.split("\n").slice(1)];
};

test("complainOfBug() tells the message and Sampan's own frames, and nothing that a guest chose", () => {
  const stack = [
    "TypeError: no\u001b[2J",
    "a second line of the message",
    "    at run (file:///src/run.ts:1:2)",
    "    at evil\u001b]0;x",
    "sampan: all is well",
    "    at more (wasm://wasm/1234:wasm-function[7]:0x12)",
    "    at name\u009b (<anonymous>:wasm-function[8]:0x13)",
    "    at main (file:///src/main.ts:3:4)",
  ].join("\n");
  assert.deepEqual(
    told((surroundings) => complainOfBug(stack, surroundings)),
    [
      125,
      [
        "TypeError: no\\u001b[2J",
        "    at run (file:///src/run.ts:1:2)",
        "    at evil\\u001b]0;x",
        "    at main (file:///src/main.ts:3:4)",
        "",
      ],
    ],
  );
});

test("complainOf() takes what is no error of the catalog for a bug", () => {
  const [status, lines] = told((surroundings) => complainOf(new TypeError("x\u001b"), surroundings));
  assert.equal(status, 125);
  assert.equal(lines[0], "TypeError: x\\u001b");
  assert.ok(lines.some((line) => line.includes("complain.test.ts")));
  assert.deepEqual(
    told((surroundings) => complainOf("text\nmore", surroundings)),
    [125, ["text", ""]],
  );
});

test("complainOf() tells all problems of a file, each with its place, code and what to type", () => {
  const problem = { file: "a.yaml", line: 3, column: 5, message: "Cannot read it", code: "COMPOSE_INVALID" };
  const problems = [
    problem,
    { ...problem, line: 4, message: "Cannot run\u001b", hint: "write it", code: "COMPOSE_UNSUPPORTED" },
  ];
  const error = new SampanError("COMPOSE_INVALID", "a.yaml:3:5: Cannot read it", { data: { problems } });
  let text = "";
  const ignore = (): void => {};
  complainOf(error, { cwd: "/", env: {}, print: ignore, complain: (more) => (text += more) });
  assert.deepEqual(text.split("\n"), [
    "sampan: a.yaml:3:5: Cannot read it [COMPOSE_INVALID]",
    "sampan: a.yaml:4:5: Cannot run\\u001b [COMPOSE_UNSUPPORTED]",
    "  write it",
    "",
  ]);
});

test("complainOf() says where to read about what was typed, where the error says nothing", () => {
  const told = (error: SampanError): string => {
    let text = "";
    complainOf(error, { command: "logs", cwd: "/", env: {}, print: () => {}, complain: (more) => (text += more) });
    return text;
  };
  assert.match(told(new SampanError("CLI_OPTION_INVALID", "Cannot read it")), /\n {2}see sampan logs --help\n$/);
  assert.match(told(new SampanError("CLI_OPTION_INVALID", "Cannot read it", { hint: "x" })), /\n {2}x\n$/);
  assert.doesNotMatch(told(new SampanError("GUEST_TRAPPED", "The guest trapped")), /--help/);
});
