import { printable } from "../base/index.ts";
import { type AccessRequest, check, type Grants, type Verdict } from "../capabilities/index.ts";
import type { Surroundings } from "./command.ts";

/** A request that was refused, and why. */
export interface Refusal {
  readonly refused: AccessRequest;
  readonly verdict: Verdict;
}

const mostPrinted = 5;

/** The summary for a guest that failed: what it was refused, and the flags that together would have allowed it. */
export function printRefusals(refusals: readonly Refusal[], grants: Grants, { complain }: Surroundings): void {
  const fixes = joinFixes(refusals, grants);
  if (fixes.length === 0) return;
  complain(`sampan: the guest was refused what its grants do not cover\n`);
  for (const { reasons, flag, replaces } of fixes.slice(0, mostPrinted)) {
    for (const reason of reasons.slice(0, mostPrinted)) complain(`  ${printable(reason)}\n`);
    if (reasons.length > mostPrinted) complain(`  and ${reasons.length - mostPrinted} more like it\n`);
    complain(
      `    allow it with ${printable(flag)}${replaces === undefined ? "" : ` instead of ${printable(replaces)}`}\n`,
    );
  }
  if (fixes.length > mostPrinted)
    complain(`  and ${fixes.length - mostPrinted} more: see them all with --trace or --audit FILE\n`);
}

interface JoinedFix {
  readonly reasons: string[];
  readonly flag: string;
  readonly replaces: string | undefined;
}

/** Each flag once with all it would allow, so that whoever types them all contradicts none of them. */
function joinFixes(refusals: readonly Refusal[], grants: Grants): JoinedFix[] {
  const denied = refusals.flatMap(({ refused, verdict }) =>
    verdict.allowed
      ? []
      : [{ ...verdict, fix: { ...verdict.fix, flag: stdioTogether(refused, refusals, grants) ?? verdict.fix.flag } }],
  );
  const flags = new Set(denied.map(({ fix }) => fix.flag));
  const joined = new Map<string, JoinedFix>();
  for (const { reason, fix } of denied) {
    // A folder that is also to be written is granted once, for both.
    const wider = fix.flag.replace(/:ro('?)$/, "$1");
    const flag = flags.has(wider) ? wider : fix.flag;
    const known = joined.get(flag);
    if (known === undefined) joined.set(flag, { reasons: [reason], flag, replaces: fix.replaces });
    else if (!known.reasons.includes(reason)) known.reasons.push(reason);
  }
  return [...joined.values()];
}

/** The last flag for the standard streams counts: one has to name all that were refused. */
function stdioTogether(refused: AccessRequest, refusals: readonly Refusal[], grants: Grants): string | undefined {
  if (refused.capability !== "stdio") return undefined;
  const others = refusals.flatMap(({ refused: other }) =>
    other.capability === "stdio" && other.stream !== refused.stream ? [other.stream] : [],
  );
  const verdict = check({ ...grants, stdio: [...grants.stdio, ...others] }, refused);
  return verdict.allowed ? undefined : verdict.fix.flag;
}
