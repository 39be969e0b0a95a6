import { opcode } from "../code/opcodes.ts";
import { walkExpression } from "../code/walk.ts";
import { type ByteRange, ByteReader, malformed } from "../reader.ts";
import { sectionId } from "../sections.ts";
import { TypeReader } from "../types.ts";
import { type CodeScan, quality } from "./scan.ts";
import type { ModuleShape } from "./shape.ts";

/** Most bytes of code that may run between two checks without the callees being checked: some microseconds. */
const mostUnchecked = 1 << 16;

/**
 * Which own functions are checked at their entry, 1 for those that are: loops apart, code runs long only by recursion or by
 * calls that fan out. So that is one function of each circle of direct calls; those that others can reach (through tables,
 * references and exports) and that call something themselves; and what is called where the callees' code adds up to much.
 */
export function entryChecks(shape: ModuleShape, scan: CodeScan): Uint8Array {
  const checked = new Uint8Array(scan.functions);
  const reachable = reachableFunctions(shape);
  for (const index of reachable) {
    const own = index - shape.importedFunctions;
    if (own >= 0 && (scan.qualities.at(own) & quality.calls) !== 0) checked[own] = 1;
  }
  const costs = new Uint32Array(scan.functions);
  breakCircles(scan, checked, costs);
  checkIndirectCallees(scan, reachable, { checked, costs, imported: shape.importedFunctions });
  for (let index = 0; index < checked.length; index += 1) {
    if ((scan.qualities.at(index) & quality.entryLeadsToLoop) !== 0) checked[index] = 0;
  }
  return checked;
}

/**
 * Walks the direct calls depth first: a function that is called while it is itself being walked closes a circle. On the way
 * back it adds up the code that a call may run unchecked.
 */
function breakCircles(scan: CodeScan, checked: Uint8Array, costs: Uint32Array): void {
  const stack = new Uint32Array(scan.functions);
  const next = new Uint32Array(scan.functions);
  /** 0 not seen, 1 being walked, 2 done. */
  const state = new Uint8Array(scan.functions);
  for (let root = 0; root < scan.functions; root += 1) {
    if (state[root] !== 0) continue;
    let depth = 1;
    stack[0] = root;
    state[root] = 1;
    next[root] = scan.firstCallee.at(root);
    while (depth > 0) {
      const index = stack[depth - 1] ?? 0;
      const edge = next[index] ?? 0;
      if (edge === scan.firstCallee.at(index + 1)) {
        costs[index] = costOf(scan, index, { checked, costs });
        state[index] = 2;
        depth -= 1;
        continue;
      }
      next[index] = edge + 1;
      const callee = scan.callees.at(edge);
      if (callee >= scan.functions) continue;
      if (state[callee] === 1) checked[callee] = 1;
      if (state[callee] !== 0) continue;
      state[callee] = 1;
      next[callee] = scan.firstCallee.at(callee);
      stack[depth] = callee;
      depth += 1;
    }
  }
}

interface Costs {
  readonly checked: Uint8Array;
  /** Bytes of code that a call runs before the next check, at most. */
  readonly costs: Uint32Array;
}

/** Where the callees add up to too much, they are checked, and nothing adds up any more. */
function costOf(scan: CodeScan, index: number, { checked, costs }: Costs): number {
  const own = scan.endAt.at(index) - scan.codeAt.at(index);
  const last = scan.firstCallee.at(index + 1);
  let cost = own;
  for (let edge = scan.firstCallee.at(index); edge < last; edge += 1) {
    const callee = scan.callees.at(edge);
    if (checked[callee] === 0) cost += costs[callee] ?? 0;
  }
  if (cost <= mostUnchecked || cost === own) return cost;
  for (let edge = scan.firstCallee.at(index); edge < last; edge += 1) checked[scan.callees.at(edge)] = 1;
  return own;
}

/** Where indirect calls could add up to too much, all that they may reach is checked. */
function checkIndirectCallees(
  scan: CodeScan,
  reachable: ReadonlySet<number>,
  { checked, costs, imported }: Costs & { readonly imported: number },
): void {
  let dearest = 0;
  for (const index of reachable) {
    if (checked[index - imported] === 0) dearest = Math.max(dearest, costs[index - imported] ?? 0);
  }
  let most = 0;
  for (let index = 0; index < scan.functions; index += 1) most = Math.max(most, scan.indirectCalls.at(index));
  if (most * dearest <= mostUnchecked * 16) return;
  for (const index of reachable) if (index >= imported) checked[index - imported] = 1;
}

/** Functions that can be called other than by a direct call: those in elements, in exports and in constant expressions. */
function reachableFunctions(shape: ModuleShape): ReadonlySet<number> {
  const reachable = new Set<number>();
  const visitor = {
    visit(code: number, _at: number, _next: number, first: number): void {
      if (code === opcode.refFunc) reachable.add(first);
    },
  };
  const walk = ({ start, end }: ByteRange): number => walkExpression(shape.bytes, { start, limit: end }, visitor);
  for (const { kind, index } of shape.exports) if (kind === "function") reachable.add(index);
  for (const { initial } of [...shape.globals, ...shape.tables]) if (initial !== undefined) walk(initial);
  const section = shape.sections.find(({ id }) => id === sectionId.element);
  if (section === undefined) return reachable;
  const reader = new ByteReader(shape.bytes, section.body);
  const expression = (): void => reader.skip(walk({ start: reader.offset, end: reader.end }) - reader.offset);
  for (let count = reader.count(); count > 0; count -= 1) {
    const form = reader.u32();
    if (form > 7) throw malformed(reader.offset - 1, `an unknown form of elements (${form})`);
    const isActive = (form & 1) === 0;
    if (isActive && (form & 2) !== 0) reader.u32();
    if (isActive) expression();
    const holdsExpressions = (form & 4) !== 0;
    if ((form & 3) !== 0) {
      if (holdsExpressions) new TypeReader(reader, new Set()).referenceType();
      else reader.u8();
    }
    for (let elements = reader.count(); elements > 0; elements -= 1) {
      if (holdsExpressions) expression();
      else reachable.add(reader.u32());
    }
  }
  return reachable;
}
