import { close, openSync, promises, read, rmSync } from "node:fs";
import { join } from "node:path";
import type { LogStore, Segment, SegmentReader } from "./log-store.ts";

const newline = 0x0a;
const blockSize = 64 * 1024;

/** Keeps a log in a folder of its own: a file for each segment, named by the number of its first entry. */
export class FolderStore implements LogStore {
  readonly #folder: string;
  /** The number of the newest segment; undefined where there is none, or none any more. */
  #newest: number | undefined;
  /** The newest segment, while it is written to: thousands of containers that have ended hold no descriptor. */
  #file: promises.FileHandle | undefined;
  #closing: Promise<void> = Promise.resolve();

  readonly #isReadOnly: boolean;

  /** A store that is only read leaves everything as it is, the half line that a dead engine left included. */
  constructor(folder: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.#folder = folder;
    this.#isReadOnly = readOnly;
  }

  async open(): Promise<Segment[]> {
    if (!this.#isReadOnly) await promises.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const found = (await this.#names()).filter((name) => /^\d{16}\.log$/.test(name)).toSorted();
    const firsts = found.map((name) => Number.parseInt(name, 10));
    const segments: Segment[] = [];
    for (const [index, first] of firsts.entries()) {
      const next = firsts[index + 1];
      const { size } = await promises.stat(this.#path(first));
      segments.push(next === undefined ? await this.#reopen(first) : { first, count: next - first, size });
    }
    return segments;
  }

  async append(lines: Uint8Array): Promise<void> {
    if (this.#newest === undefined) return;
    this.#file ??= await promises.open(this.#path(this.#newest), "a", 0o600);
    const file = this.#file;
    for (let at = 0; at < lines.length;) at += (await file.write(lines, at)).bytesWritten;
  }

  async begin(first: number): Promise<void> {
    const opened = await promises.open(this.#path(first), "w", 0o600);
    await this.#file?.close();
    this.#file = opened;
    this.#newest = first;
  }

  drop(first: number): void {
    rmSync(this.#path(first), { force: true });
  }

  reader(first: number): SegmentReader {
    const fd = openIfThere(this.#path(first));
    // A file that somebody deleted holds nothing; its entries count as lost.
    if (fd === undefined) return { read: () => 0, close: () => {} };
    return {
      read: (into, position) => {
        return new Promise((resolve, reject) => {
          read(fd, into, 0, into.length, position, (error, count) => (error === null ? resolve(count) : reject(error)));
        });
      },
      close: () => close(fd, () => {}),
    };
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    // Whoever closes it a second time waits for the first.
    if (file !== undefined) this.#closing = file.close();
    await this.#closing;
  }

  async remove(): Promise<void> {
    this.#newest = undefined;
    await this.close();
    await promises.rm(this.#folder, { recursive: true, force: true });
  }

  #path(first: number): string {
    return join(this.#folder, `${String(first).padStart(16, "0")}.log`);
  }

  async #names(): Promise<string[]> {
    try {
      return await promises.readdir(this.#folder);
    } catch (error) {
      if (this.#isReadOnly) return [];
      throw error;
    }
  }

  /** Counts the lines of the newest file, and takes off the half line that an engine that died may have left. */
  async #reopen(first: number): Promise<Segment> {
    const handle = await promises.open(this.#path(first), this.#isReadOnly ? "r" : "r+");
    const block = Buffer.alloc(blockSize);
    let [count, size, at] = [0, 0, 0];
    for (;;) {
      const { bytesRead } = await handle.read(block, 0, blockSize, at);
      if (bytesRead === 0) break;
      for (
        let found = block.indexOf(newline);
        found >= 0 && found < bytesRead;
        found = block.indexOf(newline, found + 1)
      ) {
        count += 1;
        size = at + found + 1;
      }
      at += bytesRead;
    }
    if (!this.#isReadOnly) await handle.truncate(size);
    await handle.close();
    this.#newest = first;
    return { first, count, size };
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}
