import type { AttackCase } from "../attack.ts";
import { answerCases } from "./answers.ts";
import { descriptorCases } from "./descriptors.ts";
import { leavingCases, shapeCases } from "./leaving.ts";
import { linkCases } from "./links.ts";
import { raceCases } from "./races.ts";
import { readOnlyCases } from "./read-only.ts";
import { waitingCases } from "./waiting.ts";

/** The attack table. */
export const attackCases: readonly AttackCase[] = [
  ...leavingCases,
  ...shapeCases,
  ...linkCases,
  ...readOnlyCases,
  ...answerCases,
  ...descriptorCases,
  ...raceCases,
  ...waitingCases,
];
