import {
  accessSync,
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { hintForMissing, SampanError } from "../base/index.ts";

/** What the system's codes mean for a file that somebody named. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ELOOP: "its symbolic links lead in a circle",
  ENAMETOOLONG: "its name is too long",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is no folder",
  EPERM: "permission denied",
  EROFS: "it lies on a read-only file system",
};

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}

/** Why a file cannot be used, in words where the code is one that people meet. */
function reasonOf(cause: unknown): string {
  const code = codeOf(cause);
  return reasons[code] ?? code;
}

/** A module's file as it was read. */
export interface ArtifactFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the system said of the file before it was read. */
  readonly stat: BigIntStats;
}

/**
 * Reads the file of a module.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, GUEST_NOT_RUNNABLE for a folder
 */
export function readArtifact(file: string): ArtifactFile {
  try {
    const fd = openSync(file, "r");
    try {
      const stat = fstatSync(fd, { bigint: true });
      return { stat, bytes: readFileSync(fd) };
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new SampanError("FILE_NOT_FOUND", `Cannot find "${file}": there is no such file`, {
        hint: hintForMissing(file, readdirSync),
        cause,
      });
    const kind = code === "EISDIR" ? "GUEST_NOT_RUNNABLE" : "FILE_UNREADABLE";
    throw new SampanError(kind, `Cannot read "${file}": ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Reads a text file; `what` says for errors what is in it.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE
 */
export function readText(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const isMissing = codeOf(cause) === "ENOENT";
    const reason = isMissing ? "there is no such file" : reasonOf(cause);
    const code = isMissing ? "FILE_NOT_FOUND" : "FILE_UNREADABLE";
    const hint = isMissing ? hintForMissing(file, readdirSync) : undefined;
    throw new SampanError(code, `Cannot read ${what} from "${file}": ${reason}`, { hint, cause });
  }
}

/**
 * Says before a guest runs whether a file can be written when it has run; nothing is made or changed.
 *
 * @throws FILE_UNREADABLE
 */
export function checkWritable(file: string): void {
  try {
    if (statSync(file, { throwIfNoEntry: false }) === undefined) accessSync(`${folderOf(file)}/.`, constants.W_OK);
    else if (statSync(file).isDirectory()) throw cannotWrite(file, "it is a folder");
    else accessSync(file, constants.W_OK);
  } catch (cause) {
    throw cause instanceof SampanError ? cause : cannotWrite(file, unwritable(cause), cause);
  }
}

/** Writes a text file. @throws FILE_UNREADABLE */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw cannotWrite(file, unwritable(cause), cause);
  }
}

/** The folder that a file is to be made in; a name with a slash at its end, or none, is no file's. */
function folderOf(file: string): string {
  if (file === "") throw cannotWrite(file, "it has no name");
  if (file.endsWith("/")) throw cannotWrite(file, "it is named like a folder");
  return dirname(file);
}

function unwritable(cause: unknown): string {
  return codeOf(cause) === "ENOENT" ? "there is no such folder" : reasonOf(cause);
}

function cannotWrite(file: string, reason: string, cause?: unknown): SampanError {
  return new SampanError("FILE_UNREADABLE", `Cannot write "${file}": ${reason}`, { cause });
}
