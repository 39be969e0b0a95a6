import { glob, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { SampanError } from "../../src/base/index.ts";
import { findConverter, run } from "./converter.ts";
import { runScript, type Verdict } from "./run-script.ts";
import type { ScriptCommand } from "./script.ts";

const expectedFile = new URL("expected-failures.json", import.meta.url);
const waits = "waits for ";
const modes = ["sync", "async"] as const;
/** Commands that only decode and validate. */
const validating = new Set(["assert_invalid", "assert_malformed", "module_definition"]);

/**
 * Runs the `.wast` files of WebAssembly/component-model (its folder `test`), each command in instances that are bound sync and in
 * ones that are bound async. A command that fails and is not listed in expected-failures.json, under its file and line, fails the
 * run, and so does a listed one that passes.
 *
 * @throws FILE_NOT_FOUND where the folder has no test
 */
export async function runComponentModel(folder: string): Promise<boolean> {
  const expected = JSON.parse(await readFile(expectedFile, "utf8")) as Record<string, string>;
  const files = (await Array.fromAsync(glob(join(folder, "**/*.wast")))).toSorted();
  if (files.length === 0) {
    const problem = "no .wast file is in it; wanted the folder test of a checkout of WebAssembly/component-model";
    throw new SampanError("FILE_NOT_FOUND", `Cannot run the suite in "${folder}": ${problem}`);
  }
  const converter = await findConverter();
  if ("missing" in converter) {
    console.log(`component-model: skipped, all ${files.length} files: ${converter.missing}`);
    return true;
  }
  const tally = new Tally(expected);
  for (const file of files) {
    const name = relative(folder, file).split(sep).join("/");
    tally.add(name, await runFile(file, converter.command));
  }
  return tally.report();
}

async function runFile(file: string, converter: string): Promise<Verdict[]> {
  const scratch = await mkdtemp(join(tmpdir(), "sampan-conformance-"));
  try {
    const script = join(scratch, "script.json");
    await run(converter, ["json-from-wast", file, "-o", script, "--wasm-dir", scratch]);
    const { commands } = JSON.parse(await readFile(script, "utf8")) as { commands: ScriptCommand[] };
    const verdicts: Verdict[][] = [];
    for (const mode of modes) verdicts.push(await runScript(commands, { folder: scratch, converter, mode }));
    return (verdicts[0] ?? []).map((verdict, at) => {
      const failing = modes.findIndex((_, mode) => verdicts[mode]?.[at]?.failure !== undefined);
      const failure = verdicts[failing]?.[at]?.failure;
      return { ...verdict, failure: failure === undefined ? undefined : `bound ${modes[failing]}: ${failure}` };
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What the files came to, held against what is expected to fail. */
class Tally {
  readonly #expected: Readonly<Record<string, string>>;
  readonly #unseen: Set<string>;
  readonly #counts = { files: 0, whole: 0, commands: 0, passed: 0, validating: 0, validated: 0, wrong: 0 };
  readonly #files: string[] = [];

  constructor(expected: Readonly<Record<string, string>>) {
    this.#expected = expected;
    this.#unseen = new Set(Object.keys(expected));
  }

  add(file: string, verdicts: readonly Verdict[]): void {
    const counts = this.#counts;
    counts.files += 1;
    const waiting = new Set<string>();
    let failed = 0;
    for (const { line, kind, failure } of verdicts) {
      const name = `${file}:${line}`;
      const reason = this.#expected[name];
      counts.commands += 1;
      if (validating.has(kind)) counts.validating += 1;
      this.#unseen.delete(name);
      if (failure === undefined) {
        counts.passed += 1;
        if (validating.has(kind)) counts.validated += 1;
        if (reason !== undefined)
          this.#wrong(`${name}: passes, but expected-failures.json lists it (${reason}): take it out`);
        continue;
      }
      failed += 1;
      // What waits for a feature fails for want of it and of nothing else.
      const isExpected = reason !== undefined && (!reason.startsWith(waits) || failure.endsWith(reason));
      if (!isExpected) this.#wrong(`${name}: ${kind}: ${failure}`);
      else waiting.add(reason);
    }
    if (verdicts.length === 0) this.#wrong(`${file}: has no command`);
    if (failed === 0) counts.whole += 1;
    const rest = failed === 0 ? "" : `; ${[...waiting].join(", ")}`;
    this.#files.push(`${file}: ${verdicts.length - failed} of ${verdicts.length} pass${rest}`);
  }

  report(): boolean {
    for (const name of this.#unseen)
      this.#wrong(`${name}: expected-failures.json lists it, but there is no such command`);
    for (const line of this.#files) console.log(line);
    const { files, whole, commands, passed, validating: asked, validated, wrong } = this.#counts;
    const listed = Object.keys(this.#expected).length;
    console.log(`component-model: ${whole} of ${files} files pass whole, ${passed} of ${commands} commands`);
    console.log(`component-model: ${validated} of ${asked} validations pass, ${listed} commands expected to fail`);
    return wrong === 0;
  }

  #wrong(line: string): void {
    this.#counts.wrong += 1;
    console.log(line);
  }
}
