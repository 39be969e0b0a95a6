import { readImports } from "../externs.ts";
import { ByteReader } from "../reader.ts";
import { readModuleSections, readPreamble, sectionId } from "../sections.ts";
import { type TypeDefinition, TypeReader } from "../types.ts";
import { opcode } from "./opcodes.ts";
import { afterLocals, type CodeVisitor, walkExpression } from "./walk.ts";

/** What one function of a module does, as far as its loops and calls go. */
export interface FunctionAnalysis {
  /** Index in the space of functions, where imports come first. */
  readonly index: number;
  /** Bytes of the body, locals included. */
  readonly bodySize: number;
  /** Number of loops. */
  readonly loops: number;
  /** How deep loops are nested: 0 without any, 1 where none lies in another. */
  readonly loopDepth: number;
  /** Indices of the functions that it calls directly, each once, in no order; imports and tail calls among them. */
  readonly callees: Uint32Array;
  /** Those of {@link callees} that it calls inside a loop of its own. */
  readonly loopCallees: Uint32Array;
  /** Whether it calls through a table or a reference. */
  readonly callsIndirectly: boolean;
  /** Whether it does so inside a loop of its own. */
  readonly callsIndirectlyInLoop: boolean;
}

/** What {@link analyzeCode} answers. */
export interface CodeAnalysis {
  /** Number of imported functions; the index of the first own one. */
  readonly importedFunctions: number;
  /** One entry for each function that the module defines, in the order of their indices. */
  readonly functions: readonly FunctionAnalysis[];
}

/**
 * Reads the loops and calls of every function that a core module defines.
 *
 * @throws WASM_MALFORMED, WASM_FEATURE
 */
export function analyzeCode(bytes: Uint8Array): CodeAnalysis {
  readPreamble(bytes);
  let types: readonly TypeDefinition[] = [];
  let importedFunctions = 0;
  const functions: FunctionAnalysis[] = [];
  for (const section of readModuleSections(bytes)) {
    if (section.id === sectionId.type) {
      types = new TypeReader(new ByteReader(bytes, section.body), new Set()).typeSection();
    } else if (section.id === sectionId.import) {
      for (const { info } of readImports(section, { bytes, types, features: new Set() })) {
        if (info.kind === "function") importedFunctions += 1;
      }
    } else if (section.id === sectionId.code) {
      const reader = new ByteReader(bytes, section.body);
      for (let count = reader.count(); count > 0; count -= 1) {
        const body = reader.sized("a function");
        const analysis = new LoopAnalysis();
        walkExpression(bytes, { start: afterLocals(bytes, body.start), limit: body.end }, analysis);
        functions.push(analysis.finish(importedFunctions + functions.length, body.end - body.start));
      }
      break;
    }
  }
  return { importedFunctions, functions };
}

class LoopAnalysis implements CodeVisitor {
  /** For each open block whether it is a loop. */
  readonly #open: boolean[] = [];
  readonly #callees = new Set<number>();
  readonly #loopCallees = new Set<number>();
  #openLoops = 0;
  #loops = 0;
  #loopDepth = 0;
  #callsIndirectly = false;
  #callsIndirectlyInLoop = false;

  visit(code: number, _at: number, _next: number, first: number): void {
    switch (code) {
      case opcode.loop:
        this.#loops += 1;
        this.#openLoops += 1;
        this.#loopDepth = Math.max(this.#loopDepth, this.#openLoops);
        this.#open.push(true);
        break;
      case opcode.block:
      case opcode.if:
      case opcode.try:
      case opcode.tryTable:
        this.#open.push(false);
        break;
      case opcode.end:
      case opcode.delegate:
        if (this.#open.pop() === true) this.#openLoops -= 1;
        break;
      case opcode.call:
      case opcode.returnCall:
        this.#callees.add(first);
        if (this.#openLoops > 0) this.#loopCallees.add(first);
        break;
      case opcode.callIndirect:
      case opcode.returnCallIndirect:
      case opcode.callRef:
      case opcode.returnCallRef:
        this.#callsIndirectly = true;
        this.#callsIndirectlyInLoop ||= this.#openLoops > 0;
        break;
      default:
    }
  }

  finish(index: number, bodySize: number): FunctionAnalysis {
    return {
      index,
      bodySize,
      loops: this.#loops,
      loopDepth: this.#loopDepth,
      callees: Uint32Array.from(this.#callees),
      loopCallees: Uint32Array.from(this.#loopCallees),
      callsIndirectly: this.#callsIndirectly,
      callsIndirectlyInLoop: this.#callsIndirectlyInLoop,
    };
  }
}
