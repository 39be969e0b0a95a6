import {
  InputStream,
  inputStreamOf,
  OutputStream,
  outputStreamOf,
  type Wasi02Context,
  webFromInput,
  webFromOutput,
} from "../../abi/index.ts";
import {
  ComponentError,
  type ExportedFunction,
  type HostFunction,
  type LinkPlan,
  resourcesOf,
} from "../../component/index.ts";
import { lentSinkFor, sinkFor, sourceFor } from "../../host/index.ts";
import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { type Convert, type ConvertHandle, converterOf } from "./value-converter.ts";

type Handle = Extract<ComponentValueType, { readonly kind: "own" | "borrow" }>;

/** What is made of a resource of `wasi:io/streams`, by its name and how it is passed. */
type ConvertStream = (name: string, passing: Handle["kind"]) => Convert | undefined;

/** The interface whose streams are converted, of any version of WASI 0.2. */
const streams = /^wasi:io\/streams@0\.2\.\d+(?:\+.*)?$/;

/** A type of function with the numbers of its resource types in the plan. */
interface TypedFunction {
  readonly type: ComponentFunctionType;
  readonly resources: readonly number[];
}

/**
 * What stands between functions of a component's and those of a program's: streams of WASI 0.2 (`wasi:io/streams`) are streams of
 * the Web's there, or anything that bytes come out of or go into, and errors are thrown as programs throw them.
 */
export class GuestStreams {
  readonly #place: { readonly context: Wasi02Context };
  readonly #plan: LinkPlan;
  /** What was made of a program's streams, so that the same one goes on where it was. */
  /** What the call that begins now lends the guest. */
  #lent: OutputStream[] = [];
  readonly #made = new WeakMap<object, InputStream | OutputStream>();

  /** `place` has the state of the instance's WASI, another for each use of it. */
  constructor(place: { readonly context: Wasi02Context }, plan: LinkPlan) {
    this.#place = place;
    this.#plan = plan;
  }

  /** A function that the component exports, as a program calls it. */
  ofExport(of: TypedFunction, call: ExportedFunction): ExportedFunction {
    const params = this.#converters(of, this.#toGuest);
    const result = this.#resultOf(of, this.#fromGuest);
    if (params === undefined && result === undefined) return call;
    const answered = result ?? ((value: unknown) => value);
    return (...args) => {
      const lent: OutputStream[] = [];
      const release = (): void => this.#release(lent);
      this.#lent = lent;
      let isLater = false;
      try {
        const value = call(...(params === undefined ? args : params(args)));
        isLater = value instanceof Promise;
        return value instanceof Promise ? value.then(answered).finally(release) : answered(value);
      } finally {
        if (!isLater) release();
      }
    };
  }

