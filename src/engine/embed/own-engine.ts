import { Engine } from "../engine.ts";
import type { GuestModule } from "../guest-module.ts";

/** An engine, and what it has compiled of files by what identifies their content. */
export interface KeptEngine {
  readonly engine: Engine;
  readonly compiled: CompiledFiles;
}

/** A component that an engine compiled. */
export type CompiledComponent = Awaited<ReturnType<Engine["compileComponent"]>>;

type Compiled = CompiledComponent | GuestModule;

/** What was compiled, for as long as somebody has it. */
export class CompiledFiles {
  readonly #known = new Map<string, WeakRef<Compiled>>();
  readonly #gone = new FinalizationRegistry((identity: string) => {
    if (this.#known.get(identity)?.deref() === undefined) this.#known.delete(identity);
  });

  get(identity: string): Compiled | undefined {
    return this.#known.get(identity)?.deref();
  }

  set(identity: string, module: Compiled): void {
    this.#known.set(identity, new WeakRef(module));
    this.#gone.register(module, identity);
  }
}

const kept = new WeakMap<Engine, KeptEngine>();
let own: Engine | undefined;

/**
 * The engine that a program gets which names none: one for the thread, made when it is first needed, because each has a watcher in
 * a thread of its own: that is started when a guest needs it. It shows in nothing that an instance does.
 *
 * @throws ENGINE_UNSUPPORTED
 */
export function engineFor(engine: Engine | undefined): KeptEngine {
  const used = engine ?? (own ??= new Engine({}, { watchesLate: true }));
  let found = kept.get(used);
  if (found === undefined) kept.set(used, (found = { engine: used, compiled: new CompiledFiles() }));
  return found;
}
