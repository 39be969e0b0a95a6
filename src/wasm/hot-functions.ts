import { type FunctionLoops, readLoops } from "./code/loops.ts";
import { readModule } from "./module.ts";

/** Names that compilers of C, Rust and Go give to a program's own entry, behind what their libraries do before it. */
const entryNames: readonly RegExp[] = [
  /^(?:main|__main_argc_argv|__original_main|main\.main)$/,
  /^_ZN.*4main17h[0-9a-f]{16}E$/,
];

/** Most bytes of bodies that are optimised before a start: this many, and as many more for each byte of all bodies. */
const budget = { bytes: 12_288, share: 1 / 128 };

/**
 * The least {@link FunctionLoops.loopWork} for each byte of a body, by the number of calls from the entry: from the program's
 * own, and from what a module without names exports, behind which the program's own comes somewhere.
 */
const leastDensity: Readonly<Record<"named" | "unnamed", readonly number[]>> = {
  named: [1 / 64, 1 / 8, 1 / 4],
  unnamed: [1 / 16, 1 / 16, 1 / 16],
};

interface Candidate {
  readonly loops: FunctionLoops;
  readonly distance: number;
}

/**
 * The indices of functions that are to be optimised before a module starts, in order of need; none for most modules. V8
 * replaces a function's first code only when it is entered again, so these are functions that repeat work of their own and
 * are entered once or few times: near the program's entry, and called by no loop. `called` names the exports that are entered from
 * outside where that is known, as it is of the modules of a component: of a library that others call all are.
 *
 * @throws WASM_MALFORMED, WASM_FEATURE
 */
export function planHotFunctions(bytes: Uint8Array<ArrayBuffer>, called?: readonly string[]): readonly number[] {
  if (called?.length === 0) return [];
  const functions = readLoops(bytes);
  const first = functions[0]?.index ?? 0;
  const own = (index: number): FunctionLoops | undefined => functions[index - first];
  const repeated = reach(
    functions.flatMap(({ loopCallees }) => [...loopCallees]),
    (index) => [...(own(index)?.callees ?? [])],
  );
  const candidates: Candidate[] = [];
  const { entries, kind } = entriesOf(bytes, functions, called);
  const densities = leastDensity[kind];
  const distances = reach(entries, (index) => [...(own(index)?.callees ?? [])], densities.length);
  for (const [index, distance] of distances) {
    const loops = own(index);
    if (loops === undefined || repeated.has(index) || loops.loopWork === 0) continue;
    if (loops.loopWork >= loops.bodySize * (densities[distance] ?? Infinity)) candidates.push({ loops, distance });
  }
  candidates.sort(byNeed);
  const total = functions.reduce((sum, { bodySize }) => sum + bodySize, 0);
  let left = budget.bytes + total * budget.share;
  return candidates.flatMap(({ loops: { index, bodySize } }) => {
    if (bodySize > left) return [];
    left -= bodySize;
    return [index];
  });
}

function byNeed(a: Candidate, b: Candidate): number {
  const density = ({ loops }: Candidate): number => loops.loopWork / loops.bodySize;
  return a.distance - b.distance || density(b) - density(a) || a.loops.index - b.loops.index;
}

interface Entries {
  readonly kind: keyof typeof leastDensity;
  readonly entries: readonly number[];
}

/** A program's own entries by their names; else `_start`; else all exports that are called, or all that there are. */
function entriesOf(
  bytes: Uint8Array<ArrayBuffer>,
  functions: readonly FunctionLoops[],
  called?: readonly string[],
): Entries {
  const module = readModule(bytes);
  const named = functions.filter(({ index }) => {
    const name = module.functionName(index);
    return name !== undefined && entryNames.some((pattern) => pattern.test(name));
  });
  if (named.length > 0) return { kind: "named", entries: named.map(({ index }) => index) };
  const exported = module.exports.filter(
    ({ kind, name }) => kind === "function" && (called === undefined || called.includes(name)),
  );
  const start = exported.filter(({ name }) => name === "_start");
  return { kind: "unnamed", entries: (start.length > 0 ? start : exported).map(({ index }) => index) };
}

/** What can be reached over edges in fewer than `most` steps, each with its least number of steps. */
function reach(
  from: readonly number[],
  edges: (index: number) => readonly number[],
  most = Infinity,
): ReadonlyMap<number, number> {
  const steps = new Map(from.map((index) => [index, 0]));
  for (const [index, step] of steps) {
    if (step + 1 >= most) continue;
    for (const next of edges(index)) if (!steps.has(next)) steps.set(next, step + 1);
  }
  return steps;
}
