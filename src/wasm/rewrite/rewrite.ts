import type { ByteRange } from "../reader.ts";
import { sectionId } from "../sections.ts";
import { Additions, exportKind, leb, signedLeb, wasm } from "./additions.ts";
import { assemble, type Patch, type RewrittenCode } from "./assemble.ts";
import { AtomicWaits } from "./atomic-waits.ts";
import { BranchHints, branchHintSection } from "./branch-hints.ts";
import { type CheckCode, CodeRewriter } from "./code-rewriter.ts";
import { entryChecks } from "./entry-checks.ts";
import { limitedMemory, limitedTable } from "./maxima.ts";
import { Changes, OffsetMap } from "./offset-map.ts";
import { type RestoreNames, type RestoreOptions, RestoreRewriting, unrestorable } from "./restore.ts";
import { CodeScan, type Substitute } from "./scan.ts";
import { type ModuleShape, readShape } from "./shape.ts";

/** What {@link rewrite} is to do. */
export interface RewriteOptions {
  /** Most pages of 64 KiB that each memory may have. */
  readonly maxPages?: number | undefined;
  /** Most elements that each table may have. */
  readonly maxElements?: number | undefined;
  /** Epoch checks at loop heads and at the entry of functions that make calls. */
  readonly checks?: boolean;
  /** Save and restore functions, virtual memory sizes, flags for dropped segments. */
  readonly restore?: boolean | RestoreOptions;
  /** Makes the start function an export (implied by checks and by restore). */
  readonly startAsExport?: boolean;
  /** Indices of functions to export, so that the engine can reach them. */
  readonly exportFunctions?: readonly number[];
}

/** A memory that the module made itself and now imports. */
export interface EngineMemory {
  /** The import's name, in the layout's namespace. */
  readonly name: string;
  /** Sizes in pages of 64 KiB. */
  readonly initial: number;
  readonly maximum?: number;
  readonly shared: boolean;
  readonly is64: boolean;
}

/** What the engine has to know of a rewritten module, as plain data. */
export interface RewrittenLayout {
  /**
   * The module name of the engine's imports and, with a slash behind it, what the engine's exports begin with:
   * `sampan:engine`, or the next that the guest does not use.
   */
  readonly namespace: string;
  /** Own memories that became imports (with checks or restore), in the order of their indices. */
  readonly memories: readonly EngineMemory[];
  /**
   * With checks: the name of the import of a shared memory of one page, at most one, whose first 32-bit word calls the hook
   * at the next check while it is not zero (the hook puts it back to zero); and the names of the exported mutable globals
   * `hook`, of type `(ref null (func (param i32)))`, and `id`, of type `i32`, which is the hook's argument.
   */
  readonly checks?: { readonly epoch: string; readonly hook: string; readonly id: string };
  /** Export name of what was the start function. */
  readonly start?: string;
  /**
   * With restore: export names of the function that saves the state, of the function that puts it back and answers whether it
   * could (1 or 0), of a mutable global for each own memory that holds its size in pages; the import names of those memories; and
   * how modules that share memories come by their sizes; and which tables others may have to be put back for.
   */
  readonly restore?: {
    readonly save: string;
    readonly restore: string;
    readonly pages: readonly string[];
    readonly memories: readonly string[];
    readonly lent: RestoreNames["lent"];
    readonly borrowed: RestoreNames["borrowed"];
    readonly tables: RestoreNames["tables"];
    readonly changes: RestoreNames["changes"];
  };
  /** Why there is no restore function though it was asked for. */
  readonly unrestorable?: Unrestorable;
  /** Exports of the functions asked for. */
  readonly functions: readonly { readonly index: number; readonly name: string }[];
}

/** Why a module's state cannot be put back. */
export type Unrestorable = "shared-memory" | "gc-types" | "exception-references" | "imported-state";

