import { printable, SampanError } from "../base/index.ts";
import { attenuate, hiddenBelow } from "./attenuate.ts";
import { check } from "./check.ts";
import type { AccessRequest } from "./request.ts";
import { type FileRequest, guestParts, type Located, locate } from "./check-files.ts";
import { containsGuest, grantsFromFlags } from "./grants-from-flags.ts";
import { type ConnectGrant, type FolderGrant, type Grants, type ListenGrant, noGrants } from "./grants.ts";
import { allPorts, stdioNames } from "./parse-flags.ts";
import { climbOf, joinHost, partsOf } from "./paths.ts";
import { joinGrants } from "./join-grants.ts";
import { typedWords } from "./typed-words.ts";
import type { Fix, Verdict } from "./verdict.ts";
import { type Offer, writeGrants } from "./write-grants.ts";

/** What {@link narrowToUsed} knows of a run. */
export interface LearnedRun {
  readonly uses: readonly AccessRequest[];
  readonly refusals: readonly AccessRequest[];
  /** Absolute folder that relative paths of the host start from. */
  readonly cwd?: string | undefined;
  /** Who says why a request was refused and what would allow it; {@link check} where nobody knows more. */
  readonly decide?: (grants: Grants, request: AccessRequest) => Verdict;
  /** Variables that were granted with the value of the surroundings: the file has their names alone. */
  readonly fromSurroundings?: ReadonlySet<string>;
}

/**
 * Writes a grants file with what a run used of its grants: never more than they are. What was refused stands in it as
 * comments: a line without its `#` allows what it was for. Folders are named as the guest asked for them: what a symbolic
 * link leads to has to be among the uses for its folder to stay.
 */
export function narrowToUsed(grants: Grants, run: LearnedRun): string {
  const used = attenuate(grants, usedGrants(grants, run.uses));
  const found = run.refusals.map((request) => offerFor(request, { grants, used, run }));
  const offers = found.filter((each) => typeof each === "object");
  const others = new Set(found.filter((each) => typeof each === "string"));
  const { fromSurroundings } = run;
  return [
    ...(offers.length === 0
      ? []
      : ["# What is a comment below was refused in that run: a line without its # allows it.\n"]),
    writeGrants(used, { offers, ...(fromSurroundings === undefined ? {} : { fromSurroundings }) }),
    ...[...others].map((reason) => `# Refused, and no line here allows it: ${printable(reason)}\n`),
  ].join("");
}

/** What has to join the file of a run for a request that was refused in it, or why that is nothing. */
function offerFor(
  request: AccessRequest,
  { grants, used, run }: { grants: Grants; used: Grants; run: LearnedRun },
): Offer | string | undefined {
  const { decide = check, cwd = "/" } = run;
  const verdict = decide(grants, request);
  if (verdict.allowed) return undefined;
  // A refusal that the grants do not explain is explained by the host, as where a link leads out of its folder.
  const isCovered = check(grants, request).allowed;
  for (const way of waysFor(request, { grants, used, verdict })) {
    const more = way.allowed ? undefined : grantsOfFix(way.fix, cwd);
    const joined = more === undefined ? undefined : unlessInvalid(() => joinGrants(used, more));
    if (more !== undefined && joined !== undefined && (isCovered || check(joined, request).allowed))
      return { grants: more, reason: verdict.reason };
  }
  return verdict.reason;
}

/** What may allow a request beside what a run used: a folder of its grants, or of the file, may stand in the way. */
function waysFor(
  request: AccessRequest,
  { grants, used, verdict }: { grants: Grants; used: Grants; verdict: Verdict },
): Verdict[] {
  if (request.capability !== "files") return [check(used, request)];
  const around = locate(used, request.path) === undefined ? grants : used;
  return [verdict, check(around, request, { isAdding: true })];
}

function grantsOfFix({ flag }: Fix, cwd: string): Grants | undefined {
  return unlessInvalid(() => grantsFromFlags(typedWords(flag), { cwd, lookup: () => "" }, noGrants));
}

function unlessInvalid(make: () => Grants): Grants | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof SampanError) return undefined;
    throw error;
  }
}

/** The grants narrowed to what requests used of them; requests that the grants do not cover count for nothing. */
export function usedGrants(grants: Grants, requests: readonly AccessRequest[]): Grants {
  const uses = requests.filter((request) => check(grants, request).allowed);
  const has = (name: AccessRequest["capability"]): boolean => uses.some((use) => use.capability === name);
  const isUsed = (capability: "config" | "keyvalue", name: string): boolean =>
    uses.some((use) => use.capability === capability && use.name === name);
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
    config: Object.fromEntries(Object.entries(grants.config).filter(([name]) => isUsed("config", name))),
    keyvalue: grants.keyvalue.filter(({ name }) => isUsed("keyvalue", name)),
    log: has("log") ? grants.log : noGrants.log,
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
