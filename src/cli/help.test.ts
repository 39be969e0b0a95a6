import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commandNames, loadCommand } from "./commands.ts";
import { commandHelp, overviewHelp } from "./help.ts";
import { parseCommand } from "./parse.ts";
import { plainStyle, stdoutStyle } from "./style.ts";

const specs = await Promise.all(commandNames.map(async (name) => (await loadCommand(name)).spec));

describe("help", () => {
  test("commands are known by the names that their specs have", () => {
    assert.deepEqual(
      specs.map(({ name }) => name),
      commandNames,
    );
  });

  test("each command's help has its usage, one example and each of its options", () => {
    for (const spec of specs) {
      const text = commandHelp(spec);
      assert.ok(text.includes(`\nUsage: ${spec.usage}\nExample: ${spec.example}\n`), spec.name);
      for (const { long } of spec.groups.flatMap(({ options }) => options))
        assert.match(text, new RegExp(`^.{6}${long}\\b`, "m"));
    }
  });

  test("each example is a command line that the command's own parser reads", () => {
    for (const { name, example } of specs) {
      const [sampan, command = "", ...args] = example.split(" ");
      assert.deepEqual([sampan, command], ["sampan", name]);
      const spec = specs.find((each) => each.name === command);
      assert.ok(spec !== undefined);
      parseCommand(spec, args);
    }
  });

  test("no two options of a command share a name", () => {
    for (const { name, groups } of specs) {
      const names = groups.flatMap(({ options }) =>
        options.flatMap(({ long, short }) => (short === undefined ? [long] : [long, short])),
      );
      assert.equal(new Set(names).size, names.length, name);
    }
  });

  test("keeps within the width of the terminal", () => {
    for (const width of [50, 80, 100]) {
      const style = { ...plainStyle, width };
      const text = specs.map((spec) => commandHelp(spec, style)).join("") + overviewHelp(specs, style);
      const tooLong = text.split("\n").filter((line) => line.length > width && !/^(Usage|Example): /.test(line));
      assert.deepEqual(tooLong, []);
    }
  });

  test("marks headings only where the style does", () => {
    const style = { ...plainStyle, heading: (text: string) => `<${text}>` };
    assert.match(overviewHelp(specs, style), /^<Commands:>$/m);
    assert.match(overviewHelp(specs), /^Commands:$/m);
  });
});

test("stdoutStyle() has no colour where NO_COLOR is set or the terminal has none", () => {
  for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) assert.equal(stdoutStyle(env).heading("x"), "x");
});
