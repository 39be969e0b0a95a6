import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";

/** Text as specs spell it: a string, or lines that each end with a line break. */
export type Text = string | readonly string[];

/** A file that a spec lays out: its text, its bytes or where a symbolic link leads. */
export type SpecFile = string | { readonly hex: string } | { readonly link: string };

/** One command that is typed and what comes of it. */
export interface Step {
  readonly args?: readonly string[];
  readonly shell?: string;
  /** Types the step before once more with the flags that it told to type; words in them are replaced. */
  readonly withFix?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: NodeJS.Signals;
  readonly exit?: number | string;
  readonly stdout?: Text;
  readonly stderr?: Text;
  readonly after?: Readonly<Record<string, Text>>;
}

/** How a line ended. */
export interface Outcome {
  readonly exit: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const root = resolve(import.meta.dirname, "../..");
/** A child that hangs is ended, which fails its test. */
const longestRun = 120_000;

/** Runs a line in `sh`, where `sampan` is the command; the line's last command takes the shell's place. */
export async function runLine(
  line: string,
  {
    dir,
    env,
    stdin,
    signal,
  }: { dir: string; env: Readonly<Record<string, string>>; stdin: string; signal?: NodeJS.Signals | undefined },
): Promise<Outcome> {
  const isPlain = line.startsWith("sampan ");
  const script = isPlain
    ? `exec "$NODE" "$MAIN" ${line.slice("sampan ".length)}`
    : `sampan() { "$NODE" "$MAIN" "$@"; }\n${line}`;
  const child = spawn("sh", ["-c", script], {
    cwd: dir,
    env: { PATH: process.env["PATH"] ?? "", NODE: process.execPath, MAIN: mainFile(), ...env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: longestRun,
    killSignal: "SIGKILL",
  });
  // A command that does not read its input closes it.
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  if (signal !== undefined) child.stdout.once("data", () => child.kill(signal));
  const ended = new Promise<number | string | null>((settle, fail) => {
    child.once("error", fail);
    child.once("close", (code, by) => settle(code ?? by));
  });
  const [stdout, stderr, exit] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exit, stdout, stderr };
}

let main: string | undefined;

/** What `SAMPAN_SPEC_MAIN` names, the bundle where it is newer than every source, or else the sources. */
export function mainFile(): string {
  main ??= process.env["SAMPAN_SPEC_MAIN"];
  if (main !== undefined) return main;
  const bundle = join(root, "dist", "main.js");
  const sources = join(root, "src");
  const isFresh =
    existsSync(bundle) &&
    readdirSync(sources, { recursive: true, encoding: "utf8" }).every(
      (name) =>
        !name.endsWith(".ts") ||
        name.endsWith(".test.ts") ||
        statSync(join(sources, name)).mtimeMs < statSync(bundle).mtimeMs,
    );
  main = isFresh ? bundle : join(sources, "cli", "main.ts");
  return main;
}

/** A word as `sh` takes it. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Text with the temporary folder in the place of `{{DIR}}`. */
export function placed(template: string, dir: string): string {
  return template.replaceAll("{{DIR}}", dir);
}

/** The line with what its stderr tells to type: flags behind the command's name, in the place of those they replace. */
export function fixedLine(before: { line: string; stderr: string }, words: Readonly<Record<string, string>>): string {
  const fixes = [...before.stderr.matchAll(/allow it with (.+?)(?: instead of (.+))?$/gm)];
  assert.ok(fixes.length > 0, `nothing tells what to type:\n${before.stderr}`);
  return fixes.reduce((line, [, printed = "", old]) => {
    const fix = Object.entries(words).reduce((typed, [from, to]) => typed.replace(from, to), printed);
    if (old === undefined) return line.replace(/\brun /, (name) => `${name}${fix} `);
    // What a grants file has gives way to a flag.
    if (line.includes("--grants ") && !line.includes(`${old} `))
      return line.replace(/\brun /, (name) => `${name}${fix} `);
    assert.ok(line.includes(`${old} `), `"${old}" was not typed: ${line}`);
    return line.replace(`${old} `, () => `${fix} `);
  }, before.line);
}

/** Compares text with what a spec expects. */
export function expectText(what: string, actual: string, expected: Text = "", dir: string): void {
  const template = placed(typeof expected === "string" ? expected : expected.map((line) => `${line}\n`).join(""), dir);
  const parts = template.split(/\{\{(.*?)\}\}/);
  if (parts.length === 1) {
    assert.equal(actual, template, what);
    return;
  }
  const pattern = parts
    .map((part, index) => (index % 2 === 0 ? part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&") : `(?:${part})`))
    .join("");
  // The plain comparison shows the difference line by line.
  if (!new RegExp(`^${pattern}$`).test(actual)) assert.equal(actual, template, what);
}
