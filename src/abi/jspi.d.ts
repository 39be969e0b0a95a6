// What TypeScript's library lacks of JavaScript Promise Integration ("JS Promise Integration", the JavaScript interface).

declare namespace WebAssembly {
  /** A function to import that suspends the guest where it answers a promise. Calling it takes an entry by `promising`. */
  const Suspending: new (call: (...args: never[]) => unknown) => ImportValue;
  /** An exported function as one that answers a promise and in which `Suspending` imports may wait. */
  function promising(entry: (...args: never[]) => unknown): (...args: unknown[]) => Promise<unknown>;
}
