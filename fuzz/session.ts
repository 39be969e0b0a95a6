import type { OffsetMap, RewrittenLayout } from "../src/wasm/index.ts";
import { isForScript, type Plan, typeOfFunction } from "./generate/plan.ts";
import type { Maxima } from "./generate/encode.ts";
import { isCallable } from "./generate/module.ts";
import { Random } from "./random.ts";
import { someArgument, scriptType, show } from "./values.ts";
import { functionType } from "./generate/plan.ts";
import { EngineSide } from "./engine-side.ts";

/** A module that runs as a session, and how offsets in it become those of the original. */
export interface Subject {
  readonly module: WebAssembly.Module;
  readonly original: (offset: number) => number;
  readonly layout?: RewrittenLayout;
}

/** What to run a module with. */
export interface SessionOptions {
  readonly plan: Plan;
  readonly seed: number;
  readonly maxima: Maxima;
}

/** A stack that is too deep ends at other places in a rewritten module. */
export class TooDeep extends Error {}

/** One instance of a module, with imports that answer the same each time, and a log of what it does. */
export class Session {
  readonly #plan: Plan;
  readonly #options: SessionOptions;
  readonly #subject: Subject;
  readonly engine: EngineSide | undefined;
  readonly #tags: (WebAssembly.Tag & WebAssembly.Global)[] = [];
  #log: string[] = [];
  #calls = 0;
  #isStarted = false;
  #exports: WebAssembly.Exports = {};

  constructor(options: SessionOptions, subject: Subject) {
    this.#plan = options.plan;
    this.#options = options;
    this.#subject = subject;
    this.engine = subject.layout === undefined ? undefined : new EngineSide(subject.layout);
  }

