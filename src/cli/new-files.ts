import { mkdirSync, readdirSync, readFileSync, lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SampanError } from "../base/index.ts";
import { writeText } from "./files.ts";
import { type Language, nextCommands } from "./new-languages.ts";

/** A project that is to be made. */
export interface NewProject {
  readonly language: Language;
  readonly name: string;
  readonly isHttp: boolean;
}

const templates = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../../templates/" : "../templates/", import.meta.url),
);
/** What stands in a template in the place of the project's name. */
const placeholder = "{{name}}";

/**
 * Makes a project's folder and all that is in it, and answers the files' paths in it.
 *
 * @throws NEW_FOLDER_TAKEN, FILE_UNREADABLE
 */
export function makeProject(folder: string, project: NewProject): string[] {
  checkFree(folder, project.name);
  const files = filesOf(project);
  for (const [path, text] of files) {
    const file = join(folder, path);
    makeFolder(dirname(file));
    writeText(file, text);
  }
  return files.map(([path]) => path);
}

/** Nothing is ever overwritten: only a folder that is not there yet, or is empty, is filled. */
function checkFree(folder: string, name: string): void {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const what = stat.isDirectory() ? "the folder is there and not empty" : "there is something of that name";
  if (stat.isDirectory() && readdirSync(folder).length === 0) return;
  throw new SampanError("NEW_FOLDER_TAKEN", `Cannot make the project "${name}": ${what}`, {
    hint: "take another name, or another folder to make it in",
  });
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SampanError("FILE_UNREADABLE", `Cannot make the folder "${folder}": ${reason}`, { cause });
  }
}

/** The files of a project by their paths in its folder, sorted. */
export function filesOf(project: NewProject): [path: string, text: string][] {
  const { language, name, isHttp } = project;
  const template = join(templates, isHttp ? `${language.name}-http` : language.name);
  const own = readdirSync(template, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry): [string, string] => {
      const file = join(entry.parentPath, entry.name);
      const path = file.slice(template.length + 1).replaceAll("\\", "/");
      return [path, readFileSync(file, "utf8").replaceAll(placeholder, name)];
    });
  // npm would take a .gitignore in a template for one of the package's own.
  const ignored = language.leavings.map((line) => `${line}\n`).join("");
  const all: [string, string][] = [...own, [".gitignore", ignored], ["README.md", readmeOf(project)]];
  return all.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function readmeOf({ language, name, isHttp }: NewProject): string {
  const { build, run } = nextCommands(language, name, isHttp);
  const what = isHttp ? "answers HTTP requests" : "runs as a command";
  return (
    `# ${name}\n\n` +
    `Written in ${language.title}, it ${what} under Sampan, and can do what it is granted and nothing else (\`sampan help ${isHttp ? "serve" : "run"}\`).\n\n` +
    `    ${build}\n    ${run}\n`
  );
}
