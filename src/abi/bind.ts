/** A core Wasm value type of a guest call's parameter. */
export type CoreType = "i32" | "i64";

/**
 * How a parameter crosses from the guest: the core values it is made of and the JavaScript expression that lifts them. The
 * expression names the core values `$0`, `$1` and the call's context `c`; bind() puts it into the generated function.
 */
export interface Parameter<T> {
  readonly core: readonly CoreType[];
  readonly lift: string;
  /** The value as a trace line writes it. */
  show(value: T): string;
}

/** How a result is written to where the guest's trailing pointer parameters say. */
export interface Result<C, T> {
  readonly pointers: 1 | 2;
  lower(context: C, value: T, at: number, secondAt: number): void;
  show(value: T): string;
}

/** A parameter with the name that the specification gives it. */
export type NamedParameter = readonly [name: string, parameter: Parameter<never>];

type Lifted<P extends readonly NamedParameter[]> = {
  -readonly [K in keyof P]: P[K] extends readonly [string, { show(value: infer T): string }] ? T : never;
};

/** One guest call: what it takes, gives and does, and what docs print of it. */
export interface CallRow<C> {
  readonly params: readonly NamedParameter[];
  readonly result: Result<C, never> | undefined;
  readonly run: (context: C, ...args: never[]) => unknown;
  readonly docs: CallDocs;
  /** Set for a call that never returns: its core function has no result, where others answer an error number. */
  readonly endsGuest: boolean;
  /** Whether the host may have to wait: an instance that is bound async suspends its guest there. */
  readonly mayWait: boolean;
  /** Set where the result counts bytes that came into the guest or went out of it. */
  readonly moves: "in" | "out" | undefined;
}

/** What the generated table of calls says. */
export interface CallDocs {
  readonly effect: string;
  /** Errors that the call itself produces, beside those of the system. */
  readonly errors: readonly string[];
  /** What happens where Node or the system cannot do the thing. */
  readonly instead?: string;
}

/** Guest calls by the name under which they are imported. */
export type CallTable<C> = Readonly<Record<string, CallRow<C>>>;

/** Makes a row whose function is checked against its parameters and its result. */
export function call<C, const P extends readonly NamedParameter[], R = void>(
  docs: CallDocs,
  row: {
    params: P;
    result?: Result<C, R>;
    endsGuest?: boolean;
    mayWait?: boolean;
    moves?: R extends number ? "in" | "out" : never;
    run: (context: C, ...args: Lifted<P>) => R | Promise<R>;
  },
): CallRow<C> {
  return {
    docs,
    endsGuest: row.endsGuest ?? false,
    mayWait: row.mayWait ?? false,
    moves: row.moves,
    params: row.params,
    result: row.result as Result<C, never> | undefined,
    run: row.run as (context: C, ...args: never[]) => unknown,
  };
}

/** What a bound call needs of its instance. */
export interface CallContext {
  /** The one place where a throw becomes the ABI's error number; throws on where the guest ends. */
  fail(error: unknown): number;
  /** The ABI's name of an error, for a trace line; undefined where the guest ends. */
  nameOfError(error: unknown): string | undefined;
  /** Where calls and bytes are counted. */
  readonly meter: CallMeter;
  /**
   * Suspends the guest until a host operation is over: `finish` then lowers what it answered, `fail` meets what it threw.
   * What the two answer is the call's result.
   */
  suspend<T>(waited: Promise<T>, finish: (value: T) => number, fail: (error: unknown) => number): Promise<number>;
}

/** What bound calls count: themselves, and the bytes that reads and writes move. */
export interface CallMeter {
  calls: number;
  bytesIn: number;
  bytesOut: number;
}

/** Writes one line for each guest call. */
export type Trace = (line: string) => void;

/** How an instance is bound: `sync` may block its thread, `async` suspends the guest where a host operation waits. */
export type BindMode = "sync" | "async";

/** {@link BindMode}, or `answer`: functions for JavaScript to call, which answer a promise where `async` would suspend the guest. */
export type CallMode = BindMode | "answer";

/** Core parameter types of a row, trailing result pointers included. */
export function coreParameters<C>(row: CallRow<C>): CoreType[] {
  const types = row.params.flatMap(([, parameter]) => [...parameter.core]);
  for (let i = 0; i < (row.result?.pointers ?? 0); i++) types.push("i32");
  return types;
}

/** Core result types of a row. */
export function coreResults<C>(row: CallRow<C>): CoreType[] {
  return row.endsGuest ? [] : ["i32"];
}

/**
 * A row under the name that it is imported by. A module may import one name with several types, though JavaScript gives it one
 * function: then further rows follow, told apart by how many parameters they have.
 */
export type NamedRow<C> = readonly [name: string, row: CallRow<C>, ...others: CallRow<C>[]];

/** Binds the rows of a plan to an instance, in the plan's order. */
export type BindPlan<C> = (context: C, trace?: Trace) => WebAssembly.ImportValue[];

/**
 * Generates the functions that a guest imports for some rows, all in one piece of code: made once for a module, so that an
 * instance costs one closure for each call. In mode `async` the rows that may wait, and no others, are `Suspending`.
 */
