import { existsSync } from "node:fs";
import { join } from "node:path";
import { type AccessRequest, check, type FixContext, type Grants, type Verdict } from "../capabilities/index.ts";

/**
 * Why a request was refused and which flag would have allowed it, with absolute host paths unless `cwd` says where it is
 * typed. A guest's libc spells relative paths like absolute ones: a folder that only the present directory has is taken to
 * be meant by that.
 */
export function explainRefusal(grants: Grants, refused: AccessRequest, { cwd }: Pick<FixContext, "cwd"> = {}): Verdict {
  return check(grants, refused, { cwd, guess: guessHost });
}

function guessHost(guestFolder: string): string | undefined {
  const here = process.cwd();
  if (guestFolder === "/") return here === "/" ? undefined : here;
  if (!guestFolder.startsWith("/") || existsSync(guestFolder)) return undefined;
  const folder = join(here, guestFolder);
  return existsSync(folder) ? folder : undefined;
}
