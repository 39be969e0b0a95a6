import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { failureOfNode } from "../../base/index.ts";

/** A file that a process ended by force has left behind counts as such after so many milliseconds. */
const leftBehindAfter = 10 * 60_000;
const temporary = ".tmp";
/** Files of a cache: entries, what says which entry a file's is, and what is being written. */
const ownName = /^([0-9a-f]{64}|[0-9a-f]{16}\.file|\d+-[0-9a-z]+-\d+\.tmp)$/;

/** The folder that modules are kept in where none is named; undefined for somebody without a home. */
export function defaultCacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const { XDG_CACHE_HOME: cache, HOME: home } = env;
  // The specification of that variable has relative paths ignored.
  if (cache?.startsWith("/") === true) return join(cache, "sampan", "modules");
  return home === undefined || home === "" ? undefined : join(home, ".cache", "sampan", "modules");
}

/** Files of a cache in a folder that is the user's alone: each comes whole under its name, or not at all. */
export class CacheFolder {
  readonly path: string;
  #count = 0;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes the folder, or takes it as it is; undefined where it cannot be used: what others could write in would let them
   * choose the code that runs.
   */
  static open(path: string): CacheFolder | undefined {
    let folder: CacheFolder | undefined;
    tryTo(() => {
      makeFolder(path);
      const stat = lstatSync(path);
      if (!stat.isDirectory()) return;
      if (process.getuid !== undefined) {
        if (stat.uid !== process.getuid()) return;
        if ((stat.mode & 0o077) !== 0) chmodSync(path, 0o700);
      }
      folder = new CacheFolder(path);
    });
    return folder;
  }

  /** The path of a file in it. */
  at(name: string): string {
    // As it is: Node's own way takes longer than reading a small file.
    return `${this.path}/${name}`;
  }

  /** Writes a file under a temporary name and renames it; false where the disk does not take it. */
  write(name: string, fill: (fd: number) => void): boolean {
    return this.#place(fill, (temporaryPath) => renameSync(temporaryPath, this.at(name)));
  }

  /** A small file's bytes, or those that `make` answers where there is none: of several writers, one wins. */
  readOrMake(name: string, length: number, make: () => Uint8Array): Uint8Array | undefined {
    const found = this.#readSmall(name, length);
    if (found !== undefined) return found;
    const fill = (fd: number): void => writeFileSync(fd, make());
    this.#place(fill, (temporaryPath) => {
      linkSync(temporaryPath, this.at(name));
      rmSync(temporaryPath);
    });
    // A disk without hard links gets the last writer's instead.
    return this.#readSmall(name, length) ?? (this.write(name, fill) ? this.#readSmall(name, length) : undefined);
  }

  /** A small file's text, marked as used; undefined where there is none. */
  readText(name: string): string | undefined {
    let text: string | undefined;
    tryTo(() => (text = readFileSync(this.at(name), "utf8")));
    const now = Date.now() / 1000;
    if (text !== undefined) tryTo(() => utimesSync(this.at(name), now, now));
    return text;
  }

  /** Removes a file, if it is there and can be. */
  remove(name: string): void {
    tryTo(() => rmSync(this.at(name), { force: true }));
  }

  /**
   * Removes what was used longest ago until the files together take at most `maxBytes`, but none of `spared`; and what was
   * left half written. Whoever has a removed file open reads it to its end.
   */
  shrink(maxBytes: number, spared: ReadonlySet<string>): void {
    let total = 0;
    const files: { name: string; size: number; used: number }[] = [];
    tryTo(() => {
      for (const name of readdirSync(this.path)) {
        const stat = lstatSync(this.at(name), { throwIfNoEntry: false });
        // Somebody may have named a folder that holds other things as well.
        if (stat?.isFile() !== true || !ownName.test(name)) continue;
        if (name.endsWith(temporary)) {
          if (Date.now() - stat.mtimeMs > leftBehindAfter) this.remove(name);
          continue;
        }
        total += stat.size;
        if (!spared.has(name)) files.push({ name, size: stat.size, used: stat.mtimeMs });
      }
    });
    for (const { name, size } of files.toSorted((a, b) => a.used - b.used)) {
      if (total <= maxBytes) return;
      this.remove(name);
      total -= size;
    }
  }

  #readSmall(name: string, length: number): Uint8Array | undefined {
    let bytes: Uint8Array | undefined;
    tryTo(() => (bytes = readFileSync(this.at(name))));
    if (bytes === undefined || bytes.length === length) return bytes;
    this.remove(name);
    return undefined;
  }

  #place(fill: (fd: number) => void, place: (temporaryPath: string) => void): boolean {
    this.#count += 1;
    const name = `${process.pid}-${process.hrtime.bigint().toString(36)}-${this.#count}${temporary}`;
    const isDone = tryTo(() => {
      const fd = openSync(this.at(name), "wx", 0o600);
      try {
        fill(fd);
      } finally {
        closeSync(fd);
      }
      place(this.at(name));
    });
    if (!isDone) this.remove(name);
    return isDone;
  }
}

/** Makes a folder and those above it, one try each: Node's own way never ends where the system says ENOENT to the last. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    const errno = failureOfNode(error)?.errno;
    if (errno === "exist") return;
    if (errno !== "noent" || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    tryTo(() => mkdirSync(path, 0o700));
  }
}

/** Whether the system let it be done; errors of ours are thrown on. */
function tryTo(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (failureOfNode(error) === undefined) throw error;
    return false;
  }
}
