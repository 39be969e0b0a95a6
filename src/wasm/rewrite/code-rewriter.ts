import { integerAt } from "../code/walk.ts";
import { leb, wasm } from "./additions.ts";
import type { BranchHints } from "./branch-hints.ts";
import { IntList } from "./int-list.ts";
import { Changes } from "./offset-map.ts";
import { integerSize, Output } from "./output.ts";
import { type CodeScan, place, trait } from "./scan.ts";

/** How a check is written: a load of the epoch word, and a call where it is not zero. */
export interface CheckCode {
  /** Index of the epoch memory. */
  readonly memory: number;
  /** Index of the function to call. */
  readonly check: number;
  /** For each own function whether its entry is checked. */
  readonly entries: Uint8Array;
}

/** What {@link CodeRewriter} works with. */
export interface CodeRewriting {
  readonly bytes: Uint8Array;
  readonly scan: CodeScan;
  /** Number of imported functions. */
  readonly importedFunctions: number;
  readonly check?: CheckCode | undefined;
  readonly hints: BranchHints;
}

/** Blocks that a split loop stands in; branches that leave it go over as many labels more. */
const splitDepth = 3;

/**
 * Rewrites function bodies into one stretch of bytes: copies of the original between the places that change. A loop is
 * checked at its head in one of two ways:
 *
 * - `loop T; CHECK; …` where the check calls a function;
 * - for a loop without calls and loops in it, split: `block T; loop; block; loop T; WORD; br_if OUT; … end; br EXIT; end; call;
 *   br AGAIN; end; unreachable; end`. The inner loop then has no call in it, so that V8 unrolls it and checks once in
 *   four rounds.
 *
 * Behind an instruction that may run long there is a check as well.
 *
 * Either branch is hinted to be unlikely: else V8 keeps what lives across the call on the stack in the loop too.
 */
export class CodeRewriter {
  /** Places in the code that changed; offsets are those of the binary. */
  readonly changes = new Changes();
  readonly #what: CodeRewriting;
  readonly #bytes: Uint8Array;
  readonly #scan: CodeScan;
  readonly #output: Output;
  /** The check as a statement, and as the head and the tail of a split loop. */
  readonly #check: Uint8Array;
  readonly #splitHead: Uint8Array;
  readonly #splitTail: Uint8Array;
  /** Offset in bytes of the branch within either. */
  readonly #branch: number;
  /** Patches of the function in work: offset, offset behind, where in the pool the bytes begin, branch within them. */
  readonly #patchAt = new IntList();
  readonly #patchEnd = new IntList();
  readonly #patchPool = new IntList();
  readonly #patchBranch = new IntList();
  readonly #pool = new Output(4096);

  constructor(what: CodeRewriting, capacity: number) {
    this.#what = what;
    this.#bytes = what.bytes;
    this.#scan = what.scan;
    this.#output = new Output(capacity);
    const { memory, check } = what.check ?? { memory: 0, check: 0 };
    const access = memory === 0 ? [2, 0] : [0x42, ...leb(memory), 0];
    const word = [wasm.i32Const, 0, wasm.i32Load, ...access];
    const call = [wasm.call, ...leb(check)];
    this.#branch = word.length;
    this.#check = Uint8Array.from([...word, wasm.if, wasm.empty, ...call, wasm.end]);
    this.#splitHead = Uint8Array.from([...word, wasm.brIf, 1]);
    const again = [...call, wasm.br, 0, wasm.end, wasm.unreachable, wasm.end];
    this.#splitTail = Uint8Array.from([wasm.br, 2, wasm.end, ...again]);
  }

  /** Writes all functions of the scan, which begin at `start`, without the count before them. */
  run(start: number): Uint8Array {
    const scan = this.#scan;
    // Functions without changes are copied together.
    let copied = start;
    for (let index = 0; index < scan.functions; index += 1) {
      this.#collect(index);
      if (this.#patchAt.length === 0) {
        this.#what.hints.keep(this.#what.importedFunctions + index);
        continue;
      }
      this.#output.copy(this.#bytes, copied, scan.sizeAt.at(index));
      this.#write(index);
      copied = scan.endAt.at(index);
    }
    const end = scan.functions === 0 ? start : scan.endAt.at(scan.functions - 1);
    this.#output.copy(this.#bytes, copied, end);
    return this.#output.written();
  }

