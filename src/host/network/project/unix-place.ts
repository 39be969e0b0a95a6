import { closeSync, constants, fstatSync, openSync, readlinkSync } from "node:fs";
import { failure, failureOfNode } from "../../../base/index.ts";

/** O_PATH of Linux, which Node does not name: the file itself, neither opened nor followed. */
const pathOnly = 0o10_000_000;

/** A Unix socket of the machine's that was looked up once, so that nothing else can be put in its place. */
export interface HeldSocket {
  /** What leads to exactly that socket until it is released. */
  readonly path: string;
  release(): void;
}

/**
 * Looks up a Unix socket that a grant names. A guest may write in the folder that it is in: what is a link, and what leads into
 * `folders`, is refused.
 *
 * @throws HostError acces, connrefused
 */
export function holdSocket(path: string, folders: readonly string[]): HeldSocket {
  if (process.platform !== "linux") return { path, release: () => {} };
  let fd: number;
  try {
    fd = openSync(path, pathOnly | constants.O_NOFOLLOW);
  } catch (error) {
    throw failureOfNode(error) ?? error;
  }
  try {
    const inProcess = `/proc/self/fd/${fd}`;
    const real = readlinkSync(inProcess);
    if (!fstatSync(fd).isSocket() || folders.some((folder) => isWithin(real, folder))) throw failure("acces");
    return { path: inProcess, release: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw failureOfNode(error) ?? error;
  }
}

/** Whether a path is a folder or in it; both are real paths. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}