  /** Says that the guest has these no longer: streams of the Web's can be used again, or closed. */
  #release(lent: readonly OutputStream[]): void {
    for (const stream of lent) stream.close();
  }

  /** The functions that the component imports, of which those of a program's are converted. */
  ofImports(hosts: readonly HostFunction[]): readonly HostFunction[] {
    return hosts.map((host, at) => {
      const of = host.isGiven === true ? this.#plan.imports[at] : undefined;
      return of === undefined ? host : this.#ofImport(of, host);
    });
  }

  #ofImport(of: TypedFunction, host: HostFunction): HostFunction {
    const params = this.#converters(of, this.#fromGuest);
    const result = this.#resultOf(of, this.#toGuest);
    const fails = of.type.result?.kind === "result";
    if (params === undefined && result === undefined && !fails) return host;
    const { call } = host as { readonly call: (...args: readonly unknown[]) => unknown };
    const answered = result ?? ((value: unknown) => value);
    const failed = (error: unknown): never => {
      throw fails ? errorCase(error) : error;
    };
    const converted = (...args: readonly unknown[]): unknown => {
      try {
        const value = call(...(params === undefined ? args : params(args)));
        return isPromise(value) ? value.then(answered, failed) : answered(value);
      } catch (error) {
        return failed(error);
      }
    };
    return { ...host, call: converted };
  }

  #converters(
    of: TypedFunction,
    convert: ConvertStream,
  ): ((args: readonly unknown[]) => readonly unknown[]) | undefined {
    const handles = this.#handles(of, convert);
    if (handles === undefined) return undefined;
    const known = new Map();
    const all = of.type.params.map(({ type }) => converterOf(type, handles, known));
    if (all.every((each) => each === undefined)) return undefined;
    return (args) => args.map((each, at) => (all[at] === undefined ? each : all[at](each)));
  }

  /** At the outermost level the error case of a `result` is thrown, and what is answered is the other. */
  #resultOf(of: TypedFunction, convert: ConvertStream): Convert | undefined {
    const { result } = of.type;
    const handles = this.#handles(of, convert);
    return handles && converterOf(result?.kind === "result" ? result.ok : result, handles);
  }

  /** What is to be made of each handle that a function takes or answers; undefined where they all stay. */
  #handles({ type, resources }: TypedFunction, convert: ConvertStream): ConvertHandle | undefined {
    const names = resources.map((each) => {
      const planned = this.#plan.resources[each];
      const isStream = planned?.owner === undefined && streams.test(planned?.path[0] ?? "");
      return isStream ? (planned?.name ?? "") : "";
    });
    if (names.every((name) => name === "")) return undefined;
    const slots = resourcesOf(type);
    return ({ kind, resource }: Handle) => convert(names[slots.indexOf(resource)] ?? "", kind);
  }

  readonly #toGuest: ConvertStream = (name, passing) => {
    if (name === "input-stream") return (value) => this.#given(value, InputStream, sourceFor, inputStreamOf);
    if (name !== "output-stream") return undefined;
    if (passing === "borrow") return (value) => this.#lend(value);
    return (value) => this.#given(value, OutputStream, sinkFor, outputStreamOf);
  };

  /** An output-stream for one call. The guest's end is no end of the program's stream. */
  #lend(value: unknown): unknown {
    if (value instanceof OutputStream) return value;
    const known = typeof value === "object" && value !== null ? this.#made.get(value) : undefined;
    if (known instanceof OutputStream) return known;
    const sink = lentSinkFor(value);
    if (sink === undefined) return value;
    const stream = outputStreamOf(this.#place.context, sink);
    this.#lent.push(stream);
    return stream;
  }

  readonly #fromGuest: ConvertStream = (name) => {
    if (name === "input-stream")
      return (value) => (value instanceof InputStream ? this.#kept(webFromInput(value), value) : value);
    if (name === "output-stream")
      return (value) => (value instanceof OutputStream ? this.#kept(webFromOutput(value), value) : value);
    return undefined;
  };

  #kept<T extends object>(web: T, stream: InputStream | OutputStream): T {
    this.#made.set(web, stream);
    return web;
  }

  /** What a guest gets for a program's stream; what is none goes on as it is, and is refused by its place. */
  #given<Stream extends InputStream | OutputStream, Channel>(
    value: unknown,
    its: abstract new (...args: never[]) => Stream,
    channelFor: (value: unknown) => Channel | undefined,
    make: (context: Wasi02Context, channel: Channel) => Stream,
  ): unknown {
    if (value instanceof its) return value;
    const known = typeof value === "object" && value !== null ? this.#made.get(value) : undefined;
    if (known instanceof its) return known;
    const channel = channelFor(value);
    if (channel === undefined) return value;
    const stream = make(this.#place.context, channel);
    if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) this.#made.set(value, stream);
    return stream;
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/**
 * The error case that a function of a program's means by what it throws: an error with a `payload` of its own, or what is no error
 * at all. Any other error is the program's, and ends the guest.
 */
export function errorCase(error: unknown): unknown {
  if (error instanceof ComponentError) return error;
  if (typeof error === "object" && error !== null && Object.hasOwn(error, "payload"))
    return new ComponentError((error as { readonly payload: unknown }).payload);
  return error instanceof Error ? error : new ComponentError(error);
}
