import type { BigIntStats } from "node:fs";
import { build, SampanError } from "../base/index.ts";
import {
  explainRejection,
  type ImportInfo,
  OffsetMap,
  planHotFunctions,
  readModule,
  readModuleImports,
  type RestoreOptions,
  rewrite,
  type Rewritten,
  type RewriteOptions,
  type RewrittenLayout,
} from "../wasm/index.ts";
import type { CacheEntry, CompileCache } from "./cache/index.ts";
import { compileWithEager, tierUp, tierUpLater } from "./hot-functions.ts";
import { ImportPlan, isThreadSpawn } from "./import-plan.ts";

/** What compiling takes beside the bytes. */
export interface CompileOptions {
  /** Most memory in bytes, of all the module's memories together. */
  readonly memory?: number | undefined;
  /** Most elements of each table, and of {@link fullTables} together where the module has more. */
  readonly tableElements?: number | undefined;
  /** Whether its code looks up once a slice, so that it can be ended and yields. */
  readonly checks?: boolean | undefined;
  /** Whether it gets functions that put its state back. */
  readonly restore?: boolean | RestoreOptions | undefined;
  /**
   * Whether functions with loops that are entered once are found, to be optimised before they run; `here` where no other process
   * compiles the module again, which costs less.
   */
  readonly hotFunctions?: boolean | "here" | undefined;
  /** Names of the exports that are entered from outside, where not all are: functions with hot loops are looked for behind those. */
  readonly called?: readonly string[] | undefined;
  /** Whether its start function becomes an export, so that it may wait; checks imply it. */
  readonly startAsExport?: boolean | undefined;
  /** How messages call the file. */
  readonly name?: string | undefined;
  /** Where rewritten modules are kept. */
  readonly cache?: CompileCache | undefined;
  /** What `fstat` said of the file before the bytes were read from it, so that the cache knows them without a digest. */
  readonly file?: BigIntStats | undefined;
}

/** So many tables of a guest may have as many elements as one may; more share that out. */
export const fullTables = 4;

/** A compiled module, to make instances of. */
export interface GuestModule {
  readonly module: WebAssembly.Module;
  /** What rewriting put into it. */
  readonly layout: RewrittenLayout;
  /** How its imports are met. */
  readonly importPlan: () => ImportPlan;
  readonly name: string;
  /** The original bytes, for names and lines of a backtrace. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The rewritten bytes, to compile it again in another process. */
  readonly code: Uint8Array<ArrayBuffer>;
  readonly offsets: OffsetMap;
  /** The offset in the file of what V8 reports at an offset. */
  readonly originalOffset: (offset: number) => number;
  /** Has V8 optimise the functions that need it, with the first instance's exports. */
  readonly prepare: (exports: WebAssembly.Exports) => void;
  /** Has V8 do that in turns of the event loop that come. */
  readonly prepareLater: (exports: WebAssembly.Exports) => void;
  /** Names of the functions that it exports itself. */
  readonly functionNames: (exports: WebAssembly.Exports) => string[];
}

const pageSize = 65_536;
/** Part of each key of the cache: what another build wrote is not read. */
export const rewriterVersion = build ?? "the sources";

/**
 * Compiles a core module.
 *
 * @throws GUEST_NOT_RUNNABLE where the bytes are no core module or V8 refuses them, LIMIT_MEMORY and LIMIT_TABLE where the module
 *   begins with more than it may have
 */
export function compileGuest(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions = {}): GuestModule {
  const name = options.name ?? "module";
  try {
    return guestModuleFrom(bytes, rewriteFor(bytes, optionsFor(bytes, options)), name);
  } catch (error) {
    throw explainFailure(bytes, name, error);
  }
}

/** What compiling is done with, of no cache: the rewritten module, or one that V8 refuses when it is compiled. */
export function prepareGuest(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions): PreparedModule {
  try {
    const own = optionsFor(bytes, options);
    if (isPlain(wantedOf(own)) || !WebAssembly.validate(bytes)) return asItIs(bytes);
    const eager = onlyEager(bytes, own);
    return eager === undefined ? rewrite(bytes, rewriteOptionsOf(bytes, own)) : { ...asItIs(bytes), eager };
  } catch (error) {
    throw explainFailure(bytes, options.name ?? "module", error);
  }
}

/** Compiles a module that was prepared. @throws GUEST_NOT_RUNNABLE */
export function compilePrepared(bytes: Uint8Array<ArrayBuffer>, prepared: PreparedModule, name: string): GuestModule {
  try {
    return guestModuleFrom(bytes, prepared, name);
  } catch (error) {
    throw explainFailure(bytes, name, error);
  }
}

function guestModuleFrom(bytes: Uint8Array<ArrayBuffer>, rewritten: PreparedModule, name: string): GuestModule {
  const { eager } = rewritten;
  const compile = (): WebAssembly.Module => new WebAssembly.Module(rewritten.bytes);
  const module = eager === undefined ? compile() : compileWithEager(eager, compile);
  return guestModuleOf(bytes, { module, rewritten, name });
}

