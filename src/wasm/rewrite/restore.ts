import { opcode } from "../code/opcodes.ts";
import { type Additions, exportKind, leb, wasm } from "./additions.ts";
import type { Substitute } from "./scan.ts";
import { bulk, constant, isNonNull, minusOne, ShadowState, sizesOf, zero, zeroOf } from "./shadow-state.ts";
import type { LocatedMemory, ModuleShape } from "./shape.ts";
import { type BorrowedMemory, type LentMemory, SharedSizes } from "./shared-sizes.ts";

/** A kind of state that a restore function puts back. */
export type RestoreStep = "pages" | "tables" | "globals" | "dataSegments" | "elementSegments";

/** Export names of what restoring takes. */
export interface RestoreNames {
  readonly save: string;
  readonly restore: string;
  readonly pages: readonly string[];
  /** Own memories that it exports, and the functions that tell and change their sizes as guests see them. */
  readonly lent: readonly LentMemory[];
  /** Imported memories whose sizes it asks for, and the mutable globals that take those functions of their owner. */
  readonly borrowed: readonly BorrowedMemory[];
  /**
   * Exported tables that its own code never changes, and the functions that save and put back each: they are called where another
   * module changes it.
   */
  readonly tables: readonly { readonly table: string; readonly save: string; readonly restore: string }[];
  /** Imported tables that its code changes. */
  readonly changes: readonly { readonly module: string; readonly name: string }[];
}

/** How a module's state is made something that can be put back. */
export interface RestoreOptions {
  /** Steps that are left out, for tests. */
  readonly omit?: readonly RestoreStep[];
  /** Whether what it imports is put back by the modules that it is imported from. */
  readonly isShared?: boolean;
}

/** Why a module's state cannot be put back, or `undefined` where it can. */
export function unrestorable(
  shape: ModuleShape,
  { isShared = false }: RestoreOptions = {},
): "shared-memory" | "gc-types" | "exception-references" | "imported-state" | undefined {
  const { memories, types, tables, globals } = shape;
  if (memories.some(({ type }) => type.shared)) return "shared-memory";
  if (types.some(({ kind }) => kind === "struct" || kind === "array")) return "gc-types";
  const holders = [
    ...tables.map(({ type }) => type.element),
    ...globals.filter(({ mutable }) => mutable).map(({ value }) => value),
  ];
  if (holders.some((type) => /exn/.test(type))) return "exception-references";
  if (isShared) return undefined;
  const isImported =
    memories.some(({ imported }) => imported) ||
    tables.some(({ imported }) => imported) ||
    globals.some(({ mutable, initial }) => mutable && initial === undefined);
  return isImported ? "imported-state" : undefined;
}

/** 2^30 - 1: an offset that no segment has, and that V8 takes for one in its own size of integers. */
const nowhere = [0xff, 0xff, 0xff, 0xff, 0x03];

/**
 * Makes a module's state something that can be put back: sizes of memories become globals, dropping a segment sets a flag, and
 * two appended functions copy tables and globals to shadows of them and back.
 */
export class RestoreRewriting {
  readonly #shape: ModuleShape;
  readonly #additions: Additions;
  readonly #namespace: string;
  readonly #omit: ReadonlySet<RestoreStep>;
  readonly #isShared: boolean;
  readonly #sizes: SharedSizes;
  /** Global of each own memory's size in pages. */
  readonly #pages: readonly (number | undefined)[];
  /** Functions that stand for `memory.grow`, by memory. */
  readonly #growers = new Map<number, number>();
  /** Flags of segments that are dropped somewhere. */
  readonly #droppedData = new Map<number, number>();
  readonly #droppedElements = new Map<number, number>();
  /** Functions that stand for `memory.init` and `table.init`, by segment and memory or table. */
  readonly #initializers = new Map<string, number>();
  /** Tables that an instruction changes. */
  readonly #changedTables = new Set<number>();

