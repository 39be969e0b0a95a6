import type { CanonicalShape } from "../canonical/runtime.ts";
import type { CodeWriter, Local } from "./code-writer.ts";
import type { ModuleWriter } from "./module-writer.ts";
import { adapterTraps, type AdapterTrapReason } from "./traps.ts";

/** One of the two instances of a call as its adapter knows it. */
export interface Side {
  /** How traps name it. */
  readonly number: 0 | 1;
  readonly encoding: CanonicalShape["stringEncoding"];
  /** Index of its memory and of its `realloc`; undefined where its options name none. */
  readonly memory: number | undefined;
  readonly realloc: number | undefined;
  /** Index of its flags. */
  readonly flags: number;
}

/** One direction of a call: arguments go one way, results the other. */
export interface Way {
  readonly name: "in" | "out";
  readonly module: ModuleWriter;
  readonly from: Side;
  readonly to: Side;
  readonly trap: number;
  readonly transferOwn: number;
  readonly transferBorrow: number;
}

const traps: readonly AdapterTrapReason[] = adapterTraps;

/** The bit of an instance's flags that says whether its code may call out of it. */
export const mayLeaveBit = 1;

/** The memory that values are read from. */
export function source(way: Way): number {
  return memoryOf(way.from);
}

/** The memory that values are written to. */
export function target(way: Way): number {
  return memoryOf(way.to);
}

function memoryOf({ memory }: Side): number {
  if (memory === undefined) throw new TypeError("A validated function that needs a memory has none");
  return memory;
}

/** Traps where the i32 on the stack is not 0. `by` is the side whose fault it is. */
export function trapIf(code: CodeWriter, way: Way, reason: AdapterTrapReason, by: Side = way.from): void {
  code.if(() => trapNow(code, way, reason, by));
}

/** Traps. */
export function trapNow(code: CodeWriter, way: Way, reason: AdapterTrapReason, by: Side = way.from): void {
  code.do(traps.indexOf(reason), by.number).call(way.trap).do("unreachable");
}

/** Traps where so many bytes (an i32) from a pointer on do not lie in a memory. */
export function checkBounds(
  code: CodeWriter,
  way: Way,
  { at, bytes, reason }: { at: Local; bytes: Local | number; reason: AdapterTrapReason },
): void {
  code.do(at, "i64.extend_i32_u", bytes, "i64.extend_i32_u", "i64.add");
  code.memoryBytes(source(way)).do("i64.gt_u");
  trapIf(code, way, reason);
}

/** Traps where a pointer is not aligned. */
export function checkAlignment(code: CodeWriter, way: Way, at: Local, alignment: number): void {
  if (alignment === 1) return;
  code.do(at, alignment - 1, "i32.and");
  trapIf(code, way, "unaligned-pointer");
}

/** What is allocated: a string's text, a list's elements or the parameters. */
export type Allocated = "string" | "list" | "pointer";

/**
 * The function that calls `realloc` of the way's target (old, old size, alignment, new size → pointer), whose instance must not
 * be left meanwhile, and checks its answer.
 */
export function allocator(way: Way, what: Allocated): number {
  const { module, to } = way;
  const type = { params: ["i32", "i32", "i32", "i32"], results: ["i32"] } as const;
  return module.functionOf(`${way.name} allocate ${what}`, type, (code) => {
    const [old, oldSize, alignment, size] = code.params as [Local, Local, Local, Local];
    const at = code.local();
    if (to.realloc === undefined) throw new TypeError("A validated function that allocates has no realloc");
    setLeave(code, to, false);
    code.do(old, oldSize, alignment, size).call(to.realloc).set(at);
    setLeave(code, to, true);
    code.do(at, alignment, 1, "i32.sub", "i32.and");
    trapIf(code, way, "unaligned-pointer", to);
    code.do(at, "i64.extend_i32_u", size, "i64.extend_i32_u", "i64.add");
    code.memoryBytes(target(way)).do("i64.gt_u");
    trapIf(code, way, `${what}-out-of-bounds`, to);
    code.do(at);
  });
}

/** Says whether code of an instance may call out of it. */
export function setLeave(code: CodeWriter, side: Side, may: boolean): void {
  code.global("get", side.flags);
  if (may) code.do(mayLeaveBit, "i32.or");
  else code.do(~mayLeaveBit, "i32.and");
  code.global("set", side.flags);
}
