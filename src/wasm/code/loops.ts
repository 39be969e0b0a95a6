import { readImports } from "../externs.ts";
import { ByteReader } from "../reader.ts";
import { readModuleSections, readPreamble, sectionId } from "../sections.ts";
import { type TypeDefinition, TypeReader } from "../types.ts";
import { opcode } from "./opcodes.ts";
import { afterLocals, type CodeVisitor, integerAt, walkExpression } from "./walk.ts";

/** The loops and calls of one function. */
export interface FunctionLoops {
  /** Index in the space of functions, where imports come first. */
  readonly index: number;
  /** Bytes of the body, locals included. */
  readonly bodySize: number;
  /**
   * How much work of its own it repeats: bytes in loops, those in nested loops once for each, less 64 for each call, which
   * stands for work that is done elsewhere (128 in a function with a jump table, as Go's compiler makes them: there all that
   * a call takes goes through memory, by some 64 bytes of code). 0 where it has no loop, or only such as call others.
   */
  readonly loopWork: number;
  /** Indices of own functions that it calls directly outside of loops, each once; calls that never return are left out. */
  readonly callees: Uint32Array;
  /** The same for calls inside of loops. */
  readonly loopCallees: Uint32Array;
}

/** Work in bytes that a call in a loop stands for, and what it stands for in a function with a jump table. */
const callWork = { plain: 64, dispatched: 128 };

/**
 * Reads which functions of a core module repeat what, by loops that are really entered again: a `loop` that nothing branches
 * back to is none; nor is one that only picks a place in the function to go on at (Go's compiler makes each function one
 * `loop` around a `br_table` and jumps forward through it as well), but for the stretch that such a jump goes back.
 *
 * @throws WASM_MALFORMED, WASM_FEATURE
 */
export function readLoops(bytes: Uint8Array): readonly FunctionLoops[] {
  readPreamble(bytes);
  let types: readonly TypeDefinition[] = [];
  let imported = 0;
  const functions: FunctionLoops[] = [];
  for (const section of readModuleSections(bytes)) {
    if (section.id === sectionId.type) {
      types = new TypeReader(new ByteReader(bytes, section.body), new Set()).typeSection();
    } else if (section.id === sectionId.import) {
      for (const { info } of readImports(section, { bytes, types, features: new Set() })) {
        if (info.kind === "function") imported += 1;
      }
    } else if (section.id === sectionId.code) {
      const reader = new ByteReader(bytes, section.body);
      const reading = new LoopReading(bytes, imported);
      for (let count = reader.count(); count > 0; count -= 1) {
        const body = reader.sized("a function");
        reading.begin();
        walkExpression(bytes, { start: afterLocals(bytes, body.start), limit: body.end }, reading);
        functions.push(reading.finish(imported + functions.length, body.end - body.start));
      }
      break;
    }
  }
  return functions;
}

/** A block that is open, or has been. Offsets are those in the binary; `end` is 0 while it is open. */
interface Block {
  readonly isLoop: boolean;
  /** Behind its type. */
  readonly start: number;
  end: number;
  /** The jump table at a loop's head, once it has been seen. */
  dispatch?: { readonly local: number; readonly targets: readonly Block[] };
  /** Branches back to the head: where, and the number that is in the jump table's local, if that was set right before. */
  backs?: { readonly at: number; readonly entry: number | undefined }[];
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

const localGet = 0x20;
const localSet = 0x21;
const i32Const = 0x41;
const unreachable = 0x00;

class LoopReading implements CodeVisitor {
  readonly #bytes: Uint8Array;
  readonly #imported: number;
  #open: Block[] = [];
  #loops: Block[] = [];
  #callAt: number[] = [];
  #callTo: number[] = [];
  /** How many of the innermost open blocks followed a loop's head with nothing in between. */
  #headEnd = -1;

  constructor(bytes: Uint8Array, imported: number) {
    this.#bytes = bytes;
    this.#imported = imported;
  }

  begin(): void {
    this.#open = [{ isLoop: false, start: 0, end: 0 }];
    this.#loops = [];
    this.#callAt = [];
    this.#callTo = [];
    this.#headEnd = -1;
  }

