import { SampanError } from "../../base/index.ts";
import { malformed } from "../reader.ts";
import { immediate, opcode, plainTable, prefixTables, visited } from "./opcodes.ts";

/** What {@link walkExpression} tells of an expression. */
export interface CodeVisitor {
  /**
   * Called in order for each of {@link opcode}: `at` is the offset in bytes of the instruction in the binary, `next` that
   * of the one behind it, `first` and `second` are its integers: a call's callee or type and table, a label, a memory or
   * table, a segment and a memory or table (`memory.init`, `table.init`), a destination and a source (`table.copy`).
   * Of `br_table` and `try_table` `first` is the offset of the labels' count and of the catches' count.
   */
  visit(code: number, at: number, next: number, first: number, second: number): void;
}

/** The offset in bytes behind a LEB128 integer. */
export function afterInteger(bytes: Uint8Array, at: number): number {
  let position = at;
  while ((bytes[position] ?? 0) >= 0x80) position += 1;
  return position + 1;
}

/** The unsigned 32-bit LEB128 integer at an offset; what is malformed, V8 refuses. */
export function integerAt(bytes: Uint8Array, at: number): number {
  let byte = bytes[at] ?? 0;
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  for (let shift = 7; shift < 35; shift += 7) {
    byte = bytes[at + shift / 7] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value >>> 0;
}

/** The offset in bytes behind a value type or block type: a reference to a heap type takes an integer more. */
export function afterType(bytes: Uint8Array, at: number): number {
  const byte = bytes[at] ?? 0;
  return byte === 0x63 || byte === 0x64 ? afterInteger(bytes, at + 1) : afterInteger(bytes, at);
}

/** The offset in bytes behind a memory access's alignment, memory and offset (5.4.6 Memory instructions). */
function afterMemory(bytes: Uint8Array, at: number): number {
  const flags = bytes[at] ?? 0;
  let next = afterInteger(bytes, at);
  if ((flags & 0x40) !== 0) next = afterInteger(bytes, next);
  return afterInteger(bytes, next);
}

function afterIntegers(bytes: Uint8Array, at: number, count: number): number {
  let next = at;
  for (let left = count; left > 0 && next <= bytes.length; left -= 1) next = afterInteger(bytes, next);
  return next;
}

function afterTypes(bytes: Uint8Array, at: number): number {
  let next = afterInteger(bytes, at);
  for (let left = integerAt(bytes, at); left > 0 && next <= bytes.length; left -= 1) next = afterType(bytes, next);
  return next;
}

function afterCatches(bytes: Uint8Array, at: number): number {
  let next = afterInteger(bytes, at);
  for (let left = integerAt(bytes, at); left > 0 && next <= bytes.length; left -= 1) {
    const kind = bytes[next] ?? 0;
    next = afterIntegers(bytes, next + 1, kind < 2 ? 2 : 1);
  }
  return next;
}

function unknownInstruction(at: number, code: number): SampanError {
  return new SampanError(
    "WASM_FEATURE",
    `Cannot read the WebAssembly binary: it uses an instruction (0x${code.toString(16)}) that this build does not know at byte ${at}`,
    { data: { offset: at } },
  );
}

/**
 * Walks over an expression of instructions (WebAssembly 3.0, 5.4) from `start` to the `end` that closes it, and answers the
 * offset in bytes behind that. It tells one instruction from the next and nothing more: V8 validates.
 *
 * @throws WASM_MALFORMED where the expression does not end by `limit`, WASM_FEATURE where V8 would not know an instruction
 */
export function walkExpression(
  bytes: Uint8Array,
  { start, limit }: { readonly start: number; readonly limit: number },
  visitor?: CodeVisitor,
): number {
  const last = Math.min(limit, bytes.length);
  let depth = 1;
  let at = start;
  while (at < last) {
    let code: number = bytes[at] ?? 0;
    let entry: number = plainTable[code] ?? 0;
    let next = at + 1;
    if (entry === immediate.prefix) {
      const prefix = code;
      const number = integerAt(bytes, next);
      next = afterInteger(bytes, next);
      code = prefix * 0x1000 + number;
      entry = number < 0x200 ? (prefixTables[prefix - 0xfb]?.[number] ?? 0) : 0;
    }
    const operands = next;
    switch (entry & ~visited) {
      case immediate.none:
        break;
      case immediate.one:
        while ((bytes[next] ?? 0) >= 0x80) next += 1;
        next += 1;
        break;
      case immediate.memory:
        if ((bytes[next] ?? 0) < 0x40 && (bytes[next + 1] ?? 0) < 0x80) next += 2;
        else next = afterMemory(bytes, next);
        break;
      case immediate.unknown:
        throw unknownInstruction(at, code);
      default:
        next = afterOperands(bytes, next, entry & ~visited);
    }
    if ((entry & visited) !== 0) {
      if (next > last) break;
      if (code <= opcode.try && code >= opcode.block) depth += 1;
      else if (code === opcode.tryTable) depth += 1;
      else if (code === opcode.end || code === opcode.delegate) depth -= 1;
      if (visitor !== undefined) {
        const second = entry === (immediate.two | visited) ? integerAt(bytes, afterInteger(bytes, operands)) : 0;
        visitor.visit(code, at, next, firstOperand(bytes, operands, entry), second);
      }
      if (depth === 0) return next;
    }
    at = next;
  }
  throw malformed(Math.min(at, last), "an expression without its end");
}

function firstOperand(bytes: Uint8Array, operands: number, entry: number): number {
  switch (entry & ~visited) {
    case immediate.branchTable:
      return operands;
    case immediate.tryTable:
      return afterType(bytes, operands);
    case immediate.branchOnCast:
      return integerAt(bytes, operands + 1);
    case immediate.none:
      return 0;
    default:
      return integerAt(bytes, operands);
  }
}

function afterOperands(bytes: Uint8Array, at: number, kind: number): number {
  switch (kind) {
    case immediate.two:
      return afterInteger(bytes, afterInteger(bytes, at));
    case immediate.memoryLane:
      return afterMemory(bytes, at) + 1;
    case immediate.byte:
      return at + 1;
    case immediate.bytes4:
      return at + 4;
    case immediate.bytes8:
      return at + 8;
    case immediate.bytes16:
      return at + 16;
    case immediate.blockType:
      return afterType(bytes, at);
    case immediate.valueTypes:
      return afterTypes(bytes, at);
    case immediate.branchTable:
      return afterIntegers(bytes, afterInteger(bytes, at), integerAt(bytes, at) + 1);
    case immediate.tryTable:
      return afterCatches(bytes, afterType(bytes, at));
    case immediate.branchOnCast:
      return afterIntegers(bytes, at + 1, 3);
    default:
      return at;
  }
}

/**
 * The offset in bytes of a function's first instruction, behind its locals (5.5.13 Code section); `body` is the function
 * without its size.
 */
export function afterLocals(bytes: Uint8Array, body: number): number {
  let next = afterInteger(bytes, body);
  for (let left = integerAt(bytes, body); left > 0 && next <= bytes.length; left -= 1) {
    next = afterType(bytes, afterInteger(bytes, next));
  }
  return next;
}
