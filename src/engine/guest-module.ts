import type { BigIntStats } from "node:fs";
import { SampanError } from "../base/index.ts";
import {
  explainRejection,
  OffsetMap,
  planHotFunctions,
  readModule,
  readModuleImports,
  type RestoreStep,
  rewrite,
  type Rewritten,
  type RewriteOptions,
  type RewrittenLayout,
} from "../wasm/index.ts";
import type { CompileCache } from "./cache/index.ts";
import { tierUp } from "./hot-functions.ts";
import { ImportPlan } from "./import-plan.ts";

/** What compiling takes beside the bytes. */
export interface CompileOptions {
  /** Most memory in bytes, of all the module's memories together. */
  readonly memory?: number | undefined;
  /** Most elements of each table. */
  readonly tableElements?: number | undefined;
  /** Whether its code looks up once a slice, so that it can be ended and yields. */
  readonly checks?: boolean | undefined;
  /** Whether it gets functions that put its state back; `omit` leaves steps out, for tests. */
  readonly restore?: boolean | { readonly omit: readonly RestoreStep[] } | undefined;
  /** Whether functions with loops that are entered once are found, to be optimised before they run. */
  readonly hotFunctions?: boolean | undefined;
  /** How messages call the file. */
  readonly name?: string | undefined;
  /** Where rewritten modules are kept. */
  readonly cache?: CompileCache | undefined;
  /** What `fstat` said of the file before the bytes were read from it, so that the cache knows them without a digest. */
  readonly file?: BigIntStats | undefined;
}

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
  /** Names of the functions that it exports itself. */
  readonly functionNames: (exports: WebAssembly.Exports) => string[];
}

const pageSize = 65_536;
/** Part of each key of the cache: what another version of the rewriter wrote is not read. */
const rewriterVersion = "1";

/**
 * Compiles a core module.
 *
 * @throws GUEST_NOT_RUNNABLE where the bytes are no core module or V8 refuses them, LIMIT_MEMORY and LIMIT_TABLE where the module
 *   begins with more than it may have
 */
export function compileGuest(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions = {}): GuestModule {
  const name = options.name ?? "module";
  try {
    const rewritten = rewriteFor(bytes, options);
    const module = new WebAssembly.Module(rewritten.bytes);
    return guestModuleOf(bytes, { module, rewritten, name });
  } catch (error) {
    throw explainFailure(bytes, name, error);
  }
}

/** A module that was compiled, here or in another thread. */
export function guestModuleOf(
  bytes: Uint8Array<ArrayBuffer>,
  { module, rewritten, name }: { module: WebAssembly.Module; rewritten: Rewritten; name: string },
): GuestModule {
  const { layout, offsets, bytes: code } = rewritten;
  let plan: ImportPlan | undefined;
  let isPrepared = layout.functions.length === 0;
  return {
    module,
    layout,
    name,
    bytes,
    code,
    offsets,
    importPlan: () => (plan ??= new ImportPlan(readModuleImports(bytes), name)),
    originalOffset: (offset) => offsets.original(offset),
    prepare(exports) {
      if (isPrepared) return;
      isPrepared = true;
      tierUp(
        exports,
        layout.functions.map(({ name: exported }) => exported),
      );
    },
    functionNames: (exports) =>
      Object.keys(exports).filter(
        (key) => typeof exports[key] === "function" && !key.startsWith(`${layout.namespace}/`),
      ),
  };
}

/** What rewriting is asked for; nothing where the module runs as it is. */
function rewriteOptionsOf(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions): RewriteOptions {
  const { memory, tableElements, checks, restore } = options;
  // A module with several memories shares the limit out evenly.
  const count = memory === undefined ? 1 : Math.max(1, readModule(bytes).memories.length);
  const hot = options.hotFunctions === true ? planHotFunctions(bytes) : [];
  return {
    ...(memory === undefined ? {} : { maxPages: Math.floor(memory / pageSize / count) }),
    ...(tableElements === undefined ? {} : { maxElements: tableElements }),
    ...(checks === true ? { checks } : {}),
    ...(restore === undefined || restore === false ? {} : { restore }),
    ...(hot.length === 0 ? {} : { exportFunctions: hot }),
  };
}

function rewriteFor(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions): Rewritten {
  const { memory, tableElements, checks, restore, hotFunctions, cache, file } = options;
  const wanted = { memory, tableElements, checks, restore, hotFunctions };
  const isPlain = Object.values(wanted).every((each) => each === undefined || each === false);
  if (isPlain) return asItIs(bytes);
  const fresh = (): Rewritten => {
    // Before it is rewritten: what the rewriter adds lies behind the last of each index, and a module that names an index which
    // it does not have would reach it.
    if (!WebAssembly.validate(bytes)) return asItIs(bytes);
    return rewrite(bytes, rewriteOptionsOf(bytes, options));
  };
  if (cache === undefined) return fresh();
  const subject = { version: rewriterVersion, options: wanted };
  const known = file === undefined ? undefined : cache.keyOfFile(file, subject);
  const key = known ?? cache.keyOf(bytes, subject);
  if (key === undefined) return fresh();
  if (known === undefined && file !== undefined) cache.rememberFile(file, subject, key);
  const found = cache.get(key);
  // Where nothing had to change there is nothing to keep but that.
  if (found !== undefined) return { ...metaFrom(found.meta), bytes: found.bytes.length === 0 ? bytes : found.bytes };
  const made = fresh();
  const isUnchanged = made.bytes === bytes;
  cache.put(key, { bytes: isUnchanged ? new Uint8Array(0) : made.bytes, meta: metaOf(made) });
  return made;
}

/** A module that is not rewritten, or that V8 refuses: compiling it says why. */
function asItIs(bytes: Uint8Array<ArrayBuffer>): Rewritten {
  return { bytes, layout: { namespace: "sampan:engine", memories: [], functions: [] }, offsets: OffsetMap.identity() };
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
