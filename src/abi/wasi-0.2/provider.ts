import { SampanError } from "../../base/index.ts";
import type { ComponentFunctionType } from "../../wasm/component/index.ts";
import type { Wasi02Context } from "./context.ts";
import { draftInterfaces } from "./drafts/interfaces.ts";
import { wasi02Interfaces } from "./interfaces.ts";
import type { Wasi02Interface, Wasi02Row } from "./row.ts";

/** A function of one instance, for a component to import. */
export interface Wasi02Function {
  readonly call: (...values: never[]) => unknown;
  readonly mayWait: boolean;
  /** Whether bytes may be handed to it as views of the guest's memory. */
  readonly takesViews: boolean;
}

/**
 * Finds a function by the names of its interface, with any version of WASI 0.2 or exactly that of a draft, and its own, and by the
 * type that the component has for it.
 *
 * @throws COMPONENT_FEATURE_OFF
 */
export type Wasi02Provider = (
  interfaceName: string | undefined,
  functionName: string,
  type?: ComponentFunctionType,
) => Wasi02Function | undefined;

/** The name without its version, where that is one of WASI 0.2; pre-releases of it had other functions. */
const versioned = /^(wasi:[^@]+)@0\.2\.\d+(?:\+.*)?$/;

/** The row that a component means, undefined where there is none. */
export function findWasi02(interfaceName: string, functionName: string): Wasi02Row | undefined {
  const itsInterface = interfaceOf(interfaceName);
  return itsInterface && rowOf(itsInterface, functionName);
}

function rowOf({ rows }: Wasi02Interface, functionName: string): Wasi02Row | undefined {
  return Object.hasOwn(rows, functionName) ? rows[functionName] : undefined;
}

function interfaceOf(name: string): Wasi02Interface | undefined {
  if (Object.hasOwn(draftInterfaces, name)) return draftInterfaces[name];
  const known = versioned.exec(name)?.[1] ?? "";
  return Object.hasOwn(wasi02Interfaces, known) ? wasi02Interfaces[known] : undefined;
}

/** Where the functions of one instance find their state; another for each use of an instance that is used again. */
export interface Wasi02Place {
  readonly context: Wasi02Context;
}

/** What one instance of a component gets of WASI 0.2. */
export function createWasi02(place: Wasi02Place): Wasi02Provider {
  const { features, trace } = place.context;
  // Functions of one interface are asked for one after the other.
  let last: string | undefined;
  let itsInterface: Wasi02Interface | undefined;
  return (interfaceName = "", functionName, type) => {
    if (last !== interfaceName) itsInterface = interfaceOf((last = interfaceName));
    const row = itsInterface && rowOf(itsInterface, functionName);
    if (itsInterface === undefined || row === undefined) return undefined;
    const { feature, mayWait = false, takesViews = false } = row;
    const name = `${interfaceName}#${functionName}`;
    if (feature !== undefined && !features.has(feature)) throw featureOff(name, feature);
    const run = row.runFor?.(type) ?? row.run;
    const call = bound(place, { run, itsInterface, name });
    return { call: trace === undefined ? call : traced(call, name, trace), mayWait, takesViews };
  };
}

type Call = (...values: never[]) => unknown;

function bound(
  place: Wasi02Place,
  { run, itsInterface, name }: { run: Wasi02Row["run"]; itsInterface: Wasi02Interface; name: string },
): Call {
  const fail = (context: Wasi02Context, error: unknown): never => {
    throw context.errorOf(error, itsInterface, name);
  };
  return (...values) => {
    const { context } = place;
    try {
      const value = run(context, ...values);
      return value instanceof Promise ? value.catch((error: unknown) => fail(context, error)) : value;
    } catch (error) {
      return fail(context, error);
    }
  };
}

function featureOff(name: string, feature: string): SampanError {
  const message = `Cannot give a component "${name}": its package marks it unstable`;
  return new SampanError("COMPONENT_FEATURE_OFF", message, {
    hint: `allow it with --feature ${feature}`,
    data: { feature },
  });
}

function traced(call: Call, name: string, trace: (line: string) => void): Call {
  return (...values) => {
    const line = `${name.replace(/@[\d.]+#/, "#")}(${values.map(shown).join(", ")})`;
    const failed = (error: unknown): never => {
      const payload = error instanceof Error && "payload" in error ? shown(error.payload) : "ends the guest";
      trace(`${line} = ${payload}`);
      throw error;
    };
    try {
      const value = call(...values);
      if (!(value instanceof Promise)) {
        trace(`${line} = ${shown(value)}`);
        return value;
      }
      return value.then((answer: unknown) => {
        trace(`${line} = ${shown(answer)}`);
        return answer;
      }, failed);
    } catch (error) {
      return failed(error);
    }
  };
}

const longest = 120;

/** A value as a trace line has it. */
function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "bigint") return String(value);
  if (value === undefined) return "none";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(shown).join(", ").slice(0, longest)}]`;
  const { constructor } = value;
  if (constructor !== Object && constructor !== undefined) return `<${constructor.name}>`;
  const fields = Object.entries(value).map(([key, each]) => `${key}: ${shown(each)}`);
  return `{${fields.join(", ").slice(0, longest)}}`;
}
