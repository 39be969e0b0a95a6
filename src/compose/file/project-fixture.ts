import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { LoadOptions, Problem, Project } from "./model.ts";
import { loadProject } from "./load-project.ts";
import { SampanError } from "../../base/index.ts";

/** What a project's folder holds besides a module `app.wasm`: text by path. */
export type Files = Readonly<Record<string, string>>;

/** Loads what stands in a folder of its own, which is called `shop` and is gone afterwards; `read` may look at it. */
export async function inProject<T>(files: Files, read: (folder: string) => Promise<T>): Promise<T> {
  const parent = realpathSync(mkdtempSync(join(tmpdir(), "sampan-compose-")));
  const folder = join(parent, "shop");
  try {
    for (const [name, text] of Object.entries({ "app.wasm": "module", ...files })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return await read(folder);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

/** Loads a compose file's text, with nothing around it but a home. */
export async function load(text: string, options: Partial<LoadOptions> & { others?: Files } = {}): Promise<Project> {
  const { others = {}, ...rest } = options;
  return inProject({ "compose.yaml": text, ...others }, (cwd) =>
    loadProject({ cwd, env: { HOME: "/home/me" }, ...rest }),
  );
}

/** What is told of files that are wrong: each problem's place, sentence and code, and what to type in the next line. */
export async function toldOf(load: Promise<unknown>): Promise<{ code: string; told: string[] }> {
  try {
    await load;
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    const problems = (error.data?.["problems"] ?? []) as readonly Problem[];
    const told = problems.flatMap(({ file, line, column, message, code, hint }) => [
      `${file}:${line}:${column}: ${message} [${code}]`,
      ...(hint === undefined ? [] : [`  ${hint}`]),
    ]);
    return { code: error.code, told };
  }
  throw new TypeError("The project was loaded");
}
