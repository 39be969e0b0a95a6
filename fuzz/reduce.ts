import { type Code, isBytes, type Part } from "./generate/code.ts";
import type { Plan } from "./generate/plan.ts";

/** A place in a plan that can be made simpler: `undo` puts back what was there. */
type Step = () => (() => void) | undefined;

/**
 * Cuts a module down while `isStill` says that the finding is there: code becomes the shortest of its type, statements,
 * segments, custom sections and further names go. It changes the plan, and tries at most `tries` times.
 */
export function reduce(plan: Plan, isStill: (plan: Plan) => boolean, tries = 1500): void {
  let left = tries;
  for (let progress = true; progress && left > 0;) {
    progress = false;
    for (const step of stepsOf(plan)) {
      if (left <= 0) break;
      const undo = step();
      if (undo === undefined) continue;
      left -= 1;
      if (isStill(plan)) progress = true;
      else undo();
    }
  }
}

function* stepsOf(plan: Plan): Generator<Step> {
  for (const list of [plan.customs, plan.aliases]) yield* removals(list as unknown[]);
  yield () => {
    const { start } = plan;
    if (start === undefined) return undefined;
    plan.start = undefined;
    return () => (plan.start = start);
  };
  // Whole functions first: most have nothing to do with the finding.
  for (const planned of plan.functions) {
    for (let at = planned.body.length - 1; at > 0; at -= 1) yield replacement(planned.body, at);
  }
  for (const planned of plan.functions) yield* insideOf(planned.body);
}

function* removals(list: unknown[]): Generator<Step> {
  for (let at = list.length - 1; at >= 0; at -= 1) {
    yield () => {
      const [removed] = list.splice(at, 1);
      return () => list.splice(at, 0, removed);
    };
  }
}

/** Puts the plain code in place of the one at the index. */
function replacement(list: Part[], at: number): Step {
  return () => {
    const old = list[at];
    if (old === undefined || isBytes(old) || !("parts" in old) || old.plain === undefined) return undefined;
    const { plain } = old;
    if (old.parts.length === 1 && old.parts[0] === plain) return undefined;
    list[at] = { parts: [plain], plain };
    return () => (list[at] = old);
  };
}

function* insideOf(list: readonly Code[]): Generator<Step> {
  for (const part of list) {
    const parts = part.parts as Part[];
    for (const at of parts.keys()) yield replacement(parts, at);
    yield* insideOf(parts.filter((each): each is Code => "parts" in each));
  }
}
