import { lstatSync, readdirSync } from "node:fs";
import { failureOfNode } from "../../../base/index.ts";
import type { DirectoryReader, FileType } from "../file-calls.ts";

/** What the reader asks about its folder. */
export interface SnapshotSource {
  /** The folder's own path, and what a name in it is appended to; asked for anew with each list. */
  path(): string;
  prefix(): string;
  ino(): bigint;
  /** Runs `use` in the folder itself, where names are paths; answers whether that could be done ({@link inFolder}). */
  readonly inside?: ((use: () => void) => boolean) | undefined;
}

/** Entries that are looked up in one stay in the folder: as many as fit in the buffer of a C library's readdir, and more. */
const mostLookedUp = 256;
/** The inode of an entry that is not known, or not as a number: it is asked for by itself. */
const unknownInode = -1;
const orUndefined = { throwIfNoEntry: false } as const;

/**
 * Reads entries from a list that is taken when reading starts. A cookie is a place in that list, so that it means the same
 * whatever comes and goes meanwhile; entries that came later show once reading starts again.
 */
export class SnapshotDirectory implements DirectoryReader {
  readonly #source: SnapshotSource;
  /** Names of the listed entries as one character a byte, and the types. */
  #names: readonly string[] = [];
  #types: readonly FileType[] = [];
  /** Inodes of the entries from #inodesStart on, of the stretch that was looked up last. */
  readonly #inodes: number[] = [];
  #inodesStart = 0;
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
    const known = this.#lookedUp();
    if (known !== unknownInode) return BigInt(known);
    const path = this.#path(this.#prefix, this.#at - 1);
    // Numbers are quicker to come by; one that a double does not hold is asked for again.
    const ino = lstatSync(path, orUndefined)?.ino ?? 0;
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
    this.#inodes.length = 0;
    this.#isTaken = false;
  }

  /** The entry's inode out of a stretch that is looked up at once, where the folder can be gone into. */
  #lookedUp(): number {
    const { inside } = this.#source;
    if (inside === undefined) return unknownInode;
    const index = this.#at - 1;
    const place = index - this.#inodesStart;
    if (place >= 0 && place < this.#inodes.length) return this.#inodes[place] ?? unknownInode;
    this.#inodesStart = index;
    this.#inodes.length = 0;
    const end = Math.min(this.#names.length, index + mostLookedUp);
    const isDone = inside(() => {
      for (let i = index; i < end; i++) this.#inodes.push(inodeOf(this.#path("", i)));
    });
    if (!isDone) for (let i = index; i < end; i++) this.#inodes.push(unknownInode);
    return this.#inodes[0] ?? unknownInode;
  }

  #path(prefix: string, index: number): string | Buffer {
    const name = this.#names[index] ?? "";
    // The names are one character a byte, which beyond ASCII is not what node:fs makes of a text.
    return isAscii(name) ? prefix + name : Buffer.from(prefix + name, "latin1");
  }

  #take(): void {
    try {
      this.#prefix = this.#source.prefix();
      const entries = readdirSync(this.#source.path(), { withFileTypes: true, encoding: "latin1" });
      this.#names = [".", "..", ...entries.map((entry) => entry.name)];
      this.#types = ["directory", "directory", ...entries.map(typeOfEntry)];
      this.#inodes.length = 0;
      this.#isTaken = true;
      this.#at = 0;
    } catch (error) {
      throw failureOfNode(error) ?? error;
    }
  }
}

function inodeOf(path: string | Buffer): number {
  try {
    const ino = lstatSync(path, orUndefined)?.ino ?? 0;
    return Number.isSafeInteger(ino) ? ino : unknownInode;
  } catch {
    // What cannot be looked at says so when it is asked for, not when an entry before it is.
    return unknownInode;
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
