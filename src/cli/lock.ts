import { dirname, resolve } from "node:path";
import { nearest, printable, SampanError, shellWord } from "../base/index.ts";
import {
  capabilityOfFlag,
  compareWithLock,
  defaultGrants,
  grantsToLock,
  type Lock,
  type LockDifference,
  type LockedComponent,
  type LockedImports,
  lockName,
  parseLock,
  plainImports,
  printLock,
} from "../capabilities/index.ts";
import { sha256Of } from "../engine/index.ts";
import type { Command, CommandSpec, ParsedCommand, Surroundings } from "./command.ts";
import { checkWritable, readArtifact, readText, writeText } from "./files.ts";
import { grantGroups, grantsOf } from "./grant-options.ts";
import { importsToLock } from "./lock-imports.ts";
import { hasSwitch, lastValue } from "./parse.ts";

const spec: CommandSpec = {
  name: "lock",
  summary: "Lock components to what they are, import and may do",
  usage: "sampan lock add FILE... [GRANTS] | sampan lock remove FILE... | sampan lock --check [FILE...]",
  example: "sampan lock add resize.wasm -v ./photos:/in:ro",
  operands: "words",
  groups: [
    {
      heading: "Lock",
      options: [
        { long: "--check", summary: "Compare files with the lock; exits with 1 where one is another" },
        { long: "--lock", value: "FILE", summary: "The lock; default: sampan.lock" },
      ],
    },
    ...grantGroups,
  ],
};

/** `sampan lock`: what components are, import and may do, in a file that is kept with a program's sources. */
export const lockCommand: Command = { spec, execute: lockFiles };

/** A lock, and where it is. */
interface LockFile {
  readonly file: string;
  readonly lock: Lock;
  /** As messages call it. */
  readonly name: string;
}

async function lockFiles(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const [action, ...files] = parsed.operands;
  if (hasSwitch(parsed, "--check")) return check(parsed, surroundings);
  if (action === "add" && files.length > 0) return add(parsed, files, surroundings);
  if (action === "remove" && files.length > 0) return remove(parsed, files, surroundings);
  const usage = { hint: `usage: ${spec.usage}` };
  if (action === "add" || action === "remove") throw new SampanError("CLI_USAGE", "Cannot lock without a FILE", usage);
  const what =
    action === undefined ? "Cannot lock without a word what to do" : `Cannot lock "${action}": it is no action`;
  throw new SampanError("CLI_USAGE", what, usage);
}

async function add(parsed: ParsedCommand, files: readonly string[], surroundings: Surroundings): Promise<number> {
  const { print, cwd } = surroundings;
  const { file, lock, name: lockFile } = openLock(parsed, surroundings, "may be missing");
  checkWritable(file);
  const typed = parsed.options.some(({ option }) => option === "--grants" || capabilityOfFlag(option) !== undefined);
  const given = typed
    ? await grantsOf(parsed, surroundings)
    : { grants: defaultGrants, fromSurroundings: new Set<string>() };
  const grants = grantsToLock(given.grants, { cwd: dirname(file), fromSurroundings: given.fromSurroundings });
  const next = new Map(lock);
  for (const each of files) {
    const path = resolve(cwd, each);
    const found = readComponent(path, each);
    const name = lockName(path, dirname(file));
    const known = next.get(name);
    const locked = { ...found, grants: typed || known === undefined ? grants : known.grants };
    next.set(name, locked);
    const difference = known === undefined ? undefined : compareWithLock(known, found);
    print(`${printable(name)}: ${saidOf(known, difference)}\n`);
    if (known !== undefined && difference !== undefined) print(describe(known, found, difference));
    print(`  granted beside the defaults: ${locked.grants.map(printable).join(" ") || "nothing"}\n`);
  }
  writeText(file, printLock(next));
  print(`${next.size} ${next.size === 1 ? "component is" : "components are"} in ${printable(lockFile)}\n`);
  return 0;
}

function remove(parsed: ParsedCommand, files: readonly string[], surroundings: Surroundings): number {
  const { print, cwd } = surroundings;
  const { file, lock, name: lockFile } = openLock(parsed, surroundings, "has to be there");
  const given = parsed.options.find(({ option }) => option === "--grants" || capabilityOfFlag(option) !== undefined);
  if (given !== undefined)
    throw new SampanError("CLI_USAGE", `Cannot remove with "${given.option}": grants go with their component`, {
      hint: `usage: ${spec.usage}`,
    });
  checkWritable(file);
  const next = new Map(lock);
  const names = files.map((each) => lockName(resolve(cwd, each), dirname(file)));
  for (const name of names) {
    if (next.delete(name)) continue;
    const near = nearest(name, next.keys());
    throw new SampanError("LOCK_MISSING", `Cannot remove "${name}": the lock does not have it`, {
      hint: near === undefined ? "see what it has with sampan lock --check" : `did you mean "${near}"`,
    });
  }
  // Nothing is written where one of them is not there.
  writeText(file, printLock(next));
  for (const name of names) print(`${printable(name)}: removed\n`);
  print(`${next.size} ${next.size === 1 ? "component is" : "components are"} in ${printable(lockFile)}\n`);
  return 0;
}

