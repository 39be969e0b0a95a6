import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { SampanError } from "../../base/index.ts";
import {
  type Allow,
  attenuate,
  type Grants,
  grantsFromLock,
  type Lock,
  type LockedComponent,
  lockName,
  parseLock,
} from "../../capabilities/index.ts";
import { allow, narrow } from "./allow.ts";
import { sha256Of } from "../cache/index.ts";
import type { PlaceData } from "./place.ts";

/** What a lock's grants are narrowed by. */
export interface LockOptions {
  /** What the caller allows, if it says so. */
  readonly allow?: Allow | Grants | undefined;
}

/**
 * The data with the grants that a lock has for the component; where the caller allows something, that much of them.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, LOCK_INVALID, LOCK_MISSING, LOCK_DIGEST where it is another component than the locked one,
 *   GRANT_WIDENED, GRANT_INVALID, GRANT_UNKNOWN
 */
export function checkLock(data: PlaceData, lock: string | URL, { allow: given }: LockOptions): PlaceData {
  const file = typeof lock === "string" && !lock.startsWith("file:") ? resolve(lock) : fileURLToPath(lock);
  const locked = find(data, parseLock(readLock(file), file), file);
  const cwd = dirname(file);
  const grants: Grants = grantsFromLock(locked, { cwd, lookup: (name) => process.env[name] });
  return { ...data, grants: given === undefined ? grants : narrowed(grants, given) };
}

function narrowed(grants: Grants, given: Allow | Grants): Grants {
  const parsed = allow(given);
  return parsed === given ? attenuate(grants, parsed) : narrow(grants, given as Allow);
}

/** What a lock has for a component: under its file's path; where it is of no file, under its digest. */
function find(data: PlaceData, lock: Lock, file: string): LockedComponent {
  const digest = sha256Of(data.bytes);
  if (data.file === undefined) {
    const found = [...lock.values()].find((each) => each.digest === digest);
    if (found !== undefined) return found;
    const message = `Cannot run "${data.name}": the lock "${file}" has no component of its digest`;
    throw new SampanError("LOCK_MISSING", message, { hint: "put its file into it: sampan lock add FILE" });
  }
  const name = lockName(data.file, dirname(file));
  const found = lock.get(name);
  if (found === undefined) {
    throw new SampanError("LOCK_MISSING", `Cannot run "${data.name}": the lock "${file}" says nothing of "${name}"`, {
      hint: `sampan lock add ${name}`,
    });
  }
  if (found.digest === digest) return found;
  const message = `Cannot run "${data.name}": its digest is ${digest}, and the lock "${file}" has ${found.digest}`;
  throw new SampanError("LOCK_DIGEST", message, {
    hint: `see what changed with sampan lock --check ${name}, and accept it with sampan lock add ${name}`,
    data: { digest, locked: found.digest },
  });
}

function readLock(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (code !== "ENOENT")
      throw new SampanError("FILE_UNREADABLE", `Cannot read the lock "${file}": ${code}`, { cause });
    const hint = "make it with sampan lock add FILE";
    throw new SampanError("FILE_NOT_FOUND", `Cannot find the lock "${file}"`, { cause, hint });
  }
}
