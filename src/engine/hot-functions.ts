import { nodeInternals } from "../base/native.ts";

/**
 * Has V8 optimise functions that {@link planHotFunctions} named and that the rewritten module exports, where that has not been
 * done yet; it waits for that. Instances of one module share their code: one of them is enough.
 */
export function tierUp(exports: WebAssembly.Exports, names: readonly string[]): void {
  const functions = names.map((name) => exports[name]).filter((each) => typeof each === "function");
  if (functions.length === 0) return;
  native("for (const each of args) if (!%IsTurboFanFunction(each)) %WasmTierUpFunction(each)", functions);
}

/** {@link tierUp}, one function in a turn of the event loop, which is not kept from ending; `done` is called behind the last. */
export function tierUpLater(exports: WebAssembly.Exports, names: readonly string[], done: () => void): void {
  const [name, ...others] = names;
  if (name === undefined) done();
  else
    setImmediate(() => {
      tierUp(exports, [name]);
      tierUpLater(exports, others, done);
    }).unref();
}

/**
 * Compiles a module, and has V8 optimise the function of this index (imports come first) with it: V8 takes the index of one
 * function of whatever it compiles at that time. Nothing has to be exported for that, so the module stays as it is.
 */
export function compileWithEager(index: number, compile: () => WebAssembly.Module): WebAssembly.Module {
  const setFlag = flagSetter();
  setFlag(`--wasm-eager-tier-up-function=${index}`);
  try {
    return compile();
  } finally {
    setFlag("--wasm-eager-tier-up-function=-1");
  }
}

/** Whether an exported function of a module's own runs optimised code. */
export function isOptimized(exported: CallableFunction): boolean {
  return native("return %IsTurboFanFunction(args[0])", [exported]) === true;
}

/**
 * Runs a line that calls V8's own functions. That syntax is known only while the line is parsed: the parentheses around a
 * function made from text have V8 compile it at once. It is made anew each time, because V8 may drop the code of a function
 * that has not run for a while and would parse it again.
 */
function native(line: string, args: readonly unknown[]): unknown {
  const setFlagsFromString = flagSetter();
  setFlagsFromString("--allow-natives-syntax");
  let run: CallableFunction;
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- nothing else reaches V8; no part of the text comes from outside.
    run = new Function("args", line);
  } finally {
    setFlagsFromString("--no-allow-natives-syntax");
  }
  return run(args);
}

/**
 * V8's flags. Loading node:v8 takes two milliseconds and more; what is behind it is there at once in a process that was started
 * with `--expose-internals`, as the launcher starts it.
 */
function flagSetter(): (flag: string) => void {
  const inner = nodeInternals()?.binding("v8") as { readonly setFlagsFromString?: unknown } | undefined;
  const set = inner?.setFlagsFromString;
  // Another Node may have it elsewhere: the public module serves.
  return typeof set === "function"
    ? (set as (flag: string) => void)
    : process.getBuiltinModule("node:v8").setFlagsFromString;
}
