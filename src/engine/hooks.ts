import type { EpochThread } from "./epoch.ts";
import { suspendsGuests } from "./pool/suspends-guests.ts";

/** The functions that a check calls when the epoch word is set, as functions of Wasm, which a global can hold. */
export interface Hooks {
  /** For instances that are bound sync. */
  readonly sync: WebAssembly.ImportValue;
  /** For instances that are bound async; it may suspend them. */
  readonly async: WebAssembly.ImportValue;
  /** For those that are bound async and cannot be suspended at times: while the word `stay` says so it is that of `sync`. */
  readonly stay: WebAssembly.ImportValue;
}

/** What hooks do, each with the number that the instance was given. */
export interface HookCalls {
  /** Looks at the guest; whether that was for the time that went by. */
  readonly look: (id: number) => boolean;
  /** {@link HookCalls.look}, and waits where others are to run. */
  readonly lookAndYield: (id: number) => void | Promise<void>;
}

/**
 * `(module (import "" "epoch" (memory 1 1 shared)) (import "" "look" (func (param i32))) (table (export "wait") 1 1 funcref)
 * (elem (i32.const 0) 0) (func (export "sync") …) (func (export "async") …) (func (export "stay") …))`: each counts the word `passing`
 * down to 0; at 0 the first calls `look`, the second what the table has, and the third one of the two, by the word `stay`.
 */
const hooksModule = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 1, 0x7f, 0, 2, 0x14, 2, 0, 5, 0x65, 0x70, 0x6f, 0x63, 0x68, 2, 3, 1,
  1, 0, 4, 0x6c, 0x6f, 0x6f, 0x6b, 0, 0, 3, 4, 3, 0, 0, 0, 4, 5, 1, 0x70, 1, 1, 1, 7, 0x1e, 4, 4, 0x73, 0x79, 0x6e,
  0x63, 0, 1, 5, 0x61, 0x73, 0x79, 0x6e, 0x63, 0, 2, 4, 0x73, 0x74, 0x61, 0x79, 0, 3, 4, 0x77, 0x61, 0x69, 0x74, 1, 0,
  9, 7, 1, 0, 0x41, 0, 0xb, 1, 0, 0xa, 0x6b, 3, 0x1c, 0, 0x41, 0, 0x28, 2, 0xc, 4, 0x40, 0x41, 0, 0x41, 0, 0x28, 2, 0xc,
  0x41, 1, 0x6b, 0x36, 2, 0xc, 0xf, 0xb, 0x20, 0, 0x10, 0, 0xb, 0x1f, 0, 0x41, 0, 0x28, 2, 0xc, 4, 0x40, 0x41, 0, 0x41,
  0, 0x28, 2, 0xc, 0x41, 1, 0x6b, 0x36, 2, 0xc, 0xf, 0xb, 0x20, 0, 0x41, 0, 0x11, 0, 0, 0xb, 0x2c, 0, 0x41, 0, 0x28, 2,
  0xc, 4, 0x40, 0x41, 0, 0x41, 0, 0x28, 2, 0xc, 0x41, 1, 0x6b, 0x36, 2, 0xc, 0xf, 0xb, 0x41, 0, 0x28, 2, 8, 4, 0x40,
  0x20, 0, 0x10, 0, 5, 0x20, 0, 0x41, 0, 0x11, 0, 0, 0xb, 0xb,
]);

/** `(module (import "e" "f" (func (param i32))) (export "f" (func 0)))`. */
const forwarderModule = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 1, 0x7f, 0, 2, 7, 1, 1, 0x65, 1, 0x66, 0, 0, 7, 5, 1, 1, 0x66, 0,
  0,
]);

/**
 * Makes the hooks of a thread, in one module: V8 takes longer to make a module than what is in it. For a function that suspends it takes a
 * millisecond, so where first guests begin with checks that pass it is made behind those, at the first tick.
 */
export function createHooks(epoch: EpochThread, { look, lookAndYield }: HookCalls): Hooks {
  let waits: "unwanted" | "wanted" | "made" = "unwanted";
  const makeWait = (): void => {
    waits = "made";
    // Where nothing can be suspended no instance is bound async that would call it.
    const f = suspendsGuests ? new WebAssembly.Suspending(lookAndYield) : lookAndYield;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(forwarderModule), { e: { f } });
    wait.set(0, exports["f"]);
  };
  const want = (hook: "async" | "stay"): WebAssembly.ImportValue => {
    if (waits === "unwanted") waits = "wanted";
    if (waits === "wanted" && !epoch.isEarly) makeWait();
    return exportOf(hook);
  };
  const lookFirst = (id: number): void => {
    if (look(id) && waits === "wanted") makeWait();
  };
  const imports = { "": { epoch: epoch.memory, look: lookFirst } };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(hooksModule), imports);
  const exportOf = (name: string): WebAssembly.ImportValue => {
    const value = exports[name];
    if (value === undefined) throw new TypeError(`The module of the hooks exports no "${name}"`);
    return value;
  };
  const wait = exportOf("wait") as WebAssembly.Table;
  return {
    sync: exportOf("sync"),
    get async() {
      return want("async");
    },
    get stay() {
      return want("stay");
    },
  };
}
