import { existsSync } from "node:fs";
import { join } from "node:path";
import { type AccessRequest, check, type Grants, type Verdict } from "../capabilities/index.ts";

/**
 * Why a request was refused and which flag would have allowed it. A guest's libc spells relative paths like absolute ones:
 * a folder that only the present directory has is taken to be meant by that.
 */
export function explainRefusal(grants: Grants, refused: AccessRequest): Verdict {
  return check(grants, refused, guessHost);
}

function guessHost(guestFolder: string): string | undefined {
  if (guestFolder === "/") return ".";
  if (!guestFolder.startsWith("/") || existsSync(guestFolder)) return undefined;
  return existsSync(join(process.cwd(), guestFolder)) ? `.${guestFolder}` : undefined;
}
