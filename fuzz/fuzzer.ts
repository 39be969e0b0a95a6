import type { rewrite } from "../src/wasm/index.ts";
import { encode } from "./generate/encode.ts";
import { generatePlan } from "./generate/module.ts";
import type { Plan } from "./generate/plan.ts";
import { mutate } from "./mutate.ts";
import { type Finding, judgeBytes, judgePlan, optionsOf } from "./oracle.ts";
import { Random } from "./random.ts";
import { reduce } from "./reduce.ts";

/** Share of inputs that are damaged after they are generated. */
const mutatedShare = 0.25;

/** What came of one input. */
export interface Tried {
  readonly seed: number;
  readonly isAccepted: boolean;
  readonly finding: Finding | undefined;
}

/** Runs the input of a seed through all oracles. */
export function tryInput(seed: number, rewriter: typeof rewrite): Tried {
  const plan = generatePlan(seed);
  const random = new Random(~seed);
  if (random.chance(mutatedShare)) {
    const bytes = mutate(encode(plan), random);
    const finding = guarded(() => judgeBytes(bytes, optionsOf(seed, plan.functions.length), rewriter));
    return { seed, isAccepted: WebAssembly.validate(bytes), finding };
  }
  const isAccepted = WebAssembly.validate(encode(plan));
  return { seed, isAccepted, finding: guarded(() => judgePlan(plan, seed, rewriter)) };
}

/** An oracle that breaks down has found something too. */
function guarded(judge: () => Finding | undefined): Finding | undefined {
  const { stackTraceLimit } = Error;
  // Guests call one another deeply, and a trap names all their frames.
  Error.stackTraceLimit = 500;
  try {
    return judge();
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { sort: `an oracle breaks down: ${error instanceof Error ? error.message : ""}`, detail: text };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The smallest module found that still shows the finding: the damaged bytes as they are, or a generated one cut down. */
export function minimise({ seed, finding }: Tried, rewriter: typeof rewrite): Uint8Array<ArrayBuffer> {
  const plan = generatePlan(seed);
  const random = new Random(~seed);
  if (random.chance(mutatedShare)) return mutate(encode(plan), random);
  const isStill = (changed: Plan): boolean => {
    const found = guarded(() =>
      WebAssembly.validate(encode(changed)) ? judgePlan(changed, seed, rewriter) : undefined,
    );
    return found !== undefined && found.sort === finding?.sort;
  };
  if (WebAssembly.validate(encode(plan))) reduce(plan, isStill);
  return encode(plan);
}

/** The first input of those from `seed` on, `count` at most, that an oracle finds something in. */
export function firstFinding(seed: number, count: number, rewriter: typeof rewrite): Tried | undefined {
  for (let at = seed; at < seed + count; at += 1) {
    const tried = tryInput(at, rewriter);
    if (tried.finding !== undefined) return tried;
  }
  return undefined;
}
