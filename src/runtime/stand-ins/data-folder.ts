import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { configError } from "./workload.ts";

/** Beside a stand-in's data: which program they are of, and whether they are whole. */
const marker = "sampan-stand-in.json";

/**
 * Makes ready the folder of a stand-in's data, and says whether there are any. What a creation left that was cut off is removed:
 * nobody has used it yet.
 *
 * @throws STAND_IN_CONFIG for data of another program
 */
function openDataFolder(folder: string, program: string): "new" | "there" {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const names = readdirSync(folder).filter((name) => name !== "lost+found");
  if (names.length === 0) {
    mark(folder, { program, isWhole: false });
    return "new";
  }
  // Guests may write in a volume: what is a link would lead out of it.
  const link = names.find((name) => lstatSync(join(folder, name)).isSymbolicLink());
  if (link !== undefined)
    throw configError(`"${join(folder, link)}" is a link`, "put the data themselves there, or remove the volume");
  const found = readMarker(folder);
  if (found?.program !== program) {
    const whose = found === undefined ? "what is not a stand-in's" : `data of ${found.program}`;
    throw configError(`"${folder}" holds ${whose}`, "give it a volume of its own, or remove that one with down -v");
  }
  if (found.isWhole) return "there";
  for (const name of names) if (name !== marker) rmSync(join(folder, name), { recursive: true });
  return "new";
}

/** Says that the data are whole. */
export function finishDataFolder(folder: string, program: string): void {
  mark(folder, { program, isWhole: true });
}

interface Marker {
  readonly program: string;
  readonly isWhole: boolean;
}

function mark(folder: string, content: Marker): void {
  const draft = join(folder, `${marker}.new`);
  rmSync(draft, { force: true });
  // It is made anew: what a guest has put there is not written through.
  writeFileSync(draft, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: "wx" });
  renameSync(draft, join(folder, marker));
}

function readMarker(folder: string): Marker | undefined {
  const file = join(folder, marker);
  if (!existsSync(file)) return undefined;
  try {
    const { program, isWhole } = JSON.parse(readFileSync(file, "utf8")) as Partial<Marker>;
    return { program: String(program), isWhole: isWhole === true };
  } catch {
    return undefined;
  }
}

/** Where a stand-in's data are, and whether they are still to be made. */
export interface DataFolder {
  readonly path: string;
  readonly isNew: boolean;
  /** Removes data that go with their container. */
  readonly clean: () => void;
}

/**
 * Opens the folder of a stand-in's data, a temporary one where no mount is there for them. `prepare` says what else is wrong
 * before anything is started.
 *
 * @throws STAND_IN_CONFIG, and what `prepare` throws
 */
export async function takeDataFolder<T>(
  folder: string | undefined,
  { program, prepare }: { readonly program: string; readonly prepare: (isNew: boolean) => T | Promise<T> },
): Promise<DataFolder & { readonly prepared: T }> {
  const temporary = folder === undefined ? temporaryFolder() : undefined;
  const clean = (): void => temporary?.remove();
  try {
    const path = folder ?? temporary?.path ?? "";
    const isNew = openDataFolder(path, program) === "new";
    return { path, isNew, clean, prepared: await prepare(isNew) };
  } catch (error) {
    clean();
    throw error;
  }
}

/** A folder for data that go with their container. */
function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(process.env["TMPDIR"] ?? "/tmp", "sampan-data-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
