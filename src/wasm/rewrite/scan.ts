import { opcode } from "../code/opcodes.ts";
import { afterInteger, afterLocals, type CodeVisitor, integerAt, walkExpression } from "../code/walk.ts";
import { type ByteRange, ByteReader, malformed } from "../reader.ts";
import type { TypeDefinition } from "../types.ts";
import { IntList } from "./int-list.ts";

/** Bytes to put in place of instructions that are not checks; answering `undefined` leaves the instruction. */
export type Substitute = (code: number, first: number, second: number, at: number) => readonly number[] | undefined;

/** What is at a place of a function that may change. */
export const place = { loopHead: 0, loopEnd: 1, label: 2, substitute: 3, longRun: 4 } as const;

/** What is known of a loop. */
export const trait = {
  /** It holds no call and no loop. */
  leaf: 1,
  /** Its branches outwards are only such as can be moved to another depth. */
  movable: 2,
  /** Every round goes straight from its head to the head of a loop in it, which is checked. */
  checkedInside: 4,
} as const;

/** What is known of a function. */
export const quality = {
  /** It calls something, directly or not. */
  calls: 1,
  /** Its entry leads straight to the head of a loop, which is checked. */
  entryLeadsToLoop: 2,
} as const;

/** Instructions that take as long as their operands say: one behind the other they would keep a thread for minutes. */
const runsLong: ReadonlySet<number> = new Set([
  opcode.memoryInit,
  opcode.memoryCopy,
  opcode.memoryFill,
  opcode.tableInit,
  opcode.tableCopy,
  opcode.tableGrow,
  opcode.tableFill,
  opcode.arrayNew,
  opcode.arrayNewDefault,
  opcode.arrayNewData,
  opcode.arrayNewElem,
  opcode.arrayFill,
  opcode.arrayCopy,
  opcode.arrayInitData,
  opcode.arrayInitElem,
]);

/** Values beside indices of loops. */
const entry = -1;
const branched = -2;

/** What a scan has to know of the module. */
export interface ScanContext {
  readonly bytes: Uint8Array;
  readonly types: readonly TypeDefinition[];
  readonly importedFunctions: number;
  readonly substitute?: Substitute | undefined;
}

/**
 * Reads all functions of a code section once and keeps what a rewrite may change: loops, labels that lead out of them,
 * instructions to be replaced, and who calls whom. Nothing is an object of its own.
 */
export class CodeScan implements CodeVisitor {
  /** For each function: offset of its size, of its body, behind its locals, of its end. */
  readonly sizeAt = new IntList();
  readonly bodyAt = new IntList();
  readonly codeAt = new IntList();
  readonly endAt = new IntList();
  /** For each function its {@link quality}, the number of indirect calls, and where its places and callees begin. */
  readonly qualities = new IntList();
  readonly indirectCalls = new IntList();
  readonly firstPlace = new IntList();
  readonly firstCallee = new IntList();
  /** Places that may change, in order: offset, offset behind, kind; index of the loop, or of the substitute. */
  readonly at = new IntList();
  readonly end = new IntList();
  readonly kind = new IntList();
  readonly argument = new IntList();
  /** Indices of own functions that are called, counted from the first own one. */
  readonly callees = new IntList();
  /** For each loop its {@link trait}s. */
  readonly traits = new IntList();
  readonly substitutes: (readonly number[])[] = [];
  readonly #context: ScanContext;
  readonly #bytes: Uint8Array;

  // The function in work. Open blocks: for each the index of its loop and 1, or 0.
  readonly #open = new IntList();
  /** Open loops: index, and how many blocks are open outside of each. */
  readonly #openLoops = new IntList();
  readonly #openLoopDepths = new IntList();
  #quality = 0;
  #indirectCalls = 0;
  /** The head that the code at hand is reached from without a branch: index of its loop, `entry`, or `branched`. */
  #straight = entry;

  constructor(context: ScanContext) {
    this.#context = context;
    this.#bytes = context.bytes;
  }

  /** Number of functions read. */
  get functions(): number {
    return this.sizeAt.length;
  }

