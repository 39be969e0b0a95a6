import { isDeepStrictEqual } from "node:util";
import type { ComponentFunctionType } from "../src/wasm/component/index.ts";
import { GuardedRuntime, type Makers, roundTrip, Trapped } from "../src/component/canonical/identity-fixture.ts";
import { flattenFunction, Layout } from "../src/component/canonical/layout.ts";
import { makeExport } from "../src/component/canonical/lift-export.ts";
import { makeImport } from "../src/component/canonical/lower-import.ts";
import type { CanonicalShape } from "../src/component/canonical/runtime.ts";
import { anyIdentity, anyValue, isSmall } from "../src/component/canonical/values-arbitrary.ts";
import type { Finding } from "./oracle.ts";
import { Random } from "./random.ts";

const encodings = ["utf8", "utf16", "latin1+utf16"] as const;
/** Share of inputs whose guest hands out core values and memory at random. */
const hostileShare = 0.5;
const areaStart = 64;

/** What came of one type with values, or with hostile memory. */
export interface TriedValues {
  readonly seed: number;
  /** The type and the options as text. */
  readonly bytes: Uint8Array;
  readonly isAccepted: boolean;
  readonly finding: Finding | undefined;
}

/**
 * Puts values of a random type through a guest, or lets a guest hand out what it likes. Values come back as they were; what a
 * hostile guest hands out ends in a trap that the specification names or in values that fit their types, and nothing is written
 * outside of what the guest allocated.
 */
export function tryValues(seed: number, makers: Makers = { makeExport, makeImport }): TriedValues {
  const random = new Random(seed);
  let type = anyIdentity(random);
  while (!isSmall(type)) type = anyIdentity(random);
  const shape: CanonicalShape = {
    stringEncoding: random.oneOf(encodings),
    memoryIs64: random.chance(0.2),
    mode: "sync",
  };
  const bytes = new TextEncoder().encode(JSON.stringify({ type, shape }));
  const attempt = { type, shape, random, makers };
  const isHostile = random.chance(hostileShare);
  try {
    return { seed, bytes, isAccepted: true, finding: (isHostile ? tryHostile : tryWhole)(attempt) };
  } catch (error) {
    const isAccepted = false;
    if (isHostile && error instanceof Trapped) return { seed, bytes, isAccepted, finding: undefined };
    const detail = `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n${JSON.stringify({ type, shape })}`;
    return { seed, bytes, isAccepted, finding: { sort: "a value ends in an error", detail } };
  }
}

interface Attempt {
  readonly type: ComponentFunctionType;
  readonly shape: CanonicalShape;
  readonly random: Random;
  readonly makers: Makers;
}

function tryWhole({ type, shape, random, makers }: Attempt): Finding | undefined {
  const values = type.params.map((param) => anyValue(random, param.type));
  const result = type.result === undefined ? undefined : anyValue(random, type.result);
  let seen: unknown[] = [];
  const host = (...given: unknown[]): unknown => {
    seen = given;
    return result;
  };
  const { call, check } = roundTrip(type, shape, host, makers);
  const answered = call(...values);
  check();
  if (isDeepStrictEqual(seen, values) && isDeepStrictEqual(answered, result)) return undefined;
  return { sort: "a value comes back as another", detail: JSON.stringify({ type, shape }) };
}

/** Calls an import with core values and memory at random; what is lifted is lowered again as the answer. */
function tryHostile({ type, shape, random, makers }: Attempt): Finding | undefined {
  const pointer = shape.memoryIs64 === true ? "i64" : "i32";
  const size = type.result === undefined ? 0 : new Layout(pointer).sizeOf(type.result);
  const runtime = new GuardedRuntime(areaStart + size);
  fill(runtime.views.data, random);
  const before = runtime.views.u8.slice();
  const lowered = makers.makeImport({ ...type, result: undefined }, shape)(
    runtime,
    (...given: unknown[]) => (seen = given),
    "f",
  );
  let seen: unknown[] | undefined;
  const flat = flattenFunction({ ...type, result: undefined }, { direction: "lower", pointer });
  const cores = flat.params.map((core) => {
    if (core === "i64") return random.chance(0.7) ? BigInt(pointerLike(random)) : random.i64();
    if (core === "i32") return pointerLike(random);
    return core === "f32" ? Math.fround(random.float()) : random.float();
  });
  lowered(...(cores as never[]));
  if (!isDeepStrictEqual(runtime.views.u8, before))
    return { sort: "lifting writes memory", detail: JSON.stringify({ type }) };
  // What was lifted fits its type: a guest takes it.
  const again = roundTrip(type, shape, () => seen?.[0], makers);
  const answered = again.call(...(seen ?? []));
  again.check();
  if (isDeepStrictEqual(answered, seen?.[0])) return undefined;
  return { sort: "a lifted value comes back as another", detail: JSON.stringify({ type, shape }) };
}

/** Numbers that a guest may take for pointers and lengths: mostly small and aligned, some at the edges. */
function pointerLike(random: Random): number {
  if (random.chance(0.4)) return random.below(4);
  if (random.chance(0.8)) return 8 * random.below(512);
  return random.i32();
}

function fill(data: DataView, random: Random): void {
  for (let at = 0; at < 8192; at += 4) data.setUint32(at, random.chance(0.3) ? 0 : pointerLike(random), true);
}
