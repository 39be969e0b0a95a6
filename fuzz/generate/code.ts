/** Bytes of an instruction that a branch hint stands for. */
export interface Hinted {
  readonly hint: 0 | 1;
  readonly bytes: readonly number[];
}

/** A piece of code as a tree, so that a finding can be cut down: parts in the order of their bytes. */
export interface Code {
  readonly parts: readonly Part[];
  /** What stands in for it when a module is cut down: bytes of the same type, or `undefined` where there are none. */
  readonly plain?: readonly number[] | undefined;
}

/** Bytes that count a loop head: left out where the loop's own check is, see {@link leadsToLoop}. */
export interface Tick {
  readonly tick: readonly number[];
}

/** A part of code that holds no others. */
export type Leaf = Hinted | Tick | readonly number[];

/** A part of code. */
export type Part = Code | Leaf;

/** Code of the parts; `plain` are bytes of the same type. */
export function code(parts: readonly Part[], plain?: readonly number[]): Code {
  return { parts, plain };
}

/** Whether a part is bytes alone. */
export function isBytes(part: Part): part is readonly number[] {
  return Array.isArray(part);
}

/** The parts of code that are no code themselves, in order. */
export function leavesOf(parts: readonly Part[], into: Leaf[] = []): Leaf[] {
  for (const part of parts) {
    if (!isBytes(part) && "parts" in part) leavesOf(part.parts, into);
    else into.push(part);
  }
  return into;
}

/** Writes the code's bytes behind those that are there, and says where hinted instructions stand. */
export function flatten(parts: readonly Part[], into: number[], hints: { offset: number; hint: 0 | 1 }[] = []): void {
  const leaves = leavesOf(parts);
  for (const [index, leaf] of leaves.entries()) {
    if ("tick" in leaf) {
      if (leadsToLoop(leaves, index + 1)) continue;
      into.push(...leaf.tick);
    } else if ("hint" in leaf) {
      hints.push({ offset: into.length, hint: leaf.hint });
      into.push(...leaf.bytes);
    } else {
      for (const byte of leaf) into.push(byte);
    }
  }
}

const branches: ReadonlySet<number | undefined> = new Set([
  0x04, 0x06, 0x07, 0x09, 0x0c, 0x0d, 0x0e, 0x18, 0x19, 0x1f, 0xd5, 0xd6,
]);

/** Whether code goes from a part straight to the head of a loop, so that the check there does for the place before it. */
export function leadsToLoop(leaves: readonly Leaf[], from: number): boolean {
  for (let at = from; at < leaves.length; at += 1) {
    const leaf = leaves[at];
    if (leaf === undefined || "hint" in leaf) return false;
    const found = "tick" in leaf ? undefined : ofBytes(leaf);
    if (found !== undefined) return found;
  }
  return false;
}

/** Makers write branches and loops as the first byte of a part, but for casts, which have two. */
function ofBytes(bytes: readonly number[]): boolean | undefined {
  if (bytes[0] === 0x03) return true;
  const isCast = bytes[0] === 0xfb && (bytes[1] === 24 || bytes[1] === 25);
  return isCast || branches.has(bytes[0]) ? false : undefined;
}
