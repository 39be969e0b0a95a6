import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { compileGuest, compileOwnGuest } from "../../guests/toolchain.ts";
import { expectText, fixedLine, placed, quote, runLine, type SpecFile, type Step, type Text } from "./spec-runner.ts";

/** A spec.json; specs/README.md says what the keys mean. */
interface Spec {
  readonly guests?: readonly string[];
  readonly files?: Readonly<Record<string, SpecFile>>;
  readonly fallback?: boolean;
  readonly steps: readonly Step[];
}

const folder = join(import.meta.dirname, "specs");
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test("specs exist, and each folder has a spec.json with steps", () => {
  assert.ok(names.length > 0);
  for (const name of names) assert.ok(readSpec(name).steps.length > 0, name);
});

describe("sampan", { concurrency: 2 }, () => {
  for (const name of names) {
    const spec = readSpec(name);
    test(`does what specs/${name} says`, () => runSpec(spec, {}));
    if (spec.fallback === true) {
      test(`does what specs/${name} says without node:ffi`, () => runSpec(spec, { SAMPAN_FFI: "0" }));
    }
  }
});

function readSpec(name: string): Spec {
  return JSON.parse(readFileSync(join(folder, name, "spec.json"), "utf8")) as Spec;
}

async function runSpec(spec: Spec, env: Readonly<Record<string, string>>): Promise<void> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "sampan-spec-")));
  try {
    for (const guest of spec.guests ?? []) copyFileSync(await guestModule(guest), join(dir, `${guest}.wasm`));
    for (const [name, file] of Object.entries(spec.files ?? {})) placeFile(join(dir, name), file, dir);
    let before = { line: "", stderr: "" };
    for (const step of spec.steps) {
      const line = placed(lineOf(step, { before, dir }), dir);
      const given = Object.entries(step.env ?? {}).map(([key, value]) => [key, placed(value, dir)]);
      const outcome = await runLine(line, {
        dir,
        env: { ...env, ...Object.fromEntries(given) },
        stdin: step.stdin ?? "",
        signal: step.signal,
      });
      expectText("stderr", outcome.stderr, step.stderr, dir);
      expectText("stdout", outcome.stdout, step.stdout, dir);
      assert.equal(outcome.exit, step.exit ?? 0);
      expectFiles(step.after ?? {}, dir);
      before = { line, stderr: outcome.stderr };
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function lineOf(step: Step, { before, dir }: { before: { line: string; stderr: string }; dir: string }): string {
  if (step.withFix !== undefined) return fixedLine(before, step.withFix);
  return step.shell ?? `sampan ${(step.args ?? []).map((word) => quote(placed(word, dir))).join(" ")}`;
}

function guestModule(name: string): Promise<string> {
  const own = join(folder, `${name}.c`);
  return existsSync(own) ? compileGuest({ sources: [own] }) : compileOwnGuest(name);
}

function placeFile(path: string, file: SpecFile, dir: string): void {
  mkdirSync(path.endsWith("/") ? path : dirname(path), { recursive: true });
  if (path.endsWith("/")) return;
  if (typeof file === "string") writeFileSync(path, placed(file, dir));
  else if ("hex" in file) writeFileSync(path, Buffer.from(file.hex.replaceAll(" ", ""), "hex"));
  else symlinkSync(placed(file.link, dir), path);
}

function expectFiles(files: Readonly<Record<string, Text>>, dir: string): void {
  for (const [name, text] of Object.entries(files)) expectText(name, readFileSync(join(dir, name), "utf8"), text, dir);
}
