import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { SampanError } from "../base/index.ts";
import { type ModuleInfo, readModule, SourceLines } from "../wasm/index.ts";
import type { Frame } from "./trap.ts";

/** Largest file in bytes that is read for a module's sake. */
const largestFile = 2 ** 29;

/**
 * Gives the frames of a trap, whose offsets are those of the original `bytes`, names and source lines, and puts in frames
 * for functions that the compiler inlined. A source map or separate debug information that the module names is read from
 * `folder`, and none without it. Frames of functions that Sampan added to the module go.
 */
export function explainBacktrace(frames: readonly Frame[], bytes: Uint8Array, folder?: string): readonly Frame[] {
  const module = frames.length === 0 ? undefined : moduleOf(bytes);
  if (module === undefined) return frames;
  const readBeside = folder === undefined ? undefined : (name: string) => readFile(join(folder, name));
  const lines = new SourceLines(bytes, { readBeside });
  const known = new Map<number, readonly Frame[]>();
  return frames
    .filter(({ index }) => index < module.functionCount)
    .flatMap((frame) => {
      // A recursion comes back to one offset many times.
      let explained = known.get(frame.offset);
      if (explained === undefined) known.set(frame.offset, (explained = explain(frame, { module, lines })));
      return explained;
    });
}

function explain(frame: Frame, { module, lines }: { module: ModuleInfo; lines: SourceLines }): Frame[] {
  const found = lines.framesAt(frame.offset);
  const own = found.at(-1);
  const inlined = found.slice(0, -1).map(({ functionName, place }): Frame => ({
    ...frame,
    name: functionName ?? "(inlined)",
    isInlined: true,
    ...(place && { source: place }),
  }));
  // V8 mixes the module's name into the names that it prints.
  const named = module.functionName(frame.index) ?? own?.functionName ?? frame.name;
  const name = isMangled(named) ? (own?.functionName ?? demangled(named)) : named;
  return [...inlined, { ...frame, name, ...(own?.place && { source: own.place }) }];
}

/** Of a module that V8 has compiled this fails for nothing but what the reader does not know. */
function moduleOf(bytes: Uint8Array): ModuleInfo | undefined {
  try {
    return readModule(bytes);
  } catch (error) {
    if (error instanceof SampanError) return undefined;
    throw error;
  }
}

/** A file that may not be there; what is no regular file is not waited for. */
function readFile(path: string): Uint8Array | undefined {
  try {
    const about = statSync(path);
    return about.isFile() && about.size <= largestFile ? readFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a name is one that C++ and Rust write for linkers. */
function isMangled(name: string | undefined): name is string {
  return name !== undefined && /^_(?:Z|R[A-Z])/.test(name);
}

const escapes = new Map([
  ["SP", "@"],
  ["BP", "*"],
  ["RF", "&"],
  ["LT", "<"],
  ["GT", ">"],
  ["LP", "("],
  ["RP", ")"],
  ["C", ","],
]);

/** The path within a name of Rust's older scheme, without its hash; other names stay as they are. */
function demangled(name: string): string {
  if (!/^_ZN.*17h[0-9a-f]{16}E(?:\.llvm\.\w+)?$/.test(name)) return name;
  const parts: string[] = [];
  let rest = name.slice("_ZN".length);
  for (let size = /^\d+/.exec(rest)?.[0]; size !== undefined; size = /^\d+/.exec(rest)?.[0]) {
    parts.push(rest.slice(size.length, size.length + Number(size)));
    rest = rest.slice(size.length + Number(size));
  }
  return rest.startsWith("E") ? parts.slice(0, -1).map(unescaped).join("::") : name;
}

function unescaped(part: string): string {
  return part
    .replace(/^_(?=\$)/, "")
    .replaceAll("..", "::")
    .replaceAll(/\$(?:u([0-9a-f]{1,5})|([A-Z]+))\$/g, (all, code: string | undefined, word: string) =>
      code === undefined ? (escapes.get(word) ?? all) : String.fromCodePoint(Number.parseInt(code, 16)),
    );
}