/** A rewritten module. */
export interface Rewritten {
  /** The same object where nothing had to change. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offsets: OffsetMap;
  readonly layout: RewrittenLayout;
}

/**
 * Rewrites a core module; no index of its own shifts. Whatever V8 accepts it rewrites into what V8 accepts.
 *
 * @throws LIMIT_MEMORY, LIMIT_TABLE where a memory or table begins with more than it may have, WASM_MALFORMED, WASM_FEATURE
 */
export function rewrite(bytes: Uint8Array<ArrayBuffer>, options: RewriteOptions): Rewritten {
  const shape = readShape(bytes);
  return new Rewriting(shape, options).run();
}

class Rewriting {
  readonly #shape: ModuleShape;
  readonly #options: RewriteOptions;
  readonly #additions: Additions;
  readonly #namespace: string;
  /** By the offset that they begin at. */
  readonly #patches = new Map<number, Patch>();
  readonly #removed = new Set<number>();
  readonly #unrestorable: Unrestorable | undefined;
  #restore: RestoreRewriting | undefined;

  constructor(shape: ModuleShape, options: RewriteOptions) {
    this.#shape = shape;
    this.#options = options;
    this.#additions = new Additions(shape);
    this.#namespace = freeNamespace(shape);
    const asked = options.restore !== undefined && options.restore !== false;
    const how = typeof options.restore === "object" ? options.restore : {};
    this.#unrestorable = asked ? unrestorable(shape, how) : undefined;
    if (asked && this.#unrestorable === undefined)
      this.#restore = new RestoreRewriting(shape, this.#additions, { ...how, namespace: this.#namespace });
  }

  run(): Rewritten {
    const { checks } = this.#options;
    this.#limitTables();
    const memories = this.#memories();
    const check = checks === true ? this.#addCheck() : undefined;
    const start = this.#exportStart();
    const functions = this.#exportFunctions();
    const substitute = this.#substitute(check);
    const { code, hints } = this.#code(check, substitute);
    const restore = this.#restore?.finish();
    const layout: RewrittenLayout = {
      namespace: this.#namespace,
      memories,
      ...(check === undefined ? {} : { checks: this.#checkNames() }),
      ...(start === undefined ? {} : { start }),
      ...(restore === undefined ? {} : { restore: { ...restore, memories: memories.map(({ name }) => name) } }),
      ...(this.#unrestorable === undefined ? {} : { unrestorable: this.#unrestorable }),
      functions,
    };
    const isUnchanged = this.#patches.size === 0 && this.#removed.size === 0 && this.#additions.isEmpty;
    if (isUnchanged && code === undefined) {
      return { bytes: this.#shape.bytes, offsets: OffsetMap.of(new Changes()), layout };
    }
    const patches = [...this.#patches.values()].sort((a, b) => a.start - b.start);
    const assembled = assemble({
      shape: this.#shape,
      additions: this.#additions,
      patches,
      removed: this.#removed,
      code,
      hints,
    });
    return { ...assembled, layout };
  }

  #limitTables(): void {
    const { maxElements } = this.#options;
    if (maxElements === undefined) return;
    for (const [index, { type, range, elementRange }] of this.#shape.tables.entries()) {
      const replacement = limitedTable(type, index, maxElements);
      if (replacement !== undefined) this.#patch({ start: elementRange.end, end: range.end }, replacement);
    }
  }

  /** Limits memories, and turns own ones into imports where more is to come behind them. */
  #memories(): EngineMemory[] {
    const { maxPages, checks } = this.#options;
    const moved = checks === true || this.#restore !== undefined;
    const memories: EngineMemory[] = [];
    for (const [index, { type, range, imported }] of this.#shape.memories.entries()) {
      const limited = maxPages === undefined ? undefined : limitedMemory(type, index, maxPages);
      if (imported || !moved) {
        if (limited !== undefined) this.#patch(range, limited);
        continue;
      }
      const name = `memory-${index}`;
      this.#additions.memoryImport(this.#namespace, name, limited ?? this.#bytesOf(range));
      const maximum = limited === undefined || maxPages === undefined ? type.max : maxPages;
      const sizes = maximum === undefined ? { initial: type.min } : { initial: type.min, maximum };
      memories.push({ name, ...sizes, shared: type.shared, is64: type.is64 });
    }
    if (moved && this.#shape.sections.some(({ id }) => id === sectionId.memory)) this.#removed.add(sectionId.memory);
    return memories;
  }

  #addCheck(): Omit<CheckCode, "entries"> {
    const additions = this.#additions;
    const memory = this.#shape.memories.length;
    const names = this.#checkNames();
    additions.memoryImport(this.#namespace, names.epoch, [3, 1, 1]);
    const hookType = additions.functionType([wasm.i32], []);
    const id = additions.mutableGlobal([wasm.i32], [wasm.i32Const, 0, wasm.end]);
    const reference = signedLeb(hookType);
    const hook = additions.mutableGlobal([0x63, ...reference], [wasm.refNull, ...reference, wasm.end]);
    additions.export(names.id, exportKind.global, id);
    additions.export(names.hook, exportKind.global, hook);
    const body = [
      0,
      wasm.globalGet,
      ...leb(id),
      wasm.globalGet,
      ...leb(hook),
      wasm.callRef,
      ...leb(hookType),
      wasm.end,
    ];
    return { memory, check: additions.function(additions.functionType([], []), body) };
  }

  #checkNames(): { readonly epoch: string; readonly hook: string; readonly id: string } {
    return { epoch: "epoch", hook: `${this.#namespace}/hook`, id: `${this.#namespace}/id` };
  }

  #exportStart(): string | undefined {
    const { checks, startAsExport } = this.#options;
    const { start } = this.#shape;
    if (start === undefined || (checks !== true && startAsExport !== true && this.#restore === undefined)) {
      return undefined;
    }
    this.#removed.add(sectionId.start);
    const name = `${this.#namespace}/start`;
    this.#additions.export(name, exportKind.function, start);
    return name;
  }

  #exportFunctions(): { index: number; name: string }[] {
    const functions: { index: number; name: string }[] = [];
    for (const index of new Set(this.#options.exportFunctions)) {
      if (index >= this.#shape.functionCount) {
        throw new RangeError(`No function ${index} to export where ${this.#shape.functionCount} exist`);
      }
      const name = `${this.#namespace}/function-${index}`;
      this.#additions.export(name, exportKind.function, index);
      functions.push({ index, name });
    }
    return functions;
  }

  /** What stands for instructions: those of memories and segments with restore, those that wait with checks. */
  #substitute(check: Omit<CheckCode, "entries"> | undefined): Substitute | undefined {
    const restore = this.#restore?.substitute;
    if (check === undefined) return restore;
    const waits = new AtomicWaits(this.#shape, this.#additions, check.check);
    return (code, first, second, at) => waits.substitute(code, at) ?? restore?.(code, first, second, at);
  }

  /** The functions, where they or their number change. */
  #code(
    check: Omit<CheckCode, "entries"> | undefined,
    substitute: Substitute | undefined,
  ): { readonly code?: RewrittenCode; readonly hints?: Uint8Array | undefined } {
    const section = this.#shape.sections.find(({ id }) => id === sectionId.code);
    if (section === undefined || (check === undefined && substitute === undefined)) return {};
    const { bytes, types, importedFunctions, sections } = this.#shape;
    const scan = new CodeScan({ bytes, types, importedFunctions, substitute });
    const start = scan.section(section.body);
    const own = sections.find(({ id, name }) => id === sectionId.custom && name === branchHintSection);
    const hints = new BranchHints(bytes, own?.body);
    const size = section.body.end - section.body.start;
    const entries = check === undefined ? undefined : entryChecks(this.#shape, scan);
    const rewriter = new CodeRewriter(
      {
        bytes,
        scan,
        importedFunctions,
        check: check === undefined || entries === undefined ? undefined : { ...check, entries },
        hints,
      },
      check === undefined ? size + 1024 : Math.ceil(size * 1.15),
    );
    const code = { bytes: rewriter.run(start), count: scan.functions, start, changes: rewriter.changes };
    return { code, hints: hints.finish() };
  }

  #bytesOf({ start, end }: ByteRange): Uint8Array {
    return this.#shape.bytes.subarray(start, end);
  }

  #patch(range: ByteRange, replacement: Uint8Array): void {
    // Compact imports give one type to many names: it is replaced once.
    if (!this.#patches.has(range.start)) this.#patches.set(range.start, { ...range, replacement });
  }
}

/** The first of `sampan:engine`, `sampan:engine-2` … that no import and no export of the module uses. */
function freeNamespace(shape: ModuleShape): string {
  for (let number = 1; ; number += 1) {
    const namespace = number === 1 ? "sampan:engine" : `sampan:engine-${number}`;
    if (shape.importModules.has(namespace)) continue;
    if (shape.exports.every(({ name }) => !name.startsWith(`${namespace}/`))) return namespace;
  }
}
