import { resolve } from "node:path";
import { nearest, printable, SampanError } from "../base/index.ts";
import type { Command, CommandSpec, ParsedCommand, Surroundings } from "./command.ts";
import { makeProject } from "./new-files.ts";
import { type Language, languages, nextCommands } from "./new-languages.ts";
import { missingTools } from "./new-tools.ts";
import { hasSwitch } from "./parse.ts";
import { stdoutStyle } from "./style.ts";
import { joinLines } from "./text.ts";

const names = languages.map(({ name }) => name);

const spec: CommandSpec = {
  name: "new",
  summary: "Make a new project: a program to change, build and run",
  usage: `sampan new ${names.join("|")} NAME [--http]`,
  example: "sampan new rust hello --http",
  operands: "words",
  groups: [
    { heading: "Project", options: [{ long: "--http", summary: "It answers HTTP requests (default: a command)" }] },
  ],
};

/** `sampan new`: a project's folder from a template, and the commands that build and run it. */
export const newCommand: Command = { spec, execute: make };

/** Longest time in ms that compilers are waited for, all together, to say what they lack. */
const patience = 5000;
/** Cargo, npm, Go and make all take such a name for a project, and a shell for a word. */
const nameForm = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const longestName = 64;

async function make(parsed: ParsedCommand, { cwd, env, print, complain }: Surroundings): Promise<number> {
  const { language, name } = named(parsed);
  const isHttp = hasSwitch(parsed, "--http");
  const files = makeProject(resolve(cwd, name), { language, name, isHttp });
  const { heading } = stdoutStyle(env);
  const { build, run } = nextCommands(language, name, isHttp);
  print(
    joinLines([
      `Made ${name}/ (${language.title}): ${files.join(", ")}`,
      "",
      heading("Next:"),
      `  cd ${name} && ${build}`,
      `  ${run}`,
      ...(isHttp ? ["", "Then http://127.0.0.1:8080/ answers."] : []),
    ]),
  );
  const missing = await missingTools(language.name, { env, signal: AbortSignal.timeout(patience) });
  for (const { what, get } of missing) complain(`sampan: this system lacks ${what}: ${get}\n`);
  return 0;
}

function named({ operands }: ParsedCommand): { language: Language; name: string } {
  const [typed, name, extra] = operands;
  const hint = `usage: ${spec.usage}`;
  if (typed === undefined) throw new SampanError("CLI_USAGE", "Cannot make a project without a language", { hint });
  const language = languageNamed(typed);
  if (name === undefined) throw new SampanError("CLI_USAGE", "Cannot make a project without a name", { hint });
  if (extra !== undefined)
    throw new SampanError("CLI_USAGE", `Cannot make a project with "${extra}" as well`, { hint });
  checkName(name);
  return { language, name };
}

function languageNamed(typed: string): Language {
  const found = languages.find(({ name }) => name === typed);
  if (found !== undefined) return found;
  const lower = typed.toLowerCase();
  const meant =
    languages.find(({ name, others }) => name === lower || others.includes(lower))?.name ?? nearest(lower, names);
  const hint = meant === undefined ? `usage: ${spec.usage}` : `did you mean sampan new ${meant}`;
  const wanted = `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
  throw new SampanError("CLI_USAGE", `Cannot make a project in "${printable(typed)}": wanted ${wanted}`, { hint });
}

function checkName(name: string): void {
  if (nameForm.test(name) && name.length <= longestName) return;
  const guess = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[-0-9]+|-+$/g, "")
    .slice(0, longestName);
  const hint = nameForm.test(guess) ? `did you mean ${guess}` : undefined;
  const wanted = `wanted small letters, digits and single dashes, a letter first, ${longestName} in all at most`;
  throw new SampanError("CLI_OPTION_INVALID", `Cannot name a project "${printable(name)}": ${wanted}`, { hint });
}