function saidOf(known: LockedComponent | undefined, difference: LockDifference | undefined): string {
  if (known === undefined) return "locked";
  return difference === undefined ? "locked as before" : "locked anew";
}

function check(parsed: ParsedCommand, surroundings: Surroundings): number {
  const { print, cwd } = surroundings;
  const { file, lock, name: lockFile } = openLock(parsed, surroundings, "has to be there");
  const folder = dirname(file);
  const wanted = parsed.operands.map((each) => lockName(resolve(cwd, each), folder));
  let different = 0;
  const names = wanted.length > 0 ? wanted : [...lock.keys()];
  for (const name of names) {
    const said = compare(lock.get(name), { name, folder });
    if (said === undefined) continue;
    different += 1;
    print(`${printable(name)}: ${said}`);
  }
  const count = `${names.length} ${names.length === 1 ? "component" : "components"}`;
  if (different === 0) print(`${count} as in ${printable(lockFile)}\n`);
  else print(`${different} of ${count} not as in ${printable(lockFile)}\n`);
  return different === 0 ? 0 : 1;
}

/** How a file differs from what is locked, in words; undefined where it does not. */
function compare(locked: LockedComponent | undefined, at: { name: string; folder: string }): string | undefined {
  const accept = `  accept it with: sampan lock add ${printable(at.name)}\n`;
  if (locked === undefined) return `the lock does not have it\n${accept}`;
  let found: ReturnType<typeof readComponent>;
  try {
    found = readComponent(resolve(at.folder, at.name), at.name);
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    if (error.code === "FILE_NOT_FOUND")
      return `there is no such file any more\n  take it out of the lock with: sampan lock remove ${printable(shellWord(at.name))}\n`;
    return `${printable(error.message)}\n`;
  }
  const difference = compareWithLock(locked, found);
  return difference && `it is another one than the lock has\n${describe(locked, found, difference)}${accept}`;
}

function readComponent(path: string, name: string): Pick<LockedComponent, "digest" | "imports"> {
  const { bytes } = readArtifact(path);
  return { digest: sha256Of(bytes), imports: importsToLock(bytes, name) };
}

function describe(
  locked: LockedComponent,
  found: Pick<LockedComponent, "digest" | "imports">,
  { isOtherContent, more, less }: LockDifference,
): string {
  const lines: string[] = [];
  if (isOtherContent) lines.push(`its digest is ${found.digest}`, `  where ${locked.digest} was`);
  if (Object.keys(more).length > 0) lines.push("it asks for more:", ...listed(more, locked.imports, "new"));
  else lines.push("it asks for nothing more");
  if (Object.keys(less).length > 0) lines.push("it asks no longer for:", ...listed(less, found.imports, "all of it"));
  return lines.map((line) => `  ${printable(line)}\n`).join("");
}

/** Functions behind their interfaces, which are marked where the other side has nothing of them. */
function listed(these: LockedImports, those: LockedImports, mark: string): string[] {
  return Object.entries(these)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, functions]) => {
      const title = name === plainImports ? "functions" : name;
      const isWhole = !Object.hasOwn(those, name) && name !== plainImports;
      return `  ${title}${isWhole ? ` (${mark})` : ""}${functions.length === 0 ? "" : `: ${functions.toSorted().join(", ")}`}`;
    });
}

function openLock(
  parsed: ParsedCommand,
  { cwd }: Surroundings,
  presence: "may be missing" | "has to be there",
): LockFile {
  const name = lastValue(parsed, "--lock") ?? "sampan.lock";
  const file = resolve(cwd, name);
  try {
    return { file, name, lock: parseLock(readText(file, "the lock"), name) };
  } catch (error) {
    const isMissing = error instanceof SampanError && error.code === "FILE_NOT_FOUND";
    if (isMissing && presence === "may be missing") return { file, name, lock: new Map() };
    if (isMissing) {
      throw new SampanError("FILE_NOT_FOUND", error.message, {
        hint: "make it with sampan lock add FILE",
        cause: error,
      });
    }
    throw error;
  }
}