  constructor(shape: ModuleShape, additions: Additions, options: RestoreOptions & { readonly namespace: string }) {
    this.#shape = shape;
    this.#additions = additions;
    this.#namespace = options.namespace;
    this.#omit = new Set(options.omit);
    this.#isShared = options.isShared === true;
    this.#sizes = new SharedSizes(shape, additions, options.namespace);
    this.#pages = shape.memories.map((memory) => {
      if (memory.imported) return undefined;
      const sizes = sizesOf(memory);
      return additions.mutableGlobal([sizes.type], [sizes.constant, ...constant(memory.type.min), wasm.end]);
    });
  }

  /** What stands for an instruction. */
  readonly substitute: Substitute = (code, first, second) => {
    switch (code) {
      case opcode.memorySize:
        return this.#pages[first] === undefined
          ? this.#sizes.askOwner(first, "size")
          : [wasm.globalGet, ...leb(this.#pages[first])];
      case opcode.memoryGrow:
        return this.#pages[first] === undefined ? this.#sizes.askOwner(first, "grow") : this.#grow(first);
      case opcode.dataDrop:
        return this.#drop(this.#droppedData, first);
      case opcode.elemDrop:
        return this.#drop(this.#droppedElements, first);
      case opcode.memoryInit:
        return this.#initMemory(first, second);
      case opcode.tableInit:
        this.#changedTables.add(second);
        return this.#initTable(first, second);
      case opcode.tableSet:
      case opcode.tableGrow:
      case opcode.tableFill:
      case opcode.tableCopy:
        this.#changedTables.add(first);
        return undefined;
      default:
        return undefined;
    }
  };

  /** Appends the save and restore functions, once all code has been seen. */
  finish(): RestoreNames {
    const additions = this.#additions;
    const state = new ShadowState(additions);
    const flags = (step: RestoreStep, dropped: ReadonlyMap<number, number>): void => {
      if (!this.#omit.has(step)) for (const flag of dropped.values()) state.global(flag, [wasm.i32], zero(wasm.i32));
    };
    if (!this.#omit.has("pages")) {
      for (const [index, pages] of this.#pages.entries()) {
        if (pages === undefined) continue;
        const { type } = sizesOf(this.#memory(index));
        state.global(pages, [type], zero(type));
      }
    }
    if (!this.#omit.has("globals")) this.#shadowGlobals(state);
    const apart = this.#omit.has("tables") ? [] : this.#shadowTables(state);
    flags("dataSegments", this.#droppedData);
    flags("elementSegments", this.#droppedElements);
    const lent = this.#sizes.lend((index) => {
      const [pages, grower] = [this.#pages[index], this.#grower(index)];
      return pages === undefined || grower === undefined ? undefined : { pages, grower };
    });
    const names = {
      ...this.#exportState(state, this.#namespace),
      tables: apart.map(({ table, state: its }) => ({
        table,
        ...this.#exportState(its, `${this.#namespace}/table ${table}`),
      })),
      changes: [...this.#changedTables].flatMap((index) => this.#shape.tables[index]?.source ?? []),
      pages: this.#pages.flatMap((pages, index) => (pages === undefined ? [] : [`${this.#namespace}/pages-${index}`])),
      lent,
      borrowed: this.#sizes.borrowed,
    };
    for (const [index, pages] of this.#pages.entries()) {
      if (pages !== undefined) additions.export(`${this.#namespace}/pages-${index}`, exportKind.global, pages);
    }
    return names;
  }

  /** Appends and exports the functions that save a state and that put it back. */
  #exportState(state: ShadowState, prefix: string): { readonly save: string; readonly restore: string } {
    const additions = this.#additions;
    const save = additions.function(additions.functionType([], []), [0, ...state.save, wasm.end]);
    const body = [0, ...state.check, ...state.restore, wasm.i32Const, 1, wasm.end];
    const restore = additions.function(additions.functionType([], [wasm.i32]), body);
    const names = { save: `${prefix}/save`, restore: `${prefix}/restore` };
    additions.export(names.save, exportKind.function, save);
    additions.export(names.restore, exportKind.function, restore);
    return names;
  }

  #memory(index: number): LocatedMemory {
    const memory = this.#shape.memories[index];
    if (memory === undefined) throw new RangeError(`No memory ${index}`);
    return memory;
  }

  #shadowGlobals(state: ShadowState): void {
    for (const [index, { mutable, valueRange, initial, value }] of this.#shape.globals.entries()) {
      if (!mutable || initial === undefined) continue;
      const type = this.#bytes(valueRange.start, valueRange.end);
      state.global(index, type, isNonNull(value) ? this.#bytes(initial.start, initial.end) : zeroOf(type));
    }
  }

  /** Shadows own tables that may change; answers those that only others can change, each by itself. */
  #shadowTables(state: ShadowState): { readonly table: string; readonly state: ShadowState }[] {
    const exported = new Map(
      this.#shape.exports.flatMap(({ kind, index, name }) => (kind === "table" ? [[index, name] as const] : [])),
    );
    const apart: { readonly table: string; readonly state: ShadowState }[] = [];
    for (const [index, table] of this.#shape.tables.entries()) {
      const name = exported.get(index);
      const isChanged = this.#changedTables.has(index) || (!this.#isShared && name !== undefined);
      if (table.imported || (!isChanged && name === undefined)) continue;
      const element = this.#bytes(table.elementRange.start, table.elementRange.end);
      const { initial } = table;
      const expression = initial === undefined ? undefined : this.#bytes(initial.start, initial.end);
      const its = isChanged || name === undefined ? state : new ShadowState(this.#additions);
      its.table({ index, table, element, initial: expression });
      if (its !== state && name !== undefined) apart.push({ table: name, state: its });
    }
    return apart;
  }

  /** `memory.grow`: only what is really lacking is grown, and the size that the guest sees is a global. */
  #grow(index: number): readonly number[] | undefined {
    const grower = this.#grower(index);
    return grower === undefined ? undefined : [wasm.call, ...leb(grower)];
  }

  #grower(index: number): number | undefined {
    const memory = this.#shape.memories[index];
    const pages = this.#pages[index];
    if (memory === undefined || pages === undefined) return undefined;
    let grower = this.#growers.get(index);
    if (grower === undefined) {
      const { type, add, subtract, less, greater, constant: constantOf, equal } = sizesOf(memory);
      const size = [wasm.memorySize, ...leb(index)];
      const failed = [wasm.if, wasm.empty, constantOf, minusOne, wasm.return, wasm.end];
      const wanted = 1;
      const body = [
        1,
        1,
        type,
        // The size wanted; one that wraps around is too much.
        wasm.globalGet,
        ...leb(pages),
        wasm.localGet,
        0,
        add,
        wasm.localTee,
        wanted,
        wasm.globalGet,
        ...leb(pages),
        less,
        ...failed,
        wasm.localGet,
        wanted,
        ...size,
        greater,
        wasm.if,
        wasm.empty,
        wasm.localGet,
        wanted,
        ...size,
        subtract,
        wasm.memoryGrow,
        ...leb(index),
        constantOf,
        minusOne,
        equal,
        ...failed,
        wasm.end,
        wasm.globalGet,
        ...leb(pages),
        wasm.localGet,
        wanted,
        wasm.globalSet,
        ...leb(pages),
        wasm.end,
      ];
      grower = this.#additions.function(this.#additions.functionType([type], [type]), body);
      this.#growers.set(index, grower);
    }
    return grower;
  }

  #drop(dropped: Map<number, number>, segment: number): readonly number[] {
    return [wasm.i32Const, 1, wasm.globalSet, ...leb(this.#flag(dropped, segment))];
  }

  #flag(dropped: Map<number, number>, segment: number): number {
    let flag = dropped.get(segment);
    if (flag === undefined) {
      flag = this.#additions.mutableGlobal([wasm.i32], zero(wasm.i32));
      dropped.set(segment, flag);
    }
    return flag;
  }

  #initMemory(segment: number, index: number): readonly number[] | undefined {
    const memory = this.#shape.memories[index];
    if (memory === undefined) return undefined;
    const { type } = sizesOf(memory);
    const init = [wasm.bulk, bulk.memoryInit, ...leb(segment), ...leb(index)];
    return this.#initializer(`memory ${segment} ${index}`, {
      type,
      init,
      flag: this.#flag(this.#droppedData, segment),
    });
  }

  #initTable(segment: number, index: number): readonly number[] | undefined {
    const table = this.#shape.tables[index];
    if (table === undefined) return undefined;
    const { type } = sizesOf(table);
    const init = [wasm.bulk, bulk.tableInit, ...leb(segment), ...leb(index)];
    const flag = this.#flag(this.#droppedElements, segment);
    return this.#initializer(`table ${segment} ${index}`, { type, init, flag });
  }

  /**
   * A dropped segment is one of length 0 (WebAssembly 3.0, 4.6.9 `data.drop`): anything out of it is read from a place that
   * no segment has, so that the trap is the same.
   */
  #initializer(
    key: string,
    code: { readonly type: number; readonly init: readonly number[]; readonly flag: number },
  ): readonly number[] {
    let initializer = this.#initializers.get(key);
    if (initializer === undefined) {
      const body = [
        0,
        wasm.globalGet,
        ...leb(code.flag),
        wasm.if,
        wasm.empty,
        wasm.localGet,
        1,
        wasm.localGet,
        2,
        wasm.i32Or,
        wasm.if,
        wasm.empty,
        wasm.i32Const,
        ...nowhere,
        wasm.localSet,
        1,
        wasm.end,
        wasm.end,
        wasm.localGet,
        0,
        wasm.localGet,
        1,
        wasm.localGet,
        2,
        ...code.init,
        wasm.end,
      ];
      initializer = this.#additions.function(this.#additions.functionType([code.type, wasm.i32, wasm.i32], []), body);
      this.#initializers.set(key, initializer);
    }
    return [wasm.call, ...leb(initializer)];
  }

  #bytes(start: number, end: number): number[] {
    return [...this.#shape.bytes.subarray(start, end)];
  }
}
