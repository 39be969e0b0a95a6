import { FileRunner, type Runner, StandInRunner } from "../../runtime/index.ts";

/** The runners of everything that a service's image can be, and what ends them. */
export interface StandardRunners {
  readonly runners: Readonly<Record<string, Runner>>;
  /** Compiles a module while something else is waited for. */
  readonly prepare: (path: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Makes them; each loads what it needs when it first starts something. */
export function standardRunners(): StandardRunners {
  const wasm = new FileRunner();
  return {
    runners: { wasm, "stand-in": new StandInRunner() },
    prepare: (path) => wasm.prepare(path),
    close: () => wasm.close(),
  };
}
