import { type BigIntStats, writeFileSync } from "node:fs";
import { build, failureOfNode } from "../../base/index.ts";
import { CacheFolder, defaultCacheFolder } from "./cache-folder.ts";
import { Checksum } from "./checksum.ts";
import { nameOf, newSecret, secretBytes } from "./digest.ts";
import { type CacheEntry, entrySize, readEntry, readEntryLater, writeEntry } from "./entry-file.ts";
import { identityFileName, identityOf, identityText, liesStill, nameInIdentity } from "./file-identity.ts";

/** How a cache is kept. */
export interface CompileCacheOptions {
  /** Most bytes that its files take together; 1 GiB where it is left out. */
  readonly maxBytes?: number;
  /** The time in milliseconds since 1970; `Date.now` where it is left out. */
  readonly now?: () => number;
}

/** What an entry depends on besides the module. */
export interface CacheSubject {
  /** The version of the engine. */
  readonly version: string;
  /** How the module is rewritten: data that JSON carries. */
  readonly options: unknown;
}

/** Names an entry of one cache: 64 hexadecimal digits. */
export type CacheKey = string;

const secretFile = "secret";
const defaultMaxBytes = 1024 ** 3;

/**
 * Rewritten modules on disk, so that a module is rewritten once. Nothing of it throws for what the disk does: an entry that
 * cannot be read, or is not whole, is missing; one that cannot be written is left out; without a folder that is the user's
 * alone there is no cache. Entries come whole under their names or not at all, whoever else writes or is ended meanwhile.
 */
export class CompileCache {
  readonly #path: string | undefined;
  readonly #maxBytes: number;
  readonly #now: () => number;
  #folder: CacheFolder | undefined | "unopened" = "unopened";
  #secret: Uint8Array | undefined;
  #checksum: Checksum | undefined;

  /** A cache in `folder`, by default {@link defaultCacheFolder}'s; it is opened when it is first used. */
  constructor(folder: string | undefined = defaultCacheFolder(), options: CompileCacheOptions = {}) {
    this.#path = folder;
    this.#maxBytes = options.maxBytes ?? defaultMaxBytes;
    this.#now = options.now ?? Date.now;
  }

  /** The key of what is made of a module's bytes; undefined where there is no cache. */
  keyOf(bytes: Uint8Array, subject: CacheSubject): CacheKey | undefined {
    const folder = this.#open();
    if (folder === undefined) return undefined;
    this.#secret ??= folder.readOrMake(secretFile, secretBytes, newSecret);
    return this.#secret === undefined ? undefined : nameOf(this.#secret, bytes, textOf(subject));
  }

  /**
   * The key of a file's content without reading it, where {@link rememberFile} has heard of that file and it has not changed.
   * Ask with the `fstat` of the descriptor that would be read.
   */
  keyOfFile(stat: BigIntStats, subject: CacheSubject): CacheKey | undefined {
    const identity = identityOf(stat);
    const folder = identity === undefined ? undefined : this.#open();
    if (folder === undefined) return undefined;
    const about = `${identity} ${textOf(subject)}`;
    const file = identityFileName(about);
    const text = folder.readText(file);
    if (text === undefined) return undefined;
    const key = nameInIdentity(text, about);
    if (key === undefined) folder.remove(file);
    return key;
  }

  /**
   * Remembers that a file's content has a key. `stat` is what `fstat` said *before* the file was read, and it must say so
   * still. A file that was changed in the last two seconds is not remembered: another change might leave its times as they are.
   */
  rememberFile(stat: BigIntStats, subject: CacheSubject, key: CacheKey): void {
    const identity = identityOf(stat);
    if (identity === undefined || !liesStill(stat, this.#now())) return;
    const about = `${identity} ${textOf(subject)}`;
    this.#open()?.write(identityFileName(about), (fd) => writeFileSync(fd, identityText(about, key)));
  }

  /** The entry of a key; undefined where there is none that is whole. */
  get(key: CacheKey): CacheEntry | undefined {
    const folder = this.#open();
    if (folder === undefined) return undefined;
    try {
      return found(folder, key, readEntry(folder.at(key), key, this.#checked()));
    } catch (error) {
      return missing(folder, key, error);
    }
  }

  /** {@link get}, without holding up the thread while the disk is read. */
  async load(key: CacheKey): Promise<CacheEntry | undefined> {
    const folder = this.#open();
    if (folder === undefined) return undefined;
    try {
      return found(folder, key, await readEntryLater(folder.at(key), key, this.#checked()));
    } catch (error) {
      return missing(folder, key, error);
    }
  }

  /** Keeps an entry, and makes room for it by removing those that were used longest ago. */
  put(key: CacheKey, entry: CacheEntry): void {
    const folder = this.#open();
    if (folder === undefined || entrySize(key, entry) > this.#maxBytes) return;
    const isWritten = folder.write(key, (fd) => writeEntry(fd, key, entry, this.#checked()));
    if (isWritten) folder.shrink(this.#maxBytes, new Set([key, secretFile]));
  }

  #open(): CacheFolder | undefined {
    if (this.#folder === "unopened") {
      this.#folder = this.#path === undefined ? undefined : CacheFolder.open(this.#path);
    }
    return this.#folder;
  }

  #checked(): Checksum {
    return (this.#checksum ??= new Checksum());
  }
}

function textOf({ version, options }: CacheSubject): string {
  return JSON.stringify([version, options]);
}

/** An entry that was read; what is there and not whole is removed. */
function found(folder: CacheFolder, key: CacheKey, entry: CacheEntry | undefined): CacheEntry | undefined {
  if (entry === undefined) folder.remove(key);
  return entry;
}

function missing(folder: CacheFolder, key: CacheKey, error: unknown): undefined {
  const failed = failureOfNode(error);
  if (failed === undefined) throw error;
  if (failed.errno !== "noent") folder.remove(key);
}

/**
 * The cache that everybody's runs share, in the user's own folder. None where the sources run as they are: a cache knows what it
 * holds by the build that wrote it.
 */
export function ownCache(): CompileCache | undefined {
  return build === undefined ? undefined : new CompileCache();
}
