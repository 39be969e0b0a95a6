import { isDeepStrictEqual } from "node:util";
import { type AdapterOptions, compileAdapter } from "../src/component/adapters/compile-adapter.ts";
import { fusedRoundTrip, type FusedRoundTrip } from "../src/component/adapters/fused-fixture.ts";
import { Trapped } from "../src/component/canonical/identity-fixture.ts";
import { anyIdentity, anyValue, isSmall } from "../src/component/canonical/values-arbitrary.ts";
import type { ComponentFunctionType } from "../src/wasm/component/index.ts";
import type { Finding } from "./oracle.ts";
import { Random } from "./random.ts";

const encodings = ["utf8", "utf16", "latin1+utf16"] as const;
/** Share of inputs whose caller hands out core values and memory that are damaged. */
const damagedShare = 0.5;

/** What came of one call between two components. */
export interface TriedCall {
  readonly seed: number;
  /** What was called, for a finding. */
  readonly text: string;
  /** Whether the call came to its end, without a trap. */
  readonly isAccepted: boolean;
  readonly finding: Finding | undefined;
}

/** What compiles adapters; tests plant faults in one. */
export type AdapterCompiler = (options: AdapterOptions) => Uint8Array<ArrayBuffer>;

/**
 * Sends values of a type, both by the seed, through a fused pair of components, damaged or not: what is whole arrives as it was sent, and
 * what is damaged comes to what the host would lift from the same memory, the same values or the same trap.
 */
export function tryAdapter(seed: number, compile: AdapterCompiler = compileAdapter): TriedCall {
  const random = new Random(seed);
  const type = anyCall(random);
  const pair = [random.oneOf(encodings), random.oneOf(encodings)] as const;
  const text = `${pair.join(" → ")} ${JSON.stringify(type)}`;
  const values = type.params.map((param) => anyValue(random, param.type));
  const result = anyValue(random, type.result ?? { kind: "bool" });
  const run = new Run(result, (host) => fusedRoundTrip(type, { encodings: pair, compile, host }));
  const finding = random.chance(damagedShare) ? run.damaged(values, random) : run.whole(values);
  return { seed, text, isAccepted: run.isAccepted, finding };
}

/** A function whose values take little room, without handles: the pair's are moved when they are lifted. */
function anyCall(random: Random): ComponentFunctionType {
  for (;;) {
    const type = anyIdentity(random);
    if (!isSmall(type)) continue;
    // What is returned or thrown is no matter of adapters.
    return type.result?.kind === "result" ? { ...type, result: { kind: "tuple", types: [type.result] } } : type;
  }
}

/** What a call came to: the values that the host saw, or why the guest was ended. */
type Outcome = { readonly seen: readonly unknown[] } | { readonly reason: string } | { readonly error: unknown };

class Run {
  isAccepted = false;
  readonly #result: unknown;
  readonly #trip: FusedRoundTrip;
  #seen: readonly unknown[] | undefined;
  /** Whether the host ends the call as soon as it has its arguments. */
  #stops = false;

  constructor(result: unknown, make: (host: (...values: unknown[]) => unknown) => FusedRoundTrip) {
    this.#result = result;
    this.#trip = make((...given) => {
      this.#seen = given;
      if (this.#stops) throw stop;
      return result;
    });
  }

  whole(values: readonly unknown[]): Finding | undefined {
    const { caller, callee, reserved } = this.#trip;
    const answer = this.#trip.send(...values);
    this.isAccepted = true;
    if (!isDeepStrictEqual(this.#seen, values)) return different("arguments", this.#seen, values);
    if (!isDeepStrictEqual(answer, this.#result)) return different("results", answer, this.#result);
    return guards(() => {
      caller.checkGuards(reserved);
      callee.checkGuards(reserved);
    });
  }

  damaged(values: readonly unknown[], random: Random): Finding | undefined {
    const trip = this.#trip;
    let finding: Finding | undefined;
    trip.between = (...cores) => {
      finding = this.#compare(this.#damage(cores, random));
      throw stop;
    };
    try {
      trip.send(...values);
    } catch (error) {
      if (error !== stop) throw error;
    }
    return finding;
  }

  #compare(cores: readonly unknown[]): Finding | undefined {
    const trip = this.#trip;
    this.#stops = true;
    const byHost = this.#outcome(() => trip.liftByHost(...cores));
    this.#stops = false;
    const given = new Uint8Array(trip.caller.memory.buffer.slice(trip.reserved));
    const used = trip.caller.end - trip.reserved;
    const byAdapter = this.#outcome(() => trip.call(...cores));
    this.isAccepted = "seen" in byAdapter;
    if (!isDeepStrictEqual(byAdapter, byHost)) return different("outcomes", byAdapter, byHost);
    return guards(() => {
      trip.callee.checkGuards(trip.reserved);
      const left = new Uint8Array(trip.caller.memory.buffer, trip.reserved, used);
      if (Buffer.compare(left, given.subarray(0, used)) !== 0) throw new Error("The arguments have changed");
    });
  }

  /** Changes some of the core values, or of the bytes that they point at. */
  #damage(cores: readonly unknown[], random: Random): readonly unknown[] {
    const { caller, reserved, flat } = this.#trip;
    const given = [...cores];
    const bytes = new Uint8Array(caller.memory.buffer);
    // Where the caller wants the result is its own to say.
    const damageable = given.length - (flat.spillsResult ? 1 : 0);
    for (let count = 1 + random.below(4); count > 0; count--) {
      const at = random.below(damageable);
      if (caller.end === reserved || random.chance(0.3)) {
        if (flat.params[at] === "i64") given[at] = random.i64();
        if (flat.params[at] === "i32") given[at] = random.i32();
        continue;
      }
      const place = reserved + random.below(caller.end - reserved);
      bytes[place] = random.chance(0.5) ? random.below(256) : (bytes[place] ?? 0) ^ (1 << random.below(8));
    }
    return given;
  }

  #outcome(run: () => unknown): Outcome {
    this.#seen = undefined;
    try {
      run();
    } catch (error) {
      if (error instanceof Trapped) return { reason: error.reason };
      if (error !== stop) return { error };
    }
    return { seen: this.#seen ?? [] };
  }
}

/** Whether a byte was written that nobody had asked for. */
function guards(check: () => void): Finding | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return { sort: "bytes outside of what was allocated were written", detail: String(error) };
  }
}

const stop = new Error("The call was made");

function different(what: string, found: unknown, wanted: unknown): Finding {
  const shown = [found, wanted].map((each) => JSON.stringify(each, (_, value: unknown) => printed(value)));
  return { sort: `${what} differ`, detail: `${shown[0]}, wanted ${shown[1]}` };
}

function printed(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Error) return value.stack;
  return value instanceof Map ? [...value] : value;
}
