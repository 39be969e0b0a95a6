/** Whether host calls suspend the instance (`async`) or are over when they return (`sync`). */
export type ComponentMode = "sync" | "async";

/** An instance of a core module. */
export interface CoreInstance {
  readonly exports: WebAssembly.Exports;
  /** Runs its start function, where it has one that has not run. */
  readonly start: (() => void | Promise<void>) | undefined;
}

/** What an instance of a component needs of the engine that it is in. */
export interface Embedding {
  readonly mode: ComponentMode;
  /** Whether it can be called no more. */
  readonly isEnded: boolean;
  /** Makes an instance of a core module, by its number in the plan. */
  instantiate(module: number, imports: WebAssembly.Imports): CoreInstance;
  /** Never returns: a trap executed in Wasm, which no `catch_all` of the guest catches. */
  trap(): never;
  /** Never returns: ends the guest by a trap for an error that is not its own; calls then throw the error. */
  fail(error: unknown): never;
  /** Answers a promise of the host's as one that the guest can be suspended for. */
  wait<T>(promise: Promise<T>): Promise<T>;
  /** Around calls of core code that stands between two frames of JavaScript's, where nothing can be suspended. */
  beginStay(): void;
  endStay(): void;
  /** Runs an entry of the instance from outside: one at a time, on its clock; errors become what a caller branches on. */
  call(entry: string, run: (...args: readonly unknown[]) => unknown, args: readonly unknown[]): unknown;
  /** The same in parts, for an instance that is bound sync: before, after a return (throws where it has ended), and after a throw. */
  begin(entry: string): void;
  finish(): void;
  failed(error: unknown): unknown;
  /** Runs an entry once no other runs, now or later, and keeps what it throws to itself. */
  whenIdle(run: () => unknown): void;
  /** Counts a call out of the guest. */
  count(): void;
}