export function planCalls<C extends CallContext>(
  rows: readonly NamedRow<C>[],
  { mode = "sync", isTraced = false }: { mode?: CallMode; isTraced?: boolean } = {},
): BindPlan<C> {
  const table = rows.flatMap(([, ...versions]) => versions);
  let index = 0;
  const codes = rows.map(([name, ...versions]) =>
    versions.map((row) => codeOf(name, row, { mode, isTraced, index: index++ })),
  );
  const code = `
    ${codes.map((versions) => versions.map(({ once }) => once).join("\n")).join("\n")}
    return (c, trace) => { const m = c.meter; return [${codes.map(boundOf).join(",\n")}]; };`;
  // oxlint-disable-next-line typescript/no-implied-eval -- code is made from rows of ours alone, never from a guest
  const make = new Function("rows", "Suspending", "unwanted", code) as (
    rows: readonly CallRow<C>[],
    Suspending: typeof WebAssembly.Suspending,
    unwanted: typeof refusePromise,
  ) => BindPlan<C>;
  return make(table, WebAssembly.Suspending, refusePromise);
}

/** The function that a guest imports for one row. */
export function bindCall<C extends CallContext>(
  name: string,
  row: CallRow<C>,
  { context, mode = "sync", trace }: { context: C; mode?: BindMode; trace?: Trace | undefined },
): WebAssembly.ImportValue {
  const [bound] = planCalls([[name, row]], { mode, isTraced: trace !== undefined })(context, trace);
  if (bound === undefined) throw new TypeError(`No function was made for "${name}"`);
  return bound;
}

/** What an operation comes to that answers a promise where its call cannot wait. */
function refusePromise(name: string, answer: Promise<unknown>, row: CallRow<never>): never {
  answer.catch(() => {});
  if (!row.mayWait) throw new TypeError(`"${name}" answered a promise, though its row says that it never waits`);
  throw new TypeError(`"${name}" waited in an instance that is bound sync, whose host has to block the thread`);
}

interface CodeOptions {
  readonly mode: CallMode;
  readonly isTraced: boolean;
  /** Place of the row in the plan. */
  readonly index: number;
}

/** A row's code: what its instances share, and the expression that makes one instance's function of it, `c`, `m` and `trace`. */
interface RowCode {
  readonly once: string;
  readonly made: string;
  readonly parameters: number;
  readonly suspends: boolean;
}

/** The expression of what a guest imports: one function, which tells versions by the number of arguments that it is called with. */
function boundOf(versions: readonly RowCode[]): string {
  const names = versions.map((_, at) => `f${at}`);
  const chosen = versions
    .slice(1)
    .map(({ parameters }, at) => `a.length === ${parameters} ? f${at + 1}(...a) : `)
    .join("");
  const made = versions.map((each) => each.made).join(", ");
  const bound = versions.length === 1 ? made : `((${names.join(", ")}) => (...a) => ${chosen}f0(...a))(${made})`;
  return versions.some(({ suspends }) => suspends) ? `new Suspending(${bound})` : bound;
}

function codeOf<C>(name: string, row: CallRow<C>, { mode, isTraced, index: n }: CodeOptions): RowCode {
  const core = coreParameters(row).map((_, at) => `a${at}`);
  let used = 0;
  const lifts = row.params.map(([, parameter]) => {
    const slots = parameter.core.map(() => core[used++] ?? "");
    return parameter.lift.replace(/\$(\d)/g, (_, digit: string) => slots[Number(digit)] ?? "");
  });
  const pointers = core.slice(used).map((slot) => `${slot} >>> 0`);
  const places = pointers.map((_, at) => `p${at}`);
  const values = lifts.map((_, at) => `v${at}`);
  const shows = row.params.map(([label], at) => `shown.push("${label}=" + shows${n}[${at}](v${at}));`);
  const lifting = lifts.map((lift, at) => `const v${at} = ${lift}; ${isTraced ? shows[at] : ""}`).join("\n");
  const finish = (to: readonly string[]): string => `
    ${row.result === undefined ? "" : `lower${n}(${["c", "r", ...to].join(", ")});`}
    ${row.moves === undefined ? "" : `c.meter.${row.moves === "in" ? "bytesIn" : "bytesOut"} += r;`}
    ${isTraced ? "done(r);" : ""}
    return 0;`;
  const caught = isTraced ? "fail(e)" : "c.fail(e)";
  const waitsElsewhere = mode !== "sync" && row.mayWait;
  const suspends = mode === "async" && row.mayWait;
  const waits = waitsElsewhere
    ? `return wait${n}(${["c", "r", isTraced ? "done, fail" : "undefined, undefined", ...pointers].join(", ")});`
    : `unwanted("${name}", r, row${n});`;
  const tracing = `
    const shown = [];
    const line = (end) => trace("${name}(" + shown.join(",") + ")" + end);
    const done = (r) => line(" -> " + (showResult${n} === undefined ? "ok" : showResult${n}(r)));
    const fail = (e) => { const n = c.nameOfError(e); line(n === undefined ? "" : " -> " + n); return c.fail(e); };`;
  // What waits has closures of its own, apart from the function that is called: there they would cost each call.
  const wait = `
    const wait${n} = (${["c", "waited", "done, fail", ...places].join(", ")}) =>
      c.suspend(waited, (r) => { ${finish(places)} }, ${isTraced ? "fail" : "(e) => c.fail(e)"});`;
  return {
    once: `
      const row${n} = rows[${n}], run${n} = row${n}.run, lower${n} = row${n}.result?.lower;
      ${isTraced ? `const shows${n} = row${n}.params.map(([, p]) => p.show), showResult${n} = row${n}.result?.show;` : ""}
      ${waitsElsewhere ? wait : ""}`,
    parameters: core.length,
    suspends,
    made: `function ${name}(${core.join(", ")}) {
      m.calls++;
      ${isTraced ? tracing : ""}
      try {
        ${lifting}
        const r = run${n}(${["c", ...values].join(", ")});
        if (typeof r === "object" && r instanceof Promise) ${waits}
        ${finish(pointers).replaceAll("c.meter", "m")}
      } catch (e) { return ${caught}; }
    }`,
  };
}
