import type { SourcePlace } from "../wasm/index.ts";

/** `(module (func (export "trap") unreachable))`. */
const trapModule = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 0x74, 0x72, 0x61, 0x70, 0, 0, 0x0a,
  5, 1, 3, 0, 0x00, 0x0b,
]);

/**
 * Makes the function that ends a guest: a trap that Wasm code executes, because a guest's `catch_all` catches what
 * JavaScript throws but no trap.
 */
export function createTrap(): () => never {
  const { trap } = new WebAssembly.Instance(new WebAssembly.Module(trapModule)).exports;
  return trap as () => never;
}

/** The error of a trap. V8 marks it: thrown again, or as a rejection's reason, no `catch_all` of a guest catches it. */
export function createTrapError(): WebAssembly.RuntimeError {
  try {
    return createTrap()();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return error;
    throw error;
  }
}

/** One function of a Wasm call stack. */
export interface Frame {
  /** Index in the module's function index space. */
  readonly index: number;
  /** From the name section. */
  readonly name: string | undefined;
  /** Byte offset in the file. */
  readonly offset: number;
  /** The core module of a component that it is in. */
  readonly module?: string;
  /** Where that is in the source, for a module with debug information. */
  readonly source?: SourcePlace;
  /** Whether the compiler put the function's code into the function of the frames that follow it. */
  readonly isInlined?: true;
}

const framePattern =
  /^\s*at (?:(?<name>.*) \()?wasm:\/\/[^:]*:wasm-function\[(?<index>\d+)\]:0x(?<offset>[0-9a-f]+)\)?$/;

/** The Wasm frames of an error's stack, the innermost first. */
export function backtraceOf(error: Pick<Error, "stack">, originalOffset: (offset: number) => number): Frame[] {
  const frames: Frame[] = [];
  for (const line of (error.stack ?? "").split("\n")) {
    const groups = framePattern.exec(line)?.groups;
    if (groups === undefined) continue;
    const offset = originalOffset(Number.parseInt(groups["offset"] ?? "0", 16));
    frames.push({ index: Number(groups["index"]), name: groups["name"], offset });
  }
  return frames;
}
