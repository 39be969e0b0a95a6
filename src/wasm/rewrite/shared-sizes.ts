import { type Additions, exportKind, leb, signedLeb, wasm } from "./additions.ts";
import { sizesOf } from "./shadow-state.ts";
import type { LocatedMemory, ModuleShape } from "./shape.ts";

/** An exported memory, by that name, and the exported functions that tell and change its size as guests see it. */
export interface LentMemory {
  readonly memory: string;
  readonly size: string;
  readonly grow: string;
}

/** An imported memory, by the names that it is imported under, and names of exported globals for functions of its owner. */
export interface BorrowedMemory {
  readonly module: string;
  readonly name: string;
  readonly size: string;
  readonly grow: string;
}

/** A global that takes a function of another module's. */
interface BorrowedFunction {
  readonly type: number;
  readonly global: number;
  readonly name: string;
}

/** How modules that share a memory agree on its size, which is a global of the one that it is of. */
export class SharedSizes {
  readonly #shape: ModuleShape;
  readonly #additions: Additions;
  readonly #namespace: string;
  /** Globals of the functions that an imported memory's owner has for it, by memory. */
  readonly #borrowed = new Map<number, { readonly size: BorrowedFunction; readonly grow: BorrowedFunction }>();

  constructor(shape: ModuleShape, additions: Additions, namespace: string) {
    this.#shape = shape;
    this.#additions = additions;
    this.#namespace = namespace;
  }

  /** Imported memories whose sizes the module asks for. */
  get borrowed(): readonly BorrowedMemory[] {
    return [...this.#borrowed].map(([index, { size, grow }]) => {
      const { module = "", name = "" } = this.#memory(index).source ?? {};
      return { module, name, size: size.name, grow: grow.name };
    });
  }

  /** Exports functions for the sizes of own memories that others may import; `of` answers what an own memory has. */
  lend(of: (index: number) => { readonly pages: number; readonly grower: number } | undefined): LentMemory[] {
    const additions = this.#additions;
    return this.#shape.exports.flatMap(({ kind, index, name }) => {
      const sized = kind === "memory" ? of(index) : undefined;
      if (sized === undefined) return [];
      const { type } = sizesOf(this.#memory(index));
      const body = [0, wasm.globalGet, ...leb(sized.pages), wasm.end];
      const sizer = additions.function(additions.functionType([], [type]), body);
      const own = `${this.#namespace}/lent ${name}`;
      const names = { size: `${own}/size`, grow: `${own}/grow` };
      additions.export(names.size, exportKind.function, sizer);
      additions.export(names.grow, exportKind.function, sized.grower);
      return [{ memory: name, ...names }];
    });
  }

  /** Calls a function of the module that an imported memory is of, by a global that is set once the module is instantiated. */
  askOwner(index: number, what: "size" | "grow"): readonly number[] | undefined {
    const memory = this.#shape.memories[index];
    if (memory === undefined) return undefined;
    let borrowed = this.#borrowed.get(index);
    if (borrowed === undefined) {
      const { type } = sizesOf(memory);
      borrowed = { size: this.#borrow(index, "size", []), grow: this.#borrow(index, "grow", [type]) };
      this.#borrowed.set(index, borrowed);
    }
    const { global, type } = borrowed[what];
    return [wasm.globalGet, ...leb(global), wasm.callRef, ...leb(type)];
  }

  #borrow(index: number, what: "size" | "grow", params: readonly number[]): BorrowedFunction {
    const additions = this.#additions;
    const type = additions.functionType(params, [sizesOf(this.#memory(index)).type]);
    const reference = signedLeb(type);
    const global = additions.mutableGlobal([0x63, ...reference], [wasm.refNull, ...reference, wasm.end]);
    const name = `${this.#namespace}/memory-${index}/${what}`;
    additions.export(name, exportKind.global, global);
    return { type, global, name };
  }

  #memory(index: number): LocatedMemory {
    const memory = this.#shape.memories[index];
    if (memory === undefined) throw new RangeError(`No memory ${index}`);
    return memory;
  }
}
