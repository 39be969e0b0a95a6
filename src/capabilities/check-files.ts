import { capability } from "./catalog.ts";
import { folderFlag, formatVolume } from "./format-flags.ts";
import type { FolderGrant, Grants } from "./grants.ts";
import { isHostRoot } from "./parse-flags.ts";
import { climbOf, hostParts, joinHost, partsOf, startsWithParts } from "./paths.ts";
import type { AccessRequest } from "./request.ts";
import { allow, type Fix, type FixContext, type HostGuess, listLine, refuse, type Verdict } from "./verdict.ts";

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

/** Decides about a file or folder. */
export function checkFiles(grants: Grants, request: FileRequest, context: FixContext = {}): Verdict {
  const found = locate(grants, request.path);
  if (found === undefined) {
    const folder = folderOutside(request, context.guess);
    return refuse(`no granted folder contains "${request.path}"`, fixWith({ folder }, context));
  }
  const { grant, climb } = found;
  if (climb > 0) {
    const reason = `"${request.path}" climbs out of the granted folder "${grant.guest}"`;
    return refuse(reason, fixWith(folderForClimb(grants, request, { ...found, isAdding: context.isAdding }), context));
  }
  if (request.operation === "write" && grant.access === "read-only") {
    const folder = { ...grant, access: "read-write" } as const;
    return refuse(`the granted folder "${grant.guest}" is read-only`, fixWith({ folder, replaces: grant }, context));
  }
  return allow(() => folderFlag(grant));
}

/** A folder that would have to be granted, and the granted one whose place it takes. */
interface WantedFolder {
  readonly folder: FolderGrant;
  readonly replaces?: FolderGrant;
}

function fixWith({ folder, replaces }: WantedFolder, { cwd }: FixContext): Fix {
  return {
    flag: folderFlag(folder, cwd),
    line: folderLine(folder),
    ...(replaces === undefined ? {} : { replaces: folderFlag(replaces, cwd) }),
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

function folderOutside(request: FileRequest, guess: HostGuess | undefined): FolderGrant {
  const guest = askedFolder(request);
  const guessed = guess?.(guest);
  if (guessed !== undefined) return { host: guessed, guest, access: accessFor(request) };
  const typed = guest.startsWith("/") ? joinHost(guest, []) : `./${guest}`.replace(/^\.\/\.$/, ".");
  // Nothing of the host is called like the guest's root by itself, and offering all of the host's files would be no fix.
  return { host: typed === "/" ? "DIR" : typed, guest, access: accessFor(request) };
}

/**
 * Where a folder has the same name on both sides, its parent takes its place. Elsewhere the folder that really holds
 * what was asked for joins it, under the name with `..` that the guest spells.
 */
function folderForClimb(
  grants: Grants,
  request: FileRequest,
  { grant, climb, isAdding = false }: Located & { readonly isAdding?: boolean | undefined },
): WantedFolder {
  const guest = askedFolder(request);
  const [name, own] = [partsOf(grant.guest), hostParts(grant.host)];
  const isSameName =
    Math.min(name.length, own.length) >= climb && startsWithParts(own.slice(-climb), name.slice(-climb));
  const host = joinHost(
    grant.host,
    Array.from({ length: climb }, () => ".."),
  );
  if (isSameName && !isAdding && !isHostRoot(host)) {
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
    if (isByName && isFree && then?.grant === wider && then.climb === 0) return { folder: wider, replaces: grant };
  }
  const beyond = guestParts(grants, guest).slice(guestParts(grants, grant.guest).length);
  return { folder: { host: joinHost(grant.host, beyond), guest, access: accessFor(request) } };
}
