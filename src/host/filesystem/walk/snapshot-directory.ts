import { lstatSync, readdirSync } from "node:fs";
import { failureOfNode } from "../../../base/index.ts";
import type { DirectoryReader, FileType } from "../file-calls.ts";

/** What the reader asks about its folder. */
export interface SnapshotSource {
  /** The folder's own path, and what a name in it is appended to; asked for anew with each list. */
  path(): string;
  prefix(): string;
  ino(): bigint;
}

/**
 * Reads entries from a list that is taken when reading starts. A cookie is a place in that list, so that it means the same
 * whatever comes and goes meanwhile; entries that came later show once reading starts again.
 */
export class SnapshotDirectory implements DirectoryReader {
  readonly #source: SnapshotSource;
  /** Names of the listed entries as one character a byte, and the types. */
  #names: readonly string[] = [];
  #types: readonly FileType[] = [];
  #isTaken = false;
  #prefix = "";
  #at = 0;
  readonly bytes = Buffer.alloc(1024);
  readonly nameStart = 0;
  nameLength = 0;

  constructor(source: SnapshotSource) {
    this.#source = source;
  }

  get cookie(): bigint {
    return BigInt(this.#at);
  }

  get type(): FileType {
    return this.#types[this.#at - 1] ?? "unknown";
  }

  /** Looked up when it is asked for: a list of names alone says none. 0 where the entry is gone by now. */
  get ino(): bigint {
    // `..` answers as `.` does: what lies above the folder is not told.
    if (this.#at <= 2) return this.#source.ino();
    const path = this.#entryPath();
    // Numbers are quicker to come by; one that a double does not hold is asked for again.
    const ino = lstatSync(path, { throwIfNoEntry: false })?.ino ?? 0;
    return Number.isSafeInteger(ino)
      ? BigInt(ino)
      : (lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n);
  }

  seek(cookie: bigint): void {
    if (cookie === 0n || !this.#isTaken) this.#take();
    const length = BigInt(this.#names.length);
    this.#at = Number(cookie > length ? length : cookie);
  }

  next(): boolean {
    if (!this.#isTaken) this.#take();
    const name = this.#names[this.#at];
    if (name === undefined) return false;
    this.#at += 1;
    this.nameLength = this.bytes.write(name, 0, "latin1");
    return true;
  }

  close(): void {
    this.#names = [];
    this.#types = [];
    this.#isTaken = false;
  }

  #entryPath(): string | Buffer {
    const name = this.#names[this.#at - 1] ?? "";
    // The names are one character a byte, which beyond ASCII is not what node:fs makes of a text.
    if (isAscii(name)) return this.#prefix + name;
    return Buffer.concat([Buffer.from(this.#prefix), this.bytes.subarray(0, this.nameLength)]);
  }

  #take(): void {
    try {
      this.#prefix = this.#source.prefix();
      const entries = readdirSync(this.#source.path(), { withFileTypes: true, encoding: "latin1" });
      this.#names = [".", "..", ...entries.map((entry) => entry.name)];
      this.#types = ["directory", "directory", ...entries.map(typeOfEntry)];
      this.#isTaken = true;
      this.#at = 0;
    } catch (error) {
      throw failureOfNode(error) ?? error;
    }
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

interface Entry {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
  isCharacterDevice(): boolean;
  isBlockDevice(): boolean;
}

function typeOfEntry(entry: Entry): FileType {
  if (entry.isFile()) return "regular-file";
  if (entry.isDirectory()) return "directory";
  if (entry.isSymbolicLink()) return "symbolic-link";
  if (entry.isFIFO()) return "fifo";
  if (entry.isSocket()) return "socket";
  if (entry.isCharacterDevice()) return "character-device";
  return entry.isBlockDevice() ? "block-device" : "unknown";
}
