import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type AccessRequest,
  check,
  type FileRequest,
  type FixContext,
  type Grants,
  locate,
  type Verdict,
} from "../capabilities/index.ts";

/**
 * Why a request was refused and which flag would have allowed it, with absolute host paths unless `cwd` says where it is
 * typed. A guest's libc spells relative paths like absolute ones: a folder that only the present directory has is taken to
 * be meant by that. What the grants allow was refused because of a symbolic link: then the flag is for where that leads.
 */
export function explainRefusal(grants: Grants, refused: AccessRequest, { cwd }: Pick<FixContext, "cwd"> = {}): Verdict {
  const verdict = check(grants, refused, { cwd, guess: guessHost });
  if (!verdict.allowed || refused.capability !== "files") return verdict;
  const target = linkTarget(grants, refused);
  if (target === undefined) return verdict;
  const there = check(grants, { ...refused, path: target }, { cwd });
  const reason = `a symbolic link leads "${refused.path}" to "${target}", and links are only followed within their folder`;
  if (there.allowed) {
    const fix = { flag: there.by, line: `# open "${target}" itself` };
    return { allowed: false, reason: `${reason}: open "${target}" itself`, fix };
  }
  return { allowed: false, reason: `${reason}: open "${target}" by its own name`, fix: there.fix };
}

/** Where on the host a path really leads; undefined where no link is on its way, or nobody can say. */
function linkTarget(grants: Grants, { path }: FileRequest): string | undefined {
  const found = locate(grants, path);
  if (found === undefined) return undefined;
  const asked = join(realPath(found.grant.host) ?? found.grant.host, ...found.rest);
  // A file that is to be made has only its folder yet.
  const real = realPath(asked) ?? join(realPath(dirname(asked)) ?? dirname(asked), found.rest.at(-1) ?? "");
  return real === asked ? undefined : real;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function guessHost(guestFolder: string): string | undefined {
  const here = process.cwd();
  if (guestFolder === "/") return here === "/" ? undefined : here;
  if (!guestFolder.startsWith("/") || existsSync(guestFolder)) return undefined;
  const folder = join(here, guestFolder);
  return existsSync(folder) ? folder : undefined;
}