  /** Turns the places of a function into patches. */
  #collect(index: number): void {
    for (const list of [this.#patchAt, this.#patchEnd, this.#patchPool, this.#patchBranch]) list.clear();
    this.#pool.clear();
    const scan = this.#scan;
    const { check } = this.#what;
    if (check?.entries[index] === 1) this.#statement(scan.codeAt.at(index));
    const last = scan.firstPlace.at(index + 1);
    for (let at = scan.firstPlace.at(index); at < last; at += 1) {
      const kind = scan.kind.at(at);
      if (kind === place.substitute) this.#substitute(at);
      else if (check === undefined) continue;
      else if (kind === place.longRun) this.#statement(scan.at.at(at));
      else this.#loop(at);
    }
  }

  #begin(at: number, end: number, branch: number): void {
    this.#patchAt.push(at);
    this.#patchEnd.push(end);
    this.#patchPool.push(this.#pool.length);
    // 0 stands for none.
    this.#patchBranch.push(branch);
  }

  #statement(at: number): void {
    this.#begin(at, at, this.#branch);
    this.#pool.copy(this.#check, 0, this.#check.length);
  }

  #substitute(index: number): void {
    const scan = this.#scan;
    this.#begin(scan.at.at(index), scan.end.at(index), 0);
    for (const byte of scan.substitutes[scan.argument.at(index)] ?? []) this.#pool.u8(byte);
  }

  #loop(index: number): void {
    const at = this.#scan.at.at(index);
    const end = this.#scan.end.at(index);
    const traits = this.#scan.traits.at(this.#scan.argument.at(index));
    if ((traits & trait.checkedInside) !== 0) return;
    const isSplit = traits === (trait.leaf | trait.movable);
    switch (this.#scan.kind.at(index)) {
      case place.loopHead:
        if (isSplit) this.#beginSplit(at, end);
        else this.#statement(end);
        return;
      case place.loopEnd:
        if (!isSplit) return;
        this.#begin(end, end, 0);
        this.#pool.copy(this.#splitTail, 0, this.#splitTail.length);
        return;
      default:
        if (!isSplit) return;
        this.#begin(at, end, 0);
        this.#pool.u32(integerAt(this.#bytes, at) + splitDepth);
    }
  }

  #beginSplit(at: number, end: number): void {
    const type = end - at - 1;
    this.#begin(at, end, 2 * type + 6 + this.#branch);
    this.#pool.u8(wasm.block);
    this.#pool.copy(this.#bytes, at + 1, end);
    for (const byte of [wasm.loop, wasm.empty, wasm.block, wasm.empty, wasm.loop]) this.#pool.u8(byte);
    this.#pool.copy(this.#bytes, at + 1, end);
    this.#pool.copy(this.#splitHead, 0, this.#splitHead.length);
  }

  /** Writes a function with its patches, its hints, and the changes of offsets. */
  #write(index: number): void {
    const { hints, importedFunctions } = this.#what;
    const body = this.#scan.bodyAt.at(index);
    this.#writeSize(index);
    const pool = this.#pool.written();
    const patches = this.#patchAt.length;
    const bodyStart = this.#output.length;
    hints.begin(importedFunctions + index);
    let copied = body;
    for (let patch = 0; patch < patches; patch += 1) {
      const at = this.#patchAt.at(patch);
      const end = this.#patchEnd.at(patch);
      // Hints of the original's before this place keep their distance from it.
      hints.copyUntil(at - body, this.#output.length - bodyStart - (copied - body));
      this.#output.copy(this.#bytes, copied, at);
      const poolStart = this.#patchPool.at(patch);
      const poolEnd = patch + 1 < patches ? this.#patchPool.at(patch + 1) : pool.length;
      const branch = this.#patchBranch.at(patch);
      if (branch !== 0) hints.addUnlikely(this.#output.length - bodyStart + branch);
      this.#output.copy(pool, poolStart, poolEnd);
      this.changes.add(at, end - at, poolEnd - poolStart);
      copied = end;
    }
    hints.copyUntil(Infinity, this.#output.length - bodyStart - (copied - body));
    hints.end();
    this.#output.copy(this.#bytes, copied, this.#scan.endAt.at(index));
  }

  #writeSize(index: number): void {
    const body = this.#scan.bodyAt.at(index);
    let size = this.#scan.endAt.at(index) - body + this.#pool.length;
    for (let patch = 0; patch < this.#patchAt.length; patch += 1) {
      size -= this.#patchEnd.at(patch) - this.#patchAt.at(patch);
    }
    const sizeAt = this.#scan.sizeAt.at(index);
    if (body - sizeAt !== integerSize(size)) this.changes.add(sizeAt, body - sizeAt, integerSize(size));
    this.#output.u32(size);
  }
}
