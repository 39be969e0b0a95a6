import { closeSync, constants, fstatSync, openSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { failure, failureOfNode } from "../../base/index.ts";
import type { FolderGrant } from "../../capabilities/index.ts";

/** O_PATH of Linux, which Node does not name: the file itself, neither opened nor followed. */
const pathOnly = 0o10_000_000;
/** As many links as the kernel follows in one path (path_resolution(7)). */
const mostLinks = 40;

/** How Unix sockets that grants name are looked up. All folders are real paths. */
export interface UnixRules {
  /** Folders that a guest may write in: what is a link there may be its own, and is not followed. */
  readonly writable: readonly string[];
  /** Folders that no grant opens. */
  readonly closed: readonly string[];
  /** Whether a link at the end of a path is refused wherever it is, because others may write there. */
  readonly refusesLinks: boolean;
}

/** What was looked up once, so that nothing else can be put in its place. */
export interface HeldPath {
  /** What leads to exactly that until it is released. */
  readonly path: string;
  release(): void;
}

/** The rules for a guest with these grants. */
export function unixRulesOf(files: readonly FolderGrant[]): UnixRules {
  const writable = files.flatMap(({ access, host }) => (access === "read-write" ? realPathOf(host) : []));
  return { writable, closed: [], refusesLinks: false };
}

/**
 * Looks up a Unix socket that a grant names. Undefined where the path itself does as well, because no guest can change what is at
 * it, or where the system has no such look-up.
 *
 * @throws HostError acces, connrefused, noent
 */
export function holdSocket(path: string, rules: UnixRules): HeldPath | undefined {
  if (!isNeeded(rules)) return undefined;
  const { fd, inProcess } = open(settle(path, rules), rules);
  if (fstatSync(fd).isSocket()) return { path: inProcess, release: () => closeSync(fd) };
  closeSync(fd);
  throw failure("connrefused");
}

/**
 * Looks up the folder of a Unix socket that is to be made; the socket's name is behind it. Undefined as in {@link holdSocket}.
 *
 * @throws HostError acces, noent, notdir
 */
export function holdPlace(path: string, rules: UnixRules): HeldPath | undefined {
  if (!isNeeded(rules)) return undefined;
  const folder = settle(dirname(path), { ...rules, refusesLinks: false });
  const { fd, inProcess } = open(folder, rules, constants.O_DIRECTORY);
  return { path: join(inProcess, basename(path)), release: () => closeSync(fd) };
}

/** Whether a path is a folder or in it; both are real paths. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

function isNeeded({ writable, closed, refusesLinks }: UnixRules): boolean {
  return process.platform === "linux" && (refusesLinks || writable.length > 0 || closed.length > 0);
}

/** Where a path leads by links that no guest can have made. @throws HostError acces */
function settle(path: string, { writable, refusesLinks }: UnixRules): string {
  const rest = partsOf(isAbsolute(path) ? path : join(resolve(), path));
  let real = "/";
  for (let links = 0; ;) {
    const part = rest.shift();
    if (part === undefined) return real;
    if (part === "..") {
      real = dirname(real);
      continue;
    }
    const next = join(real, part);
    const target = linkAt(next);
    if (target === undefined) {
      real = next;
      continue;
    }
    const isLast = refusesLinks && rest.length === 0 && links === 0;
    if (isLast || links++ === mostLinks || writable.some((folder) => isWithin(real, folder))) throw failure("acces");
    if (isAbsolute(target)) real = "/";
    rest.unshift(...partsOf(target));
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // It is no link, or not there, which is told where it is opened.
    return undefined;
  }
}

/** Opens what is at a real path, and nothing that has been put there or on the way meanwhile. @throws HostError acces, noent */
function open(real: string, { closed }: UnixRules, flags = 0): { readonly fd: number; readonly inProcess: string } {
  let fd: number | undefined;
  try {
    fd = openSync(real, pathOnly | constants.O_NOFOLLOW | flags);
    const inProcess = `/proc/self/fd/${fd}`;
    if (readlinkSync(inProcess) !== real || closed.some((folder) => isWithin(real, folder))) throw failure("acces");
    return { fd, inProcess };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw failureOfNode(error) ?? error;
  }
}

function realPathOf(path: string): readonly string[] {
  try {
    return [realpathSync(path)];
  } catch {
    // There is no such folder: it is refused where it is opened.
    return [];
  }
}