/** A module that was compiled, here or in another thread. */
export function guestModuleOf(
  bytes: Uint8Array<ArrayBuffer>,
  { module, rewritten, name }: { module: WebAssembly.Module; rewritten: Rewritten; name: string },
): GuestModule {
  const { layout, offsets, bytes: code } = rewritten;
  let plan: ImportPlan | undefined;
  let isPrepared = layout.functions.length === 0;
  let isPlanned = false;
  const hot = layout.functions.map(({ name: exported }) => exported);
  return {
    module,
    layout,
    name,
    bytes,
    code,
    offsets,
    importPlan: () => (plan ??= new ImportPlan(ownImports(code, layout), name)),
    originalOffset: (offset) => offsets.original(offset),
    prepare(exports) {
      if (isPrepared) return;
      isPrepared = true;
      tierUp(exports, hot);
    },
    prepareLater(exports) {
      if (isPrepared || isPlanned) return;
      isPlanned = true;
      tierUpLater(exports, hot, () => (isPrepared = true));
    },
    functionNames: (exports) =>
      Object.keys(exports).filter(
        (key) => typeof exports[key] === "function" && !key.startsWith(`${layout.namespace}/`),
      ),
  };
}

/** What the module itself imports; the rewritten one, where the types of memories say what they may have. */
function ownImports(code: Uint8Array, { namespace }: RewrittenLayout): ImportInfo[] {
  return readModuleImports(code).filter(({ module }) => module !== namespace);
}

/** Whether a module starts threads of its own (wasi-threads); false for what is no module. */
export function startsThreads(bytes: Uint8Array): boolean {
  try {
    return readModuleImports(bytes).some(isThreadSpawn);
  } catch (error) {
    if (error instanceof SampanError) return false;
    throw error;
  }
}

/** Each thread of a guest is a thread of the system's, which can be ended without its code looking up. */
function optionsFor(bytes: Uint8Array, options: CompileOptions): CompileOptions {
  const { checks, hotFunctions, restore } = options;
  if ((checks ?? hotFunctions ?? restore) === undefined || !startsThreads(bytes)) return options;
  return { ...options, checks: false, hotFunctions: false, restore: false };
}

/** What rewriting is asked for; nothing where the module runs as it is. */
function rewriteOptionsOf(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions): RewriteOptions {
  const { memory, tableElements, checks, restore } = options;
  // A module with several memories shares the limit out evenly.
  const count = memory === undefined ? 1 : Math.max(1, readModule(bytes).memories.length);
  const hot =
    options.hotFunctions !== undefined && options.hotFunctions !== false ? planHotFunctions(bytes, options.called) : [];
  return {
    ...(memory === undefined ? {} : { maxPages: Math.floor(memory / pageSize / count) }),
    ...(tableElements === undefined ? {} : { maxElements: shareOfTable(tableElements, readModule(bytes).ownTables) }),
    ...(checks === true ? { checks } : {}),
    ...(options.startAsExport === true ? { startAsExport: true } : {}),
    ...(restore === undefined || restore === false ? {} : { restore }),
    ...(hot.length === 0 ? {} : { exportFunctions: hot }),
  };
}

/** The most elements of each of so many tables. */
export function shareOfTable(most: number, tables: number): number {
  return tables <= fullTables ? most : Math.floor((most * fullTables) / tables);
}

/** A rewritten module, or one as it is with a function that is to be optimised when it is compiled. */
export interface PreparedModule extends Rewritten {
  readonly eager?: number;
}

function wantedOf({ memory, tableElements, checks, restore, hotFunctions, startAsExport }: CompileOptions): object {
  return { memory, tableElements, checks, restore, hotFunctions, startAsExport };
}

/** Whether nothing is wanted of a module but to run. */
function isPlain(wanted: object): boolean {
  return Object.values(wanted).every((each) => each === undefined || each === false);
}

function rewriteFor(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions): PreparedModule {
  const { cache, file } = options;
  const wanted = wantedOf(options);
  if (isPlain(wanted)) return asItIs(bytes);
  // Before it is rewritten: what the rewriter adds lies behind the last of each index, and a module that names an index which
  // it does not have would reach it. It is not kept either: with other flags V8 may take it, and then it had no checks.
  const isValid = (): boolean => WebAssembly.validate(bytes);
  const fresh = (): Rewritten => rewrite(bytes, rewriteOptionsOf(bytes, options));
  if (cache === undefined) return isValid() ? fresh() : asItIs(bytes);
  const subject = { version: rewriterVersion, options: wanted };
  const isWhole = file !== undefined && file.size === BigInt(bytes.length);
  const known = isWhole ? cache.keyOfFile(file, subject) : undefined;
  // Most modules are small and stay as they are: that is said where their file is known, and no entry is read.
  if (known === unchangedKey) return asItIs(bytes);
  if (known?.startsWith(eagerMark) === true) return { ...asItIs(bytes), eager: Number(known.slice(1)) };
  const key = known ?? cache.keyOf(bytes, subject);
  const found = key === undefined ? undefined : cache.get(key);
  if (found === undefined && !isValid()) return asItIs(bytes);
  const eager = found === undefined && isWhole ? onlyEager(bytes, options) : undefined;
  if (file !== undefined && eager !== undefined) {
    cache.rememberFile(file, subject, eagerMark + String(eager).padStart(63, "0"));
    return { ...asItIs(bytes), eager };
  }
  const made = found === undefined ? fresh() : rewrittenFrom(found, bytes);
  if (key === undefined) return made;
  if (found === undefined) cache.put(key, entryOf(made, bytes));
  if (known === undefined && isWhole) cache.rememberFile(file, subject, isAsItIs(made, bytes) ? unchangedKey : key);
  return made;
}