  /** Reads a code section's content, and answers the offset of the first function. */
  section(body: ByteRange): number {
    const reader = new ByteReader(this.#bytes, body);
    const count = reader.count();
    const start = reader.offset;
    for (let index = 0; index < count; index += 1) {
      this.sizeAt.push(reader.offset);
      this.#function(reader.sized("a function"));
    }
    reader.expectEnd("the functions");
    this.firstPlace.push(this.at.length);
    this.firstCallee.push(this.callees.length);
    return start;
  }

  #function(range: ByteRange): void {
    for (const list of [this.#open, this.#openLoops, this.#openLoopDepths]) list.clear();
    this.#quality = 0;
    this.#indirectCalls = 0;
    this.#straight = entry;
    const start = afterLocals(this.#bytes, range.start);
    this.bodyAt.push(range.start);
    this.codeAt.push(start);
    this.endAt.push(range.end);
    this.firstPlace.push(this.at.length);
    this.firstCallee.push(this.callees.length);
    const end = walkExpression(this.#bytes, { start, limit: range.end }, this);
    if (end !== range.end) throw malformed(end, `${range.end - end} bytes left over after a function`);
    this.qualities.push(this.#quality);
    this.indirectCalls.push(this.#indirectCalls);
  }

  /** @inheritdoc */
  visit(code: number, at: number, next: number, first: number, second: number): void {
    switch (code) {
      case opcode.br:
      case opcode.brIf:
        this.#straight = branched;
        if (this.#openLoops.length > 0) this.#label(at + 1, first);
        return;
      case opcode.end:
      case opcode.delegate:
        this.#leave(at, next);
        if (code === opcode.delegate) this.#keepLoop();
        return;
      case opcode.loop:
        this.#enterLoop(at, next, first);
        return;
      case opcode.block:
        this.#open.push(0);
        return;
      case opcode.if:
        this.#straight = branched;
        this.#open.push(0);
        return;
      case opcode.try:
      case opcode.tryTable:
        this.#straight = branched;
        this.#open.push(0);
        this.#keepLoop();
        return;
      case opcode.call:
      case opcode.callIndirect:
      case opcode.returnCall:
      case opcode.returnCallIndirect:
      case opcode.callRef:
      case opcode.returnCallRef:
        this.#call(code, first);
        return;
      case opcode.brTable:
        this.#straight = branched;
        if (this.#openLoops.length > 0) this.#labels(first);
        return;
      case opcode.rethrow:
      case opcode.brOnNull:
      case opcode.brOnNonNull:
      case opcode.brOnCast:
      case opcode.brOnCastFail:
        this.#straight = branched;
        this.#keepLoop();
        return;
      default: {
        const substitute = this.#context.substitute?.(code, first, second, at);
        if (substitute !== undefined) {
          this.#note(at, next, place.substitute, this.substitutes.length);
          this.substitutes.push(substitute);
        }
        if (!runsLong.has(code)) return;
        this.#notLeaf();
        this.#note(next, next, place.longRun, 0);
      }
    }
  }

  #note(at: number, end: number, kind: number, argument: number): void {
    this.at.push(at);
    this.end.push(end);
    this.kind.push(kind);
    this.argument.push(argument);
  }

  #call(code: number, callee: number): void {
    this.#quality |= quality.calls;
    this.#notLeaf();
    // A call may lead back to the entry, and behind a tail call nothing is reached: what follows checks neither.
    const isTail = code === opcode.returnCall || code === opcode.returnCallIndirect || code === opcode.returnCallRef;
    if (isTail || this.#straight === entry) this.#straight = branched;
    if (code === opcode.call || code === opcode.returnCall) {
      const own = callee - this.#context.importedFunctions;
      if (own >= 0) this.callees.push(own);
    } else {
      this.#indirectCalls += 1;
    }
  }

  #enterLoop(at: number, next: number, blockType: number): void {
    this.#notLeaf();
    const loop = this.traits.length;
    if (this.#straight === entry) this.#quality |= quality.entryLeadsToLoop;
    else if (this.#straight !== branched) {
      this.traits.set(this.#straight, this.traits.at(this.#straight) | trait.checkedInside);
    }
    this.#straight = loop;
    this.traits.push(trait.leaf | (this.#hasParameters(at, blockType) ? 0 : trait.movable));
    this.#openLoops.push(loop);
    this.#openLoopDepths.push(this.#open.length);
    this.#open.push(loop + 1);
    this.#note(at, next, place.loopHead, loop);
  }

  #leave(at: number, next: number): void {
    const loop = this.#open.pop();
    if (loop === 0) return;
    this.#openLoops.pop();
    this.#openLoopDepths.pop();
    this.#note(at, next, place.loopEnd, loop - 1);
  }

  /** A block type that is the index of a function type may take parameters. */
  #hasParameters(at: number, blockType: number): boolean {
    // One byte from 0x40 on is a negative integer: no index but a type.
    if ((this.#bytes[at + 1] ?? 0) >= 0x40 && (this.#bytes[at + 1] ?? 0) < 0x80) return false;
    const type = this.#context.types[blockType];
    return type === undefined || type.kind !== "function" || type.params.length > 0;
  }

  /** The innermost open loop has a call or a loop in it. */
  #notLeaf(): void {
    const loop = this.#openLoops.length - 1;
    if (loop >= 0) this.#clear(this.#openLoops.at(loop), trait.leaf);
  }

  /** The innermost open loop has to stay at its depth. */
  #keepLoop(): void {
    const loop = this.#openLoops.length - 1;
    if (loop >= 0) this.#clear(this.#openLoops.at(loop), trait.movable);
  }

  #clear(loop: number, cleared: number): void {
    this.traits.set(loop, this.traits.at(loop) & ~cleared);
  }

  /** Notes a label that leads out of the innermost open loop. */
  #label(at: number, label: number): void {
    const innermost = this.#openLoops.length - 1;
    const loopLabel = this.#open.length - 1 - this.#openLoopDepths.at(innermost);
    if (label > loopLabel) this.#note(at, afterInteger(this.#bytes, at), place.label, this.#openLoops.at(innermost));
  }

  #labels(at: number): void {
    let next = afterInteger(this.#bytes, at);
    for (let left = integerAt(this.#bytes, at); left >= 0; left -= 1) {
      this.#label(next, integerAt(this.#bytes, next));
      next = afterInteger(this.#bytes, next);
    }
  }
}
