import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import {
  alignTo,
  type FlatFunction,
  flattenFunction,
  functionKey,
  Layout,
  partsOf,
  resourcesOf,
} from "../canonical/layout.ts";
import type { CanonicalShape } from "../canonical/runtime.ts";
import type { CodeWriter, Local } from "./code-writer.ts";
import { ModuleWriter } from "./module-writer.ts";
import { type Place, ValueWriter } from "./values.ts";
import {
  allocator,
  checkAlignment,
  checkBounds,
  mayLeaveBit,
  setLeave,
  type Side,
  trapIf,
  trapNow,
  type Way,
} from "./way.ts";

/** One of the two instances of a call: how it sees the function, and what its canonical options name. */
export interface AdapterSide {
  readonly type: ComponentFunctionType;
  /** Of a memory of 32-bit addresses. */
  readonly shape: CanonicalShape;
  readonly hasMemory: boolean;
  readonly hasRealloc: boolean;
}

/** What an adapter is compiled for. */
export interface AdapterOptions {
  readonly caller: AdapterSide;
  readonly callee: AdapterSide & { readonly hasPostReturn: boolean };
  /** How many instances the call enters. */
  readonly enters: number;
  /** Whether the callee has a task of its own for the call. */
  readonly needsTask: boolean;
}

/** The bit of an instance's flags that says whether others may call into it. */
const mayEnterBit = 2;

/** The first kind of the async part of the canonical ABI among a function's values, which no adapter carries. */
export function asyncKindOf(type: ComponentFunctionType): "stream" | "future" | "error-context" | undefined {
  const seen = new Set<ComponentValueType | undefined>([undefined]);
  const pending = [...type.params.map((param) => param.type), type.result];
  for (let each = pending.pop(); each !== undefined || pending.length > 0; each = pending.pop()) {
    if (each === undefined || seen.has(each)) continue;
    seen.add(each);
    if (each.kind === "stream" || each.kind === "future" || each.kind === "error-context") return each.kind;
    pending.push(...partsOf(each));
  }
  return undefined;
}

/** A text that is the same for adapters that are the same. */
export function adapterKey({ caller, callee, enters, needsTask }: AdapterOptions): string {
  const parts = [caller.hasMemory, caller.hasRealloc, callee.hasMemory, callee.hasRealloc, callee.hasPostReturn];
  return `${functionKey(caller.type, caller.shape)} ${callee.shape.stringEncoding} ${parts.join()} ${enters} ${needsTask}`;
}

/**
 * Compiles a call from one instance of a component to another into a core module that exports `call`, with no frame of JavaScript's between, so that
 * the callee may wait: arguments are lifted from the caller and lowered into the callee in one step, results the other way
 * (component model, Canonical ABI: canon lower, canon lift).
 *
 * Its imports, each function a leaf or code of the guest's: `callee`, `post-return`; `caller-memory`, `callee-memory`;
 * `caller-realloc`, `callee-realloc`; `caller-flags`, `callee-flags` and `enter-0` … are mutable i32 globals (bit 0: may leave,
 * bit 1: may enter); `begin` and `end` stand around the call where the callee has a task of its own; `transfer-own`,
 * `transfer-borrow` and `transfer-own-back` carry a handle (slot in the resource types of the caller's function type, handle →
 * handle); `trap` (position in {@link adapterTraps}, 0 for the caller's fault and 1 for the callee's) ends the guest.
 */
export function compileAdapter(options: AdapterOptions): Uint8Array<ArrayBuffer> {
  const module = new ModuleWriter();
  return module.finish(new CallWriter(module, options).write());
}

class CallWriter {
  readonly #module: ModuleWriter;
  readonly #options: AdapterOptions;
  readonly #layout = new Layout();
  readonly #values: ValueWriter;
  readonly #inner: FlatFunction;
  readonly #outer: FlatFunction;
  readonly #callee: number;
  readonly #postReturn: number | undefined;
  readonly #begin: number | undefined;
  readonly #end: number | undefined;
  readonly #enters: readonly number[];
  readonly #in: Way;
  readonly #out: Way;

  constructor(module: ModuleWriter, options: AdapterOptions) {
    const { caller, callee, enters, needsTask } = options;
    this.#module = module;
    this.#options = options;
    const resources = resourcesOf(caller.type);
    this.#values = new ValueWriter(this.#layout, ({ resource }) => resources.indexOf(resource));
    this.#outer = flattenFunction(caller.type, { direction: "lower" });
    this.#inner = flattenFunction(caller.type, { direction: "lift" });
    const trap = module.importFunction("trap", { params: ["i32", "i32"], results: [] });
    this.#callee = module.importFunction("callee", this.#inner);
    if (callee.hasPostReturn)
      this.#postReturn = module.importFunction("post-return", { params: this.#inner.results, results: [] });
    if (needsTask) {
      this.#begin = module.importFunction("begin", { params: [], results: [] });
      this.#end = module.importFunction("end", { params: [], results: [] });
    }
    const transferOf = (name: string): number =>
      resources.length === 0 ? -1 : module.importFunction(name, { params: ["i32", "i32"], results: ["i32"] });
    const transferOwn = transferOf("transfer-own");
    const transferBorrow = transferOf("transfer-borrow");
    const transferBack = transferOf("transfer-own-back");
    const [from, to] = [sideOf(module, 0, "caller", caller), sideOf(module, 1, "callee", callee)];
    this.#enters = Array.from({ length: enters }, (_, at) => module.importGlobal(`enter-${at}`));
    this.#in = { name: "in", module, from, to, trap, transferOwn, transferBorrow };
    this.#out = { name: "out", module, from: to, to: from, trap, transferOwn: transferBack, transferBorrow: -1 };
  }

