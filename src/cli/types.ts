import { nearest, printable, SampanError } from "../base/index.ts";
import { writeDeclarations } from "../component/index.ts";
import { findWasi02 } from "../abi/index.ts";
import { allWitFunctions, type WitWorld } from "../wasm/wit/index.ts";
import type { Command, CommandSpec, ParsedCommand, Surroundings } from "./command.ts";
import { checkWritable, writeText } from "./files.ts";
import { lastValue } from "./parse.ts";
import { type NamedWit, readNamedWit } from "./wit-files.ts";

const spec: CommandSpec = {
  name: "types",
  summary: "Write the TypeScript declarations of a component or of WIT",
  usage: "sampan types FILE [-o FILE]",
  example: "sampan types app.wasm -o app.d.ts",
  operands: "file",
  groups: [
    {
      heading: "Input",
      options: [
        { long: "--world", value: "NAME", summary: "The world to write, where a package of WIT has several" },
        { long: "--feature", value: "NAME", summary: "Keep what is @unstable under that name; may be repeated" },
      ],
    },
    {
      heading: "Output",
      options: [{ long: "--output", short: "-o", value: "FILE", summary: "Where to write; default: stdout" }],
    },
  ],
};

/** `sampan types`: TypeScript declarations of a component, a file of WIT or a folder of it. */
export const typesCommand: Command = { spec, execute: writeTypes };

function writeTypes(parsed: ParsedCommand, { print, complain }: Surroundings): number {
  const [file = ""] = parsed.operands;
  const output = lastValue(parsed, "--output");
  const features = parsed.options.flatMap(({ option, value }) =>
    option === "--feature" && value !== undefined ? [value] : [],
  );
  const wit = readNamedWit(file, features);
  const world = worldOf(wit, file, lastValue(parsed, "--world"));
  const text = writeDeclarations(world, { mode: mayWait(world) ? "async" : "sync" });
  for (const name of wit.omitted ?? []) complain(`sampan: "${printable(name)}" is left out: WIT has no name for it\n`);
  if (output === undefined) print(text);
  else {
    checkWritable(output);
    writeText(output, text);
  }
  return 0;
}

/** Whether a component of a world imports something of WASI that may wait, so that it is bound async unless somebody says otherwise. */
function mayWait({ imports }: WitWorld): boolean {
  return [...imports].some(([name, each]) => {
    if (each.kind !== "instance") return false;
    const { types, functions } = each.interface;
    return [...allWitFunctions(types.values(), functions.values())].some(
      (function_) => findWasi02(name, function_.name)?.mayWait === true,
    );
  });
}

/** The world that is meant (WIT, Specifying a World): a name of the package, a whole name, or the only one. */
function worldOf(wit: NamedWit, file: string, wanted: string | undefined): WitWorld {
  const { root, packages, world } = wit;
  if (wanted === undefined && world !== undefined) return world;
  const own = [...root.worlds.values()];
  const [first, ...others] = own;
  if (wanted === undefined && first !== undefined && others.length === 0) return first;
  const names = [...root.worlds.keys()];
  if (wanted === undefined) {
    const count = first === undefined ? "it has no world" : `it has ${own.length} worlds: ${names.join(", ")}`;
    const hint = first === undefined ? "name WIT that has a world" : `add --world ${first.name}`;
    throw new SampanError("CLI_USAGE", `Cannot write the types of "${file}": ${count}`, { hint });
  }
  const found = root.worlds.get(wanted) ?? packages.flatMap(wholeNames).find(({ name }) => name === wanted)?.world;
  if (found !== undefined) return found;
  const all = [...names, ...packages.flatMap(wholeNames).map(({ name }) => name)];
  const near = nearest(wanted, all);
  throw new SampanError(
    "CLI_OPTION_INVALID",
    `Cannot write the types of the world "${wanted}": there is none of that name`,
    {
      hint: near === undefined ? `the worlds are ${names.join(", ")}` : `did you mean --world ${near}`,
    },
  );
}

function wholeNames({ name, worlds }: NamedWit["root"]): { name: string; world: WitWorld }[] {
  const { namespace, name: own, version } = name;
  const at = version === undefined ? "" : `@${version}`;
  return [...worlds].map(([each, world]) => ({ name: `${namespace}:${own}/${each}${at}`, world }));
}
