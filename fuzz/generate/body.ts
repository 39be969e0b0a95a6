import type { Random } from "../random.ts";
import { code } from "./code.ts";
import { burn, controlEnds, controlStatements, controlValues, tick } from "./control.ts";
import { memoryStatements, memoryValues } from "./memory.ts";
import { numberStatements, numberValues } from "./numbers.ts";
import { objectStatements, objectValues } from "./objects.ts";
import type { Plan } from "./plan.ts";
import { type Makers, Scope } from "./scope.ts";
import { tableEnds, tableStatements, tableValues } from "./tables.ts";
import { isNullable } from "./types.ts";

const makers: Makers = {
  values: [...numberValues, ...memoryValues, ...tableValues, ...controlValues, ...objectValues],
  statements: [...numberStatements, ...memoryStatements, ...tableStatements, ...controlStatements, ...objectStatements],
  ends: [...controlEnds, ...tableEnds],
};

/** Generates the body of one of a module's own functions: it ends, since entries and loops spend fuel. */
export function generateBody(plan: Plan, random: Random, index: number): void {
  const planned = plan.functions[index];
  if (planned === undefined) return;
  const scope = new Scope(plan, random, { index, makers, budget: random.oneOf([4, 20, 60, 150]) });
  const params = scope.locals.length;
  for (let extra = random.below(4); extra > 0; extra -= 1) scope.newLocal(random.oneOf(["i32", "i64", "f32", "f64"]));
  const results = scope.labels[0]?.types ?? [];
  const statements = Array.from({ length: random.between(0, 6) }, () => scope.statement());
  const body = [...statements, ...scope.rest(results, 1)];
  const isDefaultable = results.every(isNullable);
  const stop = isDefaultable ? [...results.flatMap((type) => scope.plain(type)), 0x0f] : [0x00];
  const entry = code([
    [...burn(scope), 0x45],
    [0x04, 0x40],
    [...stop, 0x0b],
  ]);
  const isInLoop = random.chance(0.15);
  const first = isInLoop ? code([[0x03, 0x40], { tick: tick(plan) }, entry, [0x0b]]) : entry;
  planned.body = [first, ...body];
  planned.locals = scope.locals.slice(params);
}
