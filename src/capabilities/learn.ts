import { attenuate, hiddenBelow } from "./attenuate.ts";
import { check } from "./check.ts";
import type { AccessRequest } from "./request.ts";
import { type FileRequest, guestParts, type Located, locate } from "./check-files.ts";
import { containsGuest } from "./grants-from-flags.ts";
import { type ConnectGrant, type FolderGrant, type Grants, type ListenGrant, noGrants } from "./grants.ts";
import { allPorts, stdioNames } from "./parse-flags.ts";
import { climbOf, joinHost, partsOf } from "./paths.ts";
import type { FixContext } from "./verdict.ts";
import { writeGrants } from "./write-grants.ts";

/** What {@link narrowToUsed} knows of a run. */
export interface LearnedRun {
  readonly uses: readonly AccessRequest[];
  readonly refusals: readonly AccessRequest[];
  /** Absolute folder that the flags in comments are typed in; what makes up the file stays absolute. */
  readonly cwd?: string | undefined;
}

/**
 * Writes a grants file with what a run used of its grants: never more than they are. What was refused stands below, as
 * comments, each with the line that would allow it. Folders are named as the guest asked for them: what a symbolic link
 * leads to has to be among the uses for its folder to stay.
 */
export function narrowToUsed(grants: Grants, { uses, refusals, cwd }: LearnedRun): string {
  const used = attenuate(grants, usedGrants(grants, uses));
  const lines = new Set(refusals.flatMap((request) => refusalLines(grants, request, { cwd })));
  if (lines.size === 0) return writeGrants(used);
  return `${writeGrants(used)}\n# Refused in that run, and what would allow it:\n${[...lines].join("\n")}\n`;
}

function refusalLines(grants: Grants, request: AccessRequest, context: FixContext): string[] {
  const verdict = check(grants, request, context);
  if (verdict.allowed) return [];
  const { line, flag, replaces } = verdict.fix;
  const instead = replaces === undefined ? "" : ` instead of ${replaces}`;
  return [`# ${line}  # ${flag}${instead}: ${verdict.reason}`.replace(/[\r\n]+/g, " ")];
}

/** The grants narrowed to what requests used of them; requests that the grants do not cover count for nothing. */
export function usedGrants(grants: Grants, requests: readonly AccessRequest[]): Grants {
  const uses = requests.filter((request) => check(grants, request).allowed);
  const has = (name: AccessRequest["capability"]): boolean => uses.some((use) => use.capability === name);
  const files = usedFolders(
    grants,
    uses.filter((use) => use.capability === "files"),
  );
  const { workdir, net } = grants;
  return {
    clock: has("clock") ? grants.clock : noGrants.clock,
    random: has("random") ? grants.random : noGrants.random,
    stdio: stdioNames.filter((stream) => uses.some((use) => use.capability === "stdio" && use.stream === stream)),
    env: has("env") ? grants.env : {},
    files,
    ...(workdir !== undefined && files.some(({ guest }) => containsGuest(guest, workdir)) ? { workdir } : {}),
    net: {
      connect: net.connect.filter((grant) => uses.some((use) => isConnectUsed(grant, use))),
      listen: net.listen.filter((grant) => uses.some((use) => isListenUsed(grant, use))),
      publish: net.publish.filter(({ guestPort }) =>
        uses.some((use) => isListenUsed({ ports: { first: guestPort, last: guestPort } }, use)),
      ),
      dns: has("net.dns") && net.dns,
    },
  };
}

/** Whether a grant has a part in allowing a connection: both a name and its addresses' CIDR do. */
function isConnectUsed(grant: ConnectGrant, use: AccessRequest): boolean {
  if (use.capability === "net.dns") return check(only({ connect: [{ ...grant, ports: allPorts }] }), use).allowed;
  if (use.capability !== "net.connect") return false;
  const hosts = [use.host, ...(use.addresses ?? [])];
  return hosts.some((host) => check(only({ connect: [grant] }), { ...use, host, addresses: undefined }).allowed);
}

function isListenUsed(grant: ListenGrant, use: AccessRequest): boolean {
  return use.capability === "net.listen" && check(only({ listen: [grant] }), use).allowed;
}

/** Grants with nothing but a part of the network. */
function only(net: Partial<Grants["net"]>): Grants {
  return { ...noGrants, net: { ...noGrants.net, ...net } };
}

interface FolderUse extends Located {
  readonly isWrite: boolean;
  /** Whether the path names the folder itself (a slash at its end) instead of something in it. */
  readonly isFolder: boolean;
}

function usedFolders(grants: Grants, requests: readonly FileRequest[]): FolderGrant[] {
  if (requests.length === 0) return [];
  // The guest starts in its working directory, so that one is in use as soon as any file is.
  const start: FileRequest[] =
    grants.workdir === undefined ? [] : [{ capability: "files", operation: "read", path: `${grants.workdir}/` }];
  const uses = [...start, ...requests].flatMap((request): FolderUse[] => {
    const located = locate(grants, request.path);
    return located
      ? [
          {
            ...located,
            isWrite: request.operation === "write",
            isFolder: request.path.endsWith("/"),
          },
        ]
      : [];
  });
  const usesOf = (grant: FolderGrant): FolderUse[] => uses.filter((use) => use.grant === grant);
  const narrowed = new Map(
    grants.files
      .filter((grant) => usesOf(grant).length > 0)
      .map((grant) => [grant, narrowFolder(grant, usesOf(grant))]),
  );
  return grants.files.flatMap((grant): FolderGrant[] => {
    // A folder that hides part of one that stays has to stay whole, or the guest would see what it hides.
    const isHiding = [...narrowed.values()].some(({ guest }) =>
      hiddenBelow(grants, guestParts(grants, guest)).includes(grant),
    );
    if (isHiding) return [{ ...grant, access: usedAccess(grant, usesOf(grant)) }];
    const folder = narrowed.get(grant);
    return folder === undefined ? [] : [folder];
  });
}

function usedAccess({ access }: FolderGrant, uses: readonly FolderUse[]): FolderGrant["access"] {
  return access === "read-write" && uses.some(({ isWrite }) => isWrite) ? "read-write" : "read-only";
}

function narrowFolder(grant: FolderGrant, uses: readonly FolderUse[]): FolderGrant {
  const [first, ...others] = uses.map(folderOf);
  const common = others.reduce((shared, parts) => shared.slice(0, sharedLength(shared, parts)), first ?? []);
  const access = usedAccess(grant, uses);
  if (common.length === 0) return { ...grant, access };
  const guest = [...partsOf(grant.guest), ...common].join("/");
  return {
    host: joinHost(grant.host, common),
    guest: grant.guest.startsWith("/") ? `/${guest}` : guest,
    access,
  };
}

/** The deepest folder below a grant that holds what was asked for, and that no `..` further on climbs out of. */
function folderOf({ rest, isFolder }: FolderUse): readonly string[] {
  let length = isFolder ? rest.length : Math.max(0, rest.length - 1);
  const up = rest.indexOf("..");
  if (up >= 0) length = Math.min(length, up);
  while (length > 0 && climbOf(rest.slice(length)) > 0) length -= 1;
  return rest.slice(0, length);
}

function sharedLength(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? a.length : at;
}