  visit(code: number, at: number, next: number, first: number): void {
    switch (code) {
      case opcode.loop:
      case opcode.block:
        this.#enter(code === opcode.loop, at, next);
        break;
      case opcode.if:
      case opcode.try:
        this.#open.push({ isLoop: false, start: next, end: 0 });
        break;
      case opcode.tryTable:
        this.#open.push({ isLoop: false, start: next, end: 0 });
        break;
      case opcode.end:
      case opcode.delegate: {
        const block = this.#open.pop();
        if (block !== undefined) block.end = at;
        break;
      }
      case opcode.br:
      case opcode.brIf:
      case opcode.brOnNull:
      case opcode.brOnNonNull:
      case opcode.brOnCast:
      case opcode.brOnCastFail:
        this.#branch(first, at);
        break;
      case opcode.brTable:
        this.#branchTable(first, at);
        break;
      case opcode.call:
      case opcode.returnCall:
        // What is followed by `unreachable` never returns: a panic, which no loop repeats.
        if (this.#bytes[next] !== unreachable) this.#call(at, first);
        break;
      case opcode.callIndirect:
      case opcode.returnCallIndirect:
      case opcode.callRef:
      case opcode.returnCallRef:
        this.#call(at, -1);
        break;
      default:
    }
  }

  #enter(isLoop: boolean, at: number, next: number): void {
    const block: Block = { isLoop, start: next, end: 0 };
    if (isLoop) this.#loops.push(block);
    if (isLoop || at === this.#headEnd) this.#headEnd = next;
    this.#open.push(block);
  }

  #call(at: number, callee: number): void {
    this.#callAt.push(at);
    this.#callTo.push(callee);
  }

  #target(depth: number): Block | undefined {
    return this.#open[this.#open.length - 1 - depth];
  }

  #branch(depth: number, at: number): void {
    const target = this.#target(depth);
    if (target?.isLoop !== true) return;
    const entry = target.dispatch === undefined ? undefined : this.#setBefore(at, target.dispatch.local);
    (target.backs ??= []).push({ at, entry });
  }

  #branchTable(labels: number, at: number): void {
    const targets: Block[] = [];
    let label = labels;
    for (let left = integerAt(this.#bytes, labels) + 1; left > 0; left -= 1) {
      while ((this.#bytes[label] ?? 0) >= 0x80) label += 1;
      label += 1;
      const target = this.#target(integerAt(this.#bytes, label));
      if (target !== undefined) targets.push(target);
    }
    const loop = this.#dispatching(at);
    if (loop !== undefined) {
      loop.dispatch = { local: this.#bytes[at - 1] ?? 0, targets };
      return;
    }
    for (const target of new Set(targets)) if (target.isLoop) (target.backs ??= []).push({ at, entry: undefined });
  }

  /** The loop whose head consists of blocks, a local of a small number and the `br_table` at this offset. */
  #dispatching(at: number): Block | undefined {
    if (this.#headEnd !== at - 2 || this.#bytes[at - 2] !== localGet) return undefined;
    const loop = this.#open.findLast(({ isLoop }) => isLoop);
    return loop !== undefined && loop.start <= at && loop.dispatch === undefined ? loop : undefined;
  }

  /** The number of an `i32.const N; local.set LOCAL` right before an offset. */
  #setBefore(at: number, local: number): number | undefined {
    const bytes = this.#bytes;
    if (bytes[at - 1] !== local || bytes[at - 2] !== localSet) return undefined;
    for (let length = 1; length <= 3; length += 1) {
      const start = at - 2 - length;
      if (bytes[start - 1] === i32Const && (length === 1 || (bytes[start] ?? 0) >= 0x80))
        return integerAt(bytes, start);
    }
    return undefined;
  }

  finish(index: number, bodySize: number): FunctionLoops {
    const stretches = this.#stretches();
    const callees = new Set<number>();
    const loopCallees = new Set<number>();
    let loopWork = 0;
    const isDispatched = this.#loops.some(({ dispatch }) => dispatch !== undefined);
    const each = isDispatched ? callWork.dispatched : callWork.plain;
    for (const { start, end } of stretches) {
      const calls = this.#callAt.filter((at) => at >= start && at < end).length;
      loopWork += Math.max(0, end - start - each * calls);
    }
    for (const [call, callee] of this.#callTo.entries()) {
      if (callee < this.#imported) continue;
      const at = this.#callAt[call] ?? 0;
      const inLoop = stretches.some(({ start, end }) => at >= start && at < end);
      (inLoop ? loopCallees : callees).add(callee);
    }
    return {
      index,
      bodySize,
      loopWork,
      callees: Uint32Array.from(callees),
      loopCallees: Uint32Array.from(loopCallees),
    };
  }

  /** What is really repeated: stretches of the code, in no order. */
  #stretches(): Stretch[] {
    const stretches: Stretch[] = [];
    for (const { start, end, dispatch, backs } of this.#loops) {
      if (backs === undefined) continue;
      if (dispatch === undefined) {
        stretches.push({ start, end });
        continue;
      }
      const reaches = new Map<number, number>();
      for (const { at, entry } of backs) {
        const target = entry === undefined ? undefined : dispatch.targets[Math.min(entry, dispatch.targets.length - 1)];
        const from = target === undefined || target.isLoop ? start : target.end;
        if (from <= at && (entry === undefined || target !== undefined)) {
          reaches.set(from, Math.max(at, reaches.get(from) ?? 0));
        }
      }
      for (const [from, at] of reaches) stretches.push({ start: from, end: at });
    }
    return stretches;
  }
}
