import { realpathSync } from "node:fs";
import { isAbsolute, relative, sep } from "node:path";
import { SampanError } from "../../base/index.ts";
import {
  type Allow,
  allowed,
  type FlagContext,
  type FolderGrant,
  folderFlag,
  type Grants,
  narrow as narrowGrants,
  type Narrower,
} from "../../capabilities/index.ts";

/**
 * Grants to hand to instances, from a description: what a component may do, and nothing that is not in it but clocks, randomness and
 * stdio. Relative folders begin at the process's working directory.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN
 */
export function allow(description: Allow | Grants = {}): Grants {
  return isParsed(description) ? description : allowed(description, context());
}

/**
 * Grants that are handed on with less: what `less` says, and of clocks, randomness and stdio what was granted.
 *
 * @throws GRANT_WIDENED, which names the flag of what is more than granted; GRANT_INVALID, GRANT_UNKNOWN
 */
export function narrow(grants: Grants, less: Narrower): Grants {
  const narrowed = narrowGrants(grants, less, context());
  for (const folder of narrowed.files) checkInside(grants, folder);
  return narrowed;
}

/** A guest may have put a link in the place of a folder that is handed on: it leads where that guest itself could not go. */
function checkInside(grants: Grants, folder: FolderGrant): void {
  const { host, guest } = folder;
  if (grants.files.some((each) => each.host === host)) return;
  const real = realPathOf(host);
  if (real === undefined) return;
  const isInside = grants.files.some((outer) => isBelow(outer.host, host) && isBelow(realPathOf(outer.host), real));
  if (isInside) return;
  throw new SampanError(
    "GRANT_WIDENED",
    `Cannot narrow the grants to "${guest}": a link leads out of what is granted`,
    {
      data: { flag: folderFlag(folder) },
    },
  );
}

function isBelow(folder: string | undefined, path: string): boolean {
  if (folder === undefined) return false;
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Undefined for a folder that is not there: it cannot be opened either. */
function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function context(): FlagContext {
  return { cwd: process.cwd(), lookup: (name) => process.env[name] };
}

function isParsed(value: Allow | Grants): value is Grants {
  const { clock } = value;
  return typeof clock === "object" && clock !== null && "kind" in clock;
}
