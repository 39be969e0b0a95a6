/**
 * Has V8 optimise functions that {@link planHotFunctions} named and that the rewritten module exports, where that has not been
 * done yet; it waits for that. Instances of one module share their code: one of them is enough.
 */
export function tierUp(exports: WebAssembly.Exports, names: readonly string[]): void {
  const functions = names.map((name) => exports[name]).filter((each) => typeof each === "function");
  if (functions.length === 0) return;
  native("for (const each of args) if (!%IsTurboFanFunction(each)) %WasmTierUpFunction(each)", functions);
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
  // Loading it takes a millisecond and more, which only those modules pay that have such functions.
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
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
