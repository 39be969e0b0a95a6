import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../base/index.ts";
import type { CommandSpec, Operands } from "./command.ts";
import { hasSwitch, lastValue, parseCommand } from "./parse.ts";

function specWith(operands: Operands): CommandSpec {
  return {
    name: "try",
    summary: "Try",
    usage: "sampan try FILE",
    example: "sampan try app.wasm",
    operands,
    groups: [
      {
        heading: "Options",
        options: [
          { long: "--env", short: "-e", value: "NAME", summary: "" },
          { long: "--tty", short: "-t", summary: "" },
          { long: "--interactive", short: "-i", summary: "" },
          { long: "--memory", value: "SIZE", summary: "" },
        ],
      },
    ],
  };
}

const runSpec = specWith("file-and-args");

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof SampanError) return error.code;
    throw error;
  }
  return "none";
}

describe("parseCommand()", () => {
  test("reads a value behind its option, after =, and attached to a short option", () => {
    for (const words of [["--env", "A=1"], ["--env=A=1"], ["-e", "A=1"], ["-eA=1"], ["-e=A=1"]]) {
      const parsed = parseCommand(runSpec, [...words, "app.wasm"]);
      assert.deepEqual(
        parsed,
        { options: [{ option: "--env", value: "A=1" }], operands: ["app.wasm"] },
        words.join(" "),
      );
    }
  });

  test("takes what follows as the value even where it looks like an option", () => {
    assert.equal(lastValue(parseCommand(runSpec, ["--env", "-t", "app.wasm"]), "--env"), "-t");
  });

  test("keeps an empty value that = gives", () => {
    assert.equal(lastValue(parseCommand(runSpec, ["--env=", "app.wasm"]), "--env"), "");
  });

  test("reads switches together, and a value behind the last of them", () => {
    const parsed = parseCommand(runSpec, ["-iteX", "app.wasm"]);
    assert.ok(hasSwitch(parsed, "--interactive") && hasSwitch(parsed, "--tty"));
    assert.equal(lastValue(parsed, "--env"), "X");
  });

  test("leaves everything behind the file to the guest", () => {
    const { options, operands } = parseCommand(runSpec, ["-t", "app.wasm", "--env", "-x", "--", "--help"]);
    assert.deepEqual(options, [{ option: "--tty" }]);
    assert.deepEqual(operands, ["app.wasm", "--env", "-x", "--", "--help"]);
  });

  test("ends the options at --, and takes - as an operand", () => {
    assert.deepEqual(parseCommand(runSpec, ["--", "-t", "a"]).operands, ["-t", "a"]);
    assert.deepEqual(parseCommand(runSpec, ["-", "-t"]).operands, ["-", "-t"]);
  });

  test("reads options on both sides of the one operand of other commands", () => {
    const parsed = parseCommand(specWith("file"), ["app.wasm", "-t"]);
    assert.deepEqual(parsed, { options: [{ option: "--tty" }], operands: ["app.wasm"] });
  });

  test("keeps the order of options that were typed more than once", () => {
    const parsed = parseCommand(runSpec, ["-eA", "-eB", "app.wasm"]);
    assert.deepEqual(
      parsed.options.map(({ value }) => value),
      ["A", "B"],
    );
    assert.equal(lastValue(parsed, "--env"), "B");
  });

  test("refuses unknown options and suggests the nearest", () => {
    for (const [word, hint] of [
      ["--evn", "did you mean --env"],
      ["--memroy=1", "did you mean --memory"],
      ["--something-else", "see sampan try --help"],
      ["-memroy", "did you mean --memory"],
      ["-q", "see sampan try --help"],
      ["-tq", "see sampan try --help"],
      ["-ö", "see sampan try --help"],
    ] as const) {
      assert.throws(
        () => parseCommand(runSpec, [word, "app.wasm"]),
        (error) => error instanceof SampanError && error.code === "CLI_OPTION_UNKNOWN" && error.hint === hint,
        word,
      );
    }
    assert.equal(
      codeOf(() => parseCommand(runSpec, ["-tq", "app.wasm"])),
      "CLI_OPTION_UNKNOWN",
    );
  });

  test("refuses a switch with a value and an option without one", () => {
    assert.equal(
      codeOf(() => parseCommand(runSpec, ["--tty=yes", "app.wasm"])),
      "CLI_OPTION_INVALID",
    );
    assert.equal(
      codeOf(() => parseCommand(runSpec, ["--env"])),
      "CLI_OPTION_INVALID",
    );
    assert.equal(
      codeOf(() => parseCommand(runSpec, ["-e"])),
      "CLI_OPTION_INVALID",
    );
  });

  test("wants as many operands as the command takes", () => {
    const cases: [Operands, string[], string][] = [
      ["none", [], "none"],
      ["none", ["a"], "CLI_USAGE"],
      ["file", [], "CLI_USAGE"],
      ["file", ["a", "b"], "CLI_USAGE"],
      ["word", [], "none"],
      ["word", ["a"], "none"],
      ["word", ["a", "b"], "CLI_USAGE"],
      ["file-and-args", [], "CLI_USAGE"],
      ["file-and-args", ["a", "b", "c"], "none"],
    ];
    for (const [operands, args, code] of cases) {
      assert.equal(
        codeOf(() => parseCommand(specWith(operands), args)),
        code,
        `${operands} ${args.join(" ")}`,
      );
    }
  });

  test("takes --help without the operands that it lacks", () => {
    assert.ok(hasSwitch(parseCommand(specWith("file"), ["--help"]), "--help"));
    assert.ok(hasSwitch(parseCommand(specWith("file"), ["-h"]), "--help"));
  });

  test("ends for any words in a result or an error of the catalog", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("--env", "-e", "--", "-", "-it", "--env=", "--tty", "-t=", "=", "--"),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        assert.match(
          codeOf(() => parseCommand(runSpec, words)),
          /^(none|CLI_\w+)$/,
        );
      }),
    );
  });
});
