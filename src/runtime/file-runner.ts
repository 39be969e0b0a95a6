import { promises, readdirSync } from "node:fs";
import { basename } from "node:path";
import { hintForMissing, SampanError } from "../base/index.ts";
import type { Engine } from "../engine/index.ts";
import { EngineRunner, type Loaded } from "./engine-runner.ts";
import type { Process, ProcessIo, Runner, Workload } from "./process.ts";

interface Kept {
  readonly stamp: string;
  readonly module: Promise<Loaded>;
}

/**
 * Runs modules by their absolute paths, each compiled once until its file changes. The engine is made when the first of them
 * starts: a project of stand-ins alone does without.
 */
export class FileRunner implements Runner {
  readonly #modules = new Map<string, Kept>();
  readonly #runner: EngineRunner;
  #engine: Promise<Engine> | undefined;

  constructor() {
    this.#runner = new EngineRunner({ engine: () => this.#ensureEngine(), load: (path) => this.#load(path) });
  }

  /** @throws FILE_NOT_FOUND, FILE_UNREADABLE, and what compiling, instantiating and EngineRunner throw */
  start(workload: Workload, io: ProcessIo): Promise<Process> {
    return this.#runner.start(workload, io);
  }

  /** Makes the engine, starts a thread and compiles a module ahead of its first start; what fails is told by that. */
  async prepare(path: string): Promise<void> {
    try {
      const engine = await this.#ensureEngine();
      engine.warm();
      await this.#load(path);
    } catch {
      // The start itself says it.
    }
  }

  /** Ends all that runs. */
  async close(): Promise<void> {
    await (await this.#engine)?.close();
  }

  #ensureEngine(): Promise<Engine> {
    this.#engine ??= import("../engine/index.ts").then((room) => new room.Engine());
    return this.#engine;
  }

  async #load(path: string): Promise<Loaded> {
    const stamp = await moduleStamp(path);
    const known = this.#modules.get(path);
    if (known?.stamp === stamp) return known.module;
    const module = this.#compile(path);
    this.#modules.set(path, { stamp, module });
    module.catch(() => this.#modules.delete(path));
    return module;
  }

  async #compile(path: string): Promise<Loaded> {
    const [engine, bytes] = await Promise.all([this.#ensureEngine(), readModuleFile(path)]);
    const { kindOf } = await import("../engine/index.ts");
    // The thread that a component runs in compiles it, from what the cache has of it.
    if (kindOf(bytes) === "component") return { kind: "component", name: basename(path), file: path, bytes };
    return engine.compile(bytes, { name: basename(path) });
  }
}

/** What changes with the content of a module's file, by what the file system says of it. @throws FILE_NOT_FOUND */
export async function moduleStamp(path: string): Promise<string> {
  try {
    const { size, mtimeMs, ino } = await promises.stat(path);
    return `${size}-${mtimeMs}-${ino}`;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readModuleFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await promises.readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): SampanError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new SampanError("FILE_NOT_FOUND", `Cannot read the module "${path}": there is no such file`, {
      hint: hintForMissing(path, readdirSync),
      cause,
    });
  }
  return new SampanError("FILE_UNREADABLE", `Cannot read the module "${path}": ${code}`, { cause });
}
