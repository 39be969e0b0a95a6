import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isRunning, makePrivate } from "../../runtime/index.ts";

/** The folder of one server's Unix sockets, which only this user can enter. */
export class ServePlace {
  readonly #run: string;
  #folder: string | undefined;
  #count = 0;

  /** `run` is the user's folder for sockets, which is made when the first is needed. */
  constructor(run: string) {
    this.#run = run;
  }

  /** A path for one more socket. @throws PLACE_UNSAFE */
  socket(): string {
    return join(this.#own(), `${(this.#count++).toString(36)}.sock`);
  }

  /** One more folder for sockets. @throws PLACE_UNSAFE */
  folder(): string {
    const folder = join(this.#own(), (this.#count++).toString(36));
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  }

  /** Removes the folder and what is in it. */
  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  #own(): string {
    if (this.#folder !== undefined) return this.#folder;
    makePrivate(this.#run);
    this.#sweep();
    const folder = join(this.#run, `${prefix}${process.pid}`);
    // What is there is of a process that had the number before.
    rmSync(folder, { recursive: true, force: true });
    makePrivate(folder);
    this.#folder = folder;
    return folder;
  }

  /** Removes what servers left that were killed. */
  #sweep(): void {
    for (const name of readdirSync(this.#run)) {
      const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
      if (Number.isSafeInteger(pid) && !isRunning(pid)) rmSync(join(this.#run, name), { recursive: true, force: true });
    }
  }
}

const prefix = "serve-";
