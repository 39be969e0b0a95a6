import { capability } from "./catalog.ts";
import { folderFlag, formatVolume } from "./format-flags.ts";
import type { FolderGrant, Grants } from "./grants.ts";
import { isHostRoot } from "./parse-flags.ts";
import { climbOf, hostParts, joinHost, partsOf, startsWithParts } from "./paths.ts";
import type { AccessRequest } from "./request.ts";
import { allow, type Fix, listLine, refuse, type Verdict } from "./verdict.ts";

/** A request for a file or folder; a path with a slash at its end is the folder itself. */
export type FileRequest = Extract<AccessRequest, { capability: "files" }>;

/** A path as the guest's libc takes it apart: a granted folder, and what is asked for relative to that. */
export interface Located {
  readonly grant: FolderGrant;
  readonly rest: readonly string[];
  /** How many levels `rest` climbs above the folder; more than 0 is refused, whatever else is granted. */
  readonly climb: number;
}

/** The parts of a guest path or of a folder's guest name from the guest's root on; `..` stays as it is. */
export function guestParts({ workdir }: Grants, path: string): string[] {
  const parts = partsOf(path);
  return workdir === undefined || path.startsWith("/") ? parts : [...partsOf(workdir), ...parts];
}

/**
 * Finds the granted folder that a path is asked for in: the one with the longest name that the path begins with, letter
 * by letter, as the guest's libc finds it. `..` counts only afterwards, from that folder on, because the folder's
 * descriptor is all that reaches the host.
 */
export function locate(grants: Grants, path: string): Located | undefined {
  const { files, workdir } = grants;
  if (workdir === undefined || path.startsWith("/")) return longest(grants, files, path);
  const isRelative = ({ guest }: FolderGrant): boolean => !guest.startsWith("/");
  const named = longest(grants, files.filter(isRelative), path);
  if (named !== undefined) return named;
  // The working directory is a descriptor of its own, with the access of the folder that covers it: what lies above it or is
  // granted below it is not reached that way.
  const start = longest(
    grants,
    files.filter((grant) => !isRelative(grant)),
    workdir,
  );
  const own = partsOf(path);
  return start === undefined ? undefined : { grant: start.grant, rest: [...start.rest, ...own], climb: climbOf(own) };
}

function longest(grants: Grants, files: readonly FolderGrant[], path: string): Located | undefined {
  const parts = guestParts(grants, path);
  let best: FolderGrant | undefined;
  let length = -1;
  for (const grant of files) {
    const name = guestParts(grants, grant.guest);
    if (name.length > length && startsWithParts(parts, name)) {
      best = grant;
      length = name.length;
    }
  }
  if (best === undefined) return undefined;
  const rest = parts.slice(length);
  return { grant: best, rest, climb: climbOf(rest) };
}

/**
 * Knows which folder of the host a guest most likely means by a folder that it was not granted: a guest's libc spells
 * relative paths like absolute ones. Undefined where it has the same name on the host.
 */
export type HostGuess = (guestFolder: string) => string | undefined;

/** Decides about a file or folder. */
export function checkFiles(grants: Grants, request: FileRequest, guess?: HostGuess): Verdict {
  const found = locate(grants, request.path);
  if (found === undefined) return refuse(`no granted folder contains "${request.path}"`, fixOutside(request, guess));
  const { grant, climb } = found;
  if (climb > 0)
    return refuse(
      `"${request.path}" climbs out of the granted folder "${grant.guest}"`,
      fixClimb(grants, request, found),
    );
  if (request.operation === "write" && grant.access === "read-only") {
    const wider = { ...grant, access: "read-write" } as const;
    return refuse(`the granted folder "${grant.guest}" is read-only`, fixWith(wider, folderFlag(grant)));
  }
  return allow(() => folderFlag(grant));
}

function fixWith(grant: FolderGrant, replaces?: string): Fix {
  return {
    flag: folderFlag(grant),
    line: folderLine(grant),
    ...(replaces === undefined ? {} : { replaces }),
  };
}

/** The line of a grants file that gives a folder. */
export function folderLine(grant: FolderGrant): string {
  return listLine(capability("files").key, [formatVolume(grant) ?? grant]);
}

function accessFor({ operation }: FileRequest): FolderGrant["access"] {
  return operation === "write" ? "read-write" : "read-only";
}

/** The folder that has to be granted for a request, as the guest spells it: absolute or relative, as the path is. */
function askedFolder({ path }: FileRequest): string {
  const parts = partsOf(path);
  const text = (path.endsWith("/") || parts.at(-1) === ".." ? parts : parts.slice(0, -1)).join("/");
  return path.startsWith("/") ? `/${text}` : text || ".";
}

function fixOutside(request: FileRequest, guess?: HostGuess): Fix {
  const guest = askedFolder(request);
  const guessed = guess?.(guest);
  if (guessed !== undefined) return fixWith({ host: guessed, guest, access: accessFor(request) });
  const typed = guest.startsWith("/") ? joinHost(guest, []) : `./${guest}`.replace(/^\.\/\.$/, ".");
  // Nothing of the host is called like the guest's root by itself, and offering all of the host's files would be no fix.
  return fixWith({ host: typed === "/" ? "DIR" : typed, guest, access: accessFor(request) });
}

/**
 * Where a folder has the same name on both sides, its parent takes its place. Elsewhere the folder that really holds
 * what was asked for joins it, under the name with `..` that the guest spells.
 */
function fixClimb(grants: Grants, request: FileRequest, { grant, climb }: Located): Fix {
  const guest = askedFolder(request);
  const [name, own] = [partsOf(grant.guest), hostParts(grant.host)];
  const isSameName =
    Math.min(name.length, own.length) >= climb && startsWithParts(own.slice(-climb), name.slice(-climb));
  const host = joinHost(
    grant.host,
    Array.from({ length: climb }, () => ".."),
  );
  if (isSameName && !isHostRoot(host)) {
    const kept = name.slice(0, -climb).join("/");
    const access = request.operation === "write" ? "read-write" : grant.access;
    const wider: FolderGrant = {
      host,
      guest: grant.guest.startsWith("/") ? `/${kept}` : kept || ".",
      access,
    };
    const others = grants.files.filter((other) => other !== grant);
    const then = locate({ ...grants, files: [...others, wider] }, request.path);
    // A relative path starts at the working directory's own descriptor, which no other folder takes the place of.
    const isByName = request.path.startsWith("/") || grants.workdir === undefined;
    const kin = guestParts(grants, wider.guest).join("/");
    const isFree = !others.some((other) => guestParts(grants, other.guest).join("/") === kin);
    if (isByName && isFree && then?.grant === wider && then.climb === 0) return fixWith(wider, folderFlag(grant));
  }
  const beyond = guestParts(grants, guest).slice(guestParts(grants, grant.guest).length);
  return fixWith({ host: joinHost(grant.host, beyond), guest, access: accessFor(request) });
}
