import { opcode } from "../code/opcodes.ts";
import { afterInteger, integerAt } from "../code/walk.ts";
import { type Additions, leb, wasm } from "./additions.ts";
import type { ModuleShape } from "./shape.ts";

/** How long a guest waits in one piece, in nanoseconds: as long as a slice. 1,000,000 as a signed LEB128 integer. */
const piece = [0xc0, 0x84, 0x3d];
/** What an instruction that waits answers where the time is over (WebAssembly threads proposal). */
const timedOut = 2;

const i64 = { greaterOrEqual: 0x59, equalsZero: 0x50, subtract: 0x7d, select: 0x1b } as const;
const atomic = 0xfe;

/**
 * `memory.atomic.wait32` and `wait64` block their thread in V8, where no check ends them: appended functions stand for them that
 * wait in pieces with a check between two. Whoever is woken between two pieces sees that the value has changed, and goes on.
 */
export class AtomicWaits {
  readonly #shape: ModuleShape;
  readonly #additions: Additions;
  /** Index of the function that checks. */
  readonly #check: number;
  /** Appended functions by what is behind the prefix of the instruction. */
  readonly #functions = new Map<string, number>();

  constructor(shape: ModuleShape, additions: Additions, check: number) {
    this.#shape = shape;
    this.#additions = additions;
    this.#check = check;
  }

  /** The call that stands for the instruction at an offset; `undefined` for one that does not wait. */
  substitute(code: number, at: number): readonly number[] | undefined {
    if (code !== opcode.memoryWait32 && code !== opcode.memoryWait64) return undefined;
    const { bytes } = this.#shape;
    const flagsAt = afterInteger(bytes, at + 1);
    const flags = integerAt(bytes, flagsAt);
    const memoryAt = afterInteger(bytes, flagsAt);
    const hasMemory = (flags & 0x40) !== 0;
    const memory = hasMemory ? integerAt(bytes, memoryAt) : 0;
    const end = afterInteger(bytes, hasMemory ? afterInteger(bytes, memoryAt) : memoryAt);
    const instruction = [...bytes.subarray(at, end)];
    const key = instruction.join();
    let index = this.#functions.get(key);
    if (index === undefined) {
      const address = this.#shape.memories[memory]?.type.is64 === true ? wasm.i64 : wasm.i32;
      const value = code === opcode.memoryWait32 ? wasm.i32 : wasm.i64;
      const type = this.#additions.functionType([address, value, wasm.i64], [wasm.i32]);
      index = this.#additions.function(type, this.#body(instruction));
      this.#functions.set(key, index);
    }
    return [wasm.call, ...leb(index)];
  }

  #body(instruction: readonly number[]): number[] {
    if (instruction[0] !== atomic) throw new RangeError("No instruction that waits");
    const [address, expected, left, now, answer] = [0, 1, 2, 3, 4];
    const get = (local: number): number[] => [wasm.localGet, local];
    const millisecond = [wasm.i64Const, ...piece];
    return [
      [2, 1, wasm.i64, 1, wasm.i32, wasm.loop, wasm.empty],
      // The lesser of the two; a negative time, which stands for ever, is the greatest without its sign.
      [...get(left), ...millisecond, ...get(left), ...millisecond, wasm.i64LtU, i64.select, wasm.localSet, now],
      [...get(address), ...get(expected), ...get(now), ...instruction, wasm.localTee, answer],
      [wasm.i32Const, timedOut, wasm.i32Ne, wasm.if, wasm.empty, ...get(answer), wasm.return, wasm.end],
      [wasm.call, ...leb(this.#check)],
      [...get(left), wasm.i64Const, 0, i64.greaterOrEqual, wasm.if, wasm.empty],
      [...get(left), ...get(now), i64.subtract, wasm.localTee, left, i64.equalsZero, wasm.if, wasm.empty],
      [wasm.i32Const, timedOut, wasm.return, wasm.end, wasm.end, wasm.br, 0, wasm.end, wasm.unreachable, wasm.end],
    ].flat();
  }
}
