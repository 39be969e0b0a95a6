import type { Command, CommandSpec, OptionSpec } from "./command.ts";
import { commonOptions, overviewOptions } from "./parse.ts";
import { plainStyle, stdoutStyle, type Style } from "./style.ts";
import { columns, joinLines, leftWidth, wrap } from "./text.ts";

/** Where help finds the commands. */
export interface CommandSource {
  readonly commandNames: readonly string[];
  /** @throws CLI_COMMAND_UNKNOWN */
  readonly loadCommand: (name: string) => Promise<Command>;
}

/** `sampan help`: says what the commands are, or how one of them is used. */
export function createHelpCommand({ commandNames, loadCommand }: CommandSource): Command {
  return {
    spec: {
      name: "help",
      summary: "Say how sampan or one of its commands is used",
      usage: "sampan help [COMMAND]",
      example: "sampan help run",
      operands: "word",
      groups: [],
    },
    execute: async ({ operands: [name] }, { env, print }) => {
      const style = stdoutStyle(env);
      if (name !== undefined) {
        print(commandHelp((await loadCommand(name)).spec, style));
        return 0;
      }
      const all = await Promise.all(commandNames.map(loadCommand));
      print(
        overviewHelp(
          all.map(({ spec }) => spec),
          style,
        ),
      );
      return 0;
    },
  };
}

/** The text of `sampan --help`. */
export function overviewHelp(specs: readonly CommandSpec[], style: Style = plainStyle): string {
  const { width, heading } = style;
  const run = specs.find(({ name }) => name === "run");
  return joinLines([
    ...wrap("Runs server-side WebAssembly: a guest can do what it is granted and nothing else.", width),
    "",
    `${heading("Usage:")} sampan COMMAND [options]`,
    ...(run === undefined ? [] : [`${heading("Example:")} ${run.example}`]),
    "",
    heading("Commands:"),
    ...columns(
      specs.map(({ name, summary }) => [name, summary]),
      { width },
    ),
    "",
    heading("Options:"),
    ...columns(overviewOptions.map(optionRow), { width }),
    "",
    ...wrap("sampan help COMMAND, or sampan COMMAND --help, has the options of a command.", width),
  ]);
}

/** The text of `sampan COMMAND --help`. */
export function commandHelp(spec: CommandSpec, style: Style = plainStyle): string {
  const { width, heading } = style;
  const groups = [...spec.groups, { heading: "Help", options: commonOptions }];
  const left = leftWidth(groups.flatMap(({ options }) => options.map((option) => optionRow(option)[0])));
  return joinLines([
    ...wrap(`${spec.summary}.`, width),
    "",
    `${heading("Usage:")} ${spec.usage}`,
    `${heading("Example:")} ${spec.example}`,
    ...groups.flatMap((group) => [
      "",
      heading(`${group.heading}:`),
      ...columns(group.options.map(optionRow), { width, left }),
    ]),
  ]);
}

function optionRow({ long, short, value, summary }: OptionSpec): readonly [string, string] {
  return [`${short === undefined ? "    " : `${short}, `}${long}${value === undefined ? "" : ` ${value}`}`, summary];
}