  /** Writes the function and answers its index. */
  write(): number {
    return this.#module.functionOf("call", this.#outer, (code) => {
      code.block(() => code.tryAll(() => this.#body(code)));
      trapNow(code, this.#out, "uncaught-exception");
    });
  }

  #body(code: CodeWriter): void {
    this.#enter(code);
    if (this.#begin !== undefined) code.call(this.#begin);
    const given = this.#arguments(code);
    const answered = this.#inner.results.map((type) => code.local(type));
    code.do(...given).call(this.#callee);
    for (const each of answered.toReversed()) code.set(each);
    const results = this.#results(code, answered);
    if (this.#postReturn !== undefined) {
      const { to } = this.#in;
      setLeave(code, to, false);
      code.do(...answered).call(this.#postReturn);
      setLeave(code, to, true);
    }
    if (this.#end !== undefined) code.call(this.#end);
    for (const flags of this.#enters) code.global("get", flags).do(mayEnterBit, "i32.or").global("set", flags);
    code.do(...results, "return");
  }

  /** Traps where the caller must not call out or the callee must not be called. */
  #enter(code: CodeWriter): void {
    code.global("get", this.#in.from.flags).do(mayLeaveBit, "i32.and", "i32.eqz");
    trapIf(code, this.#in, "cannot-leave");
    for (const flags of this.#enters) {
      code.global("get", flags).do(mayEnterBit, "i32.and", "i32.eqz");
      trapIf(code, this.#in, "cannot-enter", this.#in.to);
      code.global("get", flags).do(~mayEnterBit, "i32.and").global("set", flags);
    }
  }

  #arguments(code: CodeWriter): readonly Local[] {
    const types = this.#options.caller.type.params.map((param) => param.type);
    if (!this.#outer.spillsParams) return this.#flatAll(code, types);
    const way = this.#in;
    const from = code.params[0] as Local;
    const offsets = this.#layout.offsetsOf(types);
    const alignment = Math.max(...types.map((type) => this.#layout.alignmentOf(type)));
    const last = types.at(-1);
    const end = (offsets.at(-1) ?? 0) + (last === undefined ? 0 : this.#layout.sizeOf(last));
    const size = alignTo(end, alignment);
    const to = code.local();
    checkAlignment(code, way, from, alignment);
    checkBounds(code, way, { at: from, bytes: size, reason: "pointer-out-of-bounds" });
    code.do(0, 0, alignment, size).call(allocator(way, "pointer")).set(to);
    for (const [index, type] of types.entries()) {
      const offset = offsets[index] ?? 0;
      this.#values.copy(code, way, type, [
        { at: from, offset },
        { at: to, offset },
      ]);
    }
    return [to];
  }

  #flatAll(code: CodeWriter, types: readonly ComponentValueType[]): readonly Local[] {
    let at = 0;
    return types.flatMap((type) => {
      const count = this.#layout.flatten(type)?.length ?? 0;
      at += count;
      return this.#values.flat(code, this.#in, type, code.params.slice(at - count, at));
    });
  }

  /** Carries the result; answers the core values that the caller gets. */
  #results(code: CodeWriter, answered: readonly Local[]): readonly Local[] {
    const { result } = this.#options.caller.type;
    const way = this.#out;
    if (result === undefined) return [];
    if (!this.#outer.spillsResult) return this.#values.flat(code, way, result, answered);
    const [size, alignment] = [this.#layout.sizeOf(result), this.#layout.alignmentOf(result)];
    const from: Place = { at: answered[0] as Local, offset: 0 };
    const to: Place = { at: code.params.at(-1) as Local, offset: 0 };
    checkAlignment(code, way, from.at, alignment);
    checkBounds(code, way, { at: from.at, bytes: size, reason: "pointer-out-of-bounds" });
    // Where the caller wants the result is its own word.
    checkAlignment(code, this.#in, to.at, alignment);
    checkBounds(code, this.#in, { at: to.at, bytes: size, reason: "pointer-out-of-bounds" });
    this.#values.copy(code, way, result, [from, to]);
    return [];
  }
}

function sideOf(
  module: ModuleWriter,
  number: 0 | 1,
  name: "caller" | "callee",
  { shape, hasMemory, hasRealloc }: AdapterSide,
): Side {
  const type = { params: ["i32", "i32", "i32", "i32"], results: ["i32"] } as const;
  return {
    number,
    encoding: shape.stringEncoding,
    memory: hasMemory ? module.importMemory(`${name}-memory`) : undefined,
    realloc: hasRealloc ? module.importFunction(`${name}-realloc`, type) : undefined,
    flags: module.importGlobal(`${name}-flags`),
  };
}