  /** Makes the instance and runs its start function; answers what happened and whether it can be called. */
  start(): { readonly outcome: string; readonly isAlive: boolean } {
    try {
      const imports = { ...this.#imports(), ...this.engine?.imports() };
      const instance = new WebAssembly.Instance(this.#subject.module, imports);
      this.#exports = instance.exports;
      this.engine?.attach(instance.exports);
      const start = this.#subject.layout?.start;
      if (start !== undefined) this.#function(start)();
      this.#isStarted = true;
      return { outcome: this.#flush("started"), isAlive: true };
    } catch (error) {
      return { outcome: this.#flush(this.#thrown(error)), isAlive: false };
    }
  }

  /** Calls the function that the number chooses, with arguments that it chooses; answers all that shows of it. */
  call(number: number): string {
    const random = new Random(this.#options.seed + number * 7919);
    const callable = this.#plan.functions.flatMap((each, index) =>
      !each.imported && isCallable(this.#plan, index) ? [index] : [],
    );
    const index = random.pick(callable);
    if (index === undefined) return "nothing to call";
    const functions = this.#plan.functions.map((_each, at) => this.#exports[`f${at}`]);
    const args = typeOfFunction(this.#plan, index).params.map((type) => someArgument(random, type, functions));
    this.#global("fuel").value = random.oneOf([0, 3, 40, 40, 100]);
    try {
      return this.#flush(`f${index}(${show(args)}) = ${show(this.#function(`f${index}`)(...args))}`);
    } catch (error) {
      return this.#flush(`f${index}(${show(args)}): ${this.#thrown(error)}`);
    }
  }

  /** Globals and tables as text; functions tell the globals that JavaScript cannot read. */
  state(): string {
    const { globals, tables, functions, types } = this.#plan;
    const parts = globals.map(({ type }, index) =>
      isForScript(this.#plan, type) ? `g${index}=${show(this.#global(`g${index}`).value)}` : "",
    );
    for (const index of tables.keys()) {
      const table = this.#exports[`t${index}`];
      if (table instanceof WebAssembly.Table) parts.push(`t${index}=${showTable(table)}`);
    }
    functions.forEach(({ type, body }, index) => {
      const isGetter = body.length === 1 && functionType({ types }, type).results.join() === "i64,i64";
      if (isGetter) parts.push(`v${index}=${show(this.#function(`f${index}`)())}`);
    });
    return parts.join(" ");
  }

  /** The number of elements of each table. */
  tableSizes(): number[] {
    return this.#plan.tables.map((_table, index) => {
      const table = this.#exports[`t${index}`];
      return table instanceof WebAssembly.Table ? Number(table.length) : NaN;
    });
  }

  /** How often the module was at a loop head or the entry of a function that makes calls. */
  ticks(): number {
    return Number(this.#global("ticks").value);
  }

  /** The bytes of each memory, to its size as the guest sees it. */
  memories(): Uint8Array[] {
    return this.#plan.memories.map((_memory, index) => {
      const memory = this.#exports[`m${index}`];
      if (!(memory instanceof WebAssembly.Memory)) throw new Error(`export m${index} is no memory`);
      const bytes = new Uint8Array(memory.buffer);
      const pages = this.engine?.pages(index);
      return pages === undefined ? bytes : bytes.subarray(0, pages * 65_536);
    });
  }

  /** Saves what the module and the engine put back. */
  save(): void {
    this.engine?.save();
    this.#calls = 0;
  }

  /** Puts the saved state back; answers false where the instance has to be thrown away. */
  restore(): boolean {
    this.#calls = 0;
    return this.engine?.restore() === true;
  }

  #function(name: string): (...args: unknown[]) => unknown {
    const item = this.#exports[name];
    if (typeof item !== "function") throw new Error(`export ${name} is no function`);
    return item as (...args: unknown[]) => unknown;
  }

  #global(name: string): WebAssembly.Global {
    const item = this.#exports[name];
    if (!(item instanceof WebAssembly.Global)) throw new Error(`export ${name} is no global`);
    return item;
  }

  #imports(): Record<string, WebAssembly.ModuleImports> {
    const { plan, maxima } = this.#options;
    const items: WebAssembly.ModuleImports = {};
    const random = new Random(this.#options.seed);
    plan.functions.forEach(({ imported }, index) => {
      if (imported) items[`f${index}`] = this.#import(index);
    });
    plan.tables.forEach(({ imported, min, max, is64, element }, index) => {
      if (!imported) return;
      const sizes = asSizes({ min, max, is64, limit: maxima.maxElements });
      items[`t${index}`] = new WebAssembly.Table({
        element: element === "ref null extern" ? "externref" : "anyfunc",
        ...sizes,
      });
    });
    plan.memories.forEach(({ imported, min, max, is64, shared }, index) => {
      if (imported)
        items[`m${index}`] = new WebAssembly.Memory({ shared, ...asSizes({ min, max, is64, limit: maxima.maxPages }) });
    });
    plan.globals.forEach(({ imported, type, mutable }, index) => {
      if (!imported) return;
      const value = someArgument(random, type, []);
      items[`g${index}`] = new WebAssembly.Global({ value: scriptType(type), mutable }, value);
    });
    plan.tags.forEach(({ imported, type }, index) => {
      if (!imported) return;
      const parameters = functionType(plan, type).params.map((each) => scriptType(each));
      items[`e${index}`] = this.#tags[index] ??= new WebAssembly.Tag({ parameters }) as WebAssembly.Tag &
        WebAssembly.Global;
    });
    return { [plan.importModule]: items };
  }

  /** A function that logs its calls, answers by their number and throws now and then. */
  #import(index: number): (...args: unknown[]) => unknown {
    const { results } = typeOfFunction(this.#plan, index);
    return (...args) => {
      this.#calls += 1;
      const random = new Random(this.#options.seed ^ (this.#calls * 31 + index));
      const where = random.chance(0.3) ? this.#frames(new Error().stack) : "";
      this.#log.push(`import ${index}${show(args)}${where}`);
      if (random.chance(0.04)) throw new Error(`import ${index} throws`);
      const values = results.map((type) => someArgument(random, type, []));
      return values.length > 1 ? values : values[0];
    };
  }

  #thrown(error: unknown): string {
    if (error instanceof WebAssembly.Exception) return this.#exception(error);
    if (!(error instanceof Error)) return `throws ${show(error)}`;
    if (error instanceof RangeError && /call stack/.test(error.message)) throw new TooDeep("a stack that is too deep");
    const message = error.message.replace(/^WebAssembly\.Instance\(\): /, "").replace(/ @\+\d+$/, "");
    return `${error.name}: ${message}${this.#frames(error.stack)}`;
  }

  #exception(error: WebAssembly.Exception): string {
    const { tags } = this.#plan;
    // The original's start function runs before its exports are there.
    if (!this.#isStarted) return "throws at its start";
    const index = tags.findIndex((_tag, at) => {
      const tag = this.#exports[`e${at}`];
      return tag instanceof WebAssembly.Tag && error.is(tag);
    });
    const tag = this.#exports[`e${index}`];
    if (!(tag instanceof WebAssembly.Tag)) return "throws an unknown tag";
    const { params } = functionType(this.#plan, tags[index]?.type ?? -1);
    return `throws e${index}(${params.map((_type, at) => show(error.getArg(tag, at))).join()})`;
  }

  /** The guest's own frames of a stack, by their offsets in the original. */
  #frames(stack = ""): string {
    const frames = stack.matchAll(/(?:at ([^\n]*) \(|at )wasm:[^\n]*wasm-function\[(\d+)\]:0x([0-9a-f]+)/g);
    const own = [...frames].filter((frame) => Number(frame[2]) < this.#plan.functions.length);
    return own
      .map(([, name, index, offset]) => {
        const shown = this.#plan.hasNames ? ` ${name ?? ""}` : "";
        return ` <${index}${shown}@${this.#subject.original(Number.parseInt(offset ?? "", 16))}`;
      })
      .join("");
  }

  #flush(outcome: string): string {
    const lines = [...this.#log, outcome];
    this.#log = [];
    return lines.join("\n");
  }
}

function showTable(table: WebAssembly.Table): string {
  const length = Number(table.length);
  // A table of 64-bit indices takes them as big integers.
  const is64 = typeof (table.length as unknown) === "bigint";
  const items = Array.from({ length: Math.min(length, 64) }, (_, at) => {
    try {
      return show(table.get((is64 ? BigInt(at) : at) as number));
    } catch (error) {
      return error instanceof Error ? error.message : "?";
    }
  });
  return `${length}[${items.join()}]`;
}

interface Sizes {
  readonly min: number;
  readonly max: number | undefined;
  readonly is64: boolean;
  readonly limit: number | undefined;
}

/** The sizes as the constructors of memories and tables take them: as big integers for 64-bit ones. */
function asSizes({ min, max, is64, limit }: Sizes): { initial: number; maximum?: number } {
  const most = limit === undefined ? max : Math.min(max ?? Infinity, limit);
  const size = (value: number): number => (is64 ? BigInt(value) : value) as number;
  const sizes = { initial: size(min), ...(most === undefined ? {} : { maximum: size(most) }) };
  return is64 ? Object.assign(sizes, { address: "i64" }) : sizes;
}

/** The offsets of an original. */
export const sameOffset = (offset: number): number => offset;

/** The offsets of a rewritten module. */
export const mappedBy =
  (offsets: OffsetMap) =>
  (offset: number): number =>
    offsets.original(offset);