/** Stands for the key of an entry where a file's module is {@link asItIs}. */
const unchangedKey = "0".repeat(64);
/** Begins what stands for a key where one function is to be optimised and nothing rewritten; its index follows. */
const eagerMark = "=";
/** Most places that are put into the original again; of a module with more the cache keeps all bytes. */
const mostPatches = 1_000;

/** The one function that is all that a module needs, if V8 can be told of it when it compiles: it takes the index of one. */
function onlyEager(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions): number | undefined {
  const { memory, tableElements, checks, restore, hotFunctions, startAsExport } = options;
  const changes = [memory, tableElements, checks, restore].some((each) => each !== undefined && each !== false);
  if (hotFunctions !== "here" || changes) return undefined;
  if (startAsExport === true && readModule(bytes).start !== undefined) return undefined;
  const hot = planHotFunctions(bytes, options.called);
  return hot.length === 1 ? hot[0] : undefined;
}

/** An entry: whether `bytes` is the module or only what was put into it, in a byte before the rest of `meta`. */
export function entryOf(made: Rewritten, original: Uint8Array<ArrayBuffer>): CacheEntry {
  const { bytes, offsets } = made;
  const added = offsets.size <= mostPatches ? offsets.added(bytes) : undefined;
  // Rewritten code also differs in sizes that are as long as before, which the map of offsets does not have.
  const isPatch = added !== undefined && Buffer.compare(offsets.apply(original, added), bytes) === 0;
  const rest = metaOf(made);
  const meta = new Uint8Array(1 + rest.length);
  meta[0] = isPatch ? 1 : 0;
  meta.set(rest, 1);
  return { bytes: isPatch ? added : bytes, meta };
}

/** What {@link entryOf} wrote of a module. */
export function rewrittenFrom({ meta, bytes }: CacheEntry, original: Uint8Array<ArrayBuffer>): Rewritten {
  const rest = metaFrom(meta.subarray(1));
  if (meta[0] === 0) return { ...rest, bytes };
  return { ...rest, bytes: rest.offsets.size === 0 ? original : rest.offsets.apply(original, bytes) };
}

/** A module that is not rewritten, or that V8 refuses: compiling it says why. */
export function asItIs(bytes: Uint8Array<ArrayBuffer>): Rewritten {
  return { bytes, layout: { namespace: "sampan:engine", memories: [], functions: [] }, offsets: OffsetMap.identity() };
}

/** Whether a module runs as it is. */
export function isAsItIs({ bytes, layout }: Rewritten, original: Uint8Array<ArrayBuffer>): boolean {
  return bytes === original && JSON.stringify(layout) === JSON.stringify(asItIs(original).layout);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Offset map and layout as bytes: the layout's length in 4 bytes, the layout as JSON, the map. */
export function metaOf({ layout, offsets }: Omit<Rewritten, "bytes">): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(JSON.stringify(layout));
  const map = offsets.toBytes();
  const meta = new Uint8Array(4 + text.length + map.length);
  new DataView(meta.buffer).setUint32(0, text.length, true);
  meta.set(text, 4);
  meta.set(map, 4 + text.length);
  return meta;
}

/** What {@link metaOf} wrote. */
export function metaFrom(meta: Uint8Array): Omit<Rewritten, "bytes"> {
  const length = new DataView(meta.buffer, meta.byteOffset).getUint32(0, true);
  const layout = JSON.parse(decoder.decode(meta.subarray(4, 4 + length))) as RewrittenLayout;
  return { layout, offsets: OffsetMap.fromBytes(meta.subarray(4 + length)) };
}

function explainFailure(bytes: Uint8Array<ArrayBuffer>, name: string, error: unknown): unknown {
  if (error instanceof SampanError && error.code === "LIMIT_MEMORY") {
    return new SampanError(error.code, error.message, { hint: "raise it with --memory SIZE", cause: error });
  }
  if (error instanceof SampanError && error.code === "LIMIT_TABLE") return error;
  return new SampanError("GUEST_NOT_RUNNABLE", `Cannot run "${name}": ${explainRejection(bytes, error)}`, {
    cause: error,
  });
}
