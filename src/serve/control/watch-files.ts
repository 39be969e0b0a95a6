import { type FSWatcher, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../../runtime/index.ts";

/** How long files have to be still before they count as changed, in ms: whoever builds one writes it in pieces. */
const stillFor = 100;

/** Watches files by their folders, so that one that is replaced, removed and made again is seen as well. */
export class FileWatch {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #stamps = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Watches these files from now on, and no others. */
  follow(files: readonly string[]): void {
    this.#stamps = new Map(files.map((file) => [file, stampOf(file)]));
    const folders = new Set(files.map((file) => dirname(file)));
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of folders) if (!this.#folders.has(folder)) this.#open(folder);
  }

  close(): void {
    this.#cancel?.();
    this.follow([]);
  }

  #open(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#onEvent());
      watcher.on("error", () => {});
      this.#folders.set(folder, watcher);
    } catch {
      // A folder that is gone is looked at again with the next configuration.
    }
  }

  #onEvent(): void {
    this.#cancel?.();
    this.#cancel = this.#clock.setTimer(stillFor, () => this.#look());
  }

  #look(): void {
    this.#cancel = undefined;
    let hasChanged = false;
    for (const [file, stamp] of this.#stamps) {
      const now = stampOf(file);
      if (now === stamp) continue;
      this.#stamps.set(file, now);
      hasChanged = true;
    }
    if (hasChanged) this.#onChange();
  }
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.size}-${stat.mtimeMs}-${stat.ino}`;
}
