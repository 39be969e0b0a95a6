import { formatBytes } from "../base/index.ts";

/**
 * What to try where a guest trapped whose memories are most of what they may be: programs that get no more give up by a trap,
 * which looks like any other. Undefined where that is not why, as far as can be seen.
 */
export function memoryHint(used: number, allowed: number | undefined): string | undefined {
  if (allowed === undefined || used * 2 < allowed) return undefined;
  return (
    `its memory had ${formatBytes(used)} of the ${formatBytes(allowed)} that it may have: ` +
    "if it got no more, raise that with --memory SIZE (in a file: memory:, in a program: limits.memory)"
  );
}
