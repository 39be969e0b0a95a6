import { isAbsolute, relative, sep } from "node:path";
import { SampanError } from "../base/index.ts";
import { flagsOf, type FlagsOptions } from "./format-flags.ts";
import { grantsFromFlags } from "./grants-from-flags.ts";
import type { Grants } from "./grants.ts";
import type { FlagContext } from "./parse-flags.ts";

/** The names that a component imports: of each interface, or module, its functions, sorted; plain ones stand under {@link plainImports}. */
export type LockedImports = Readonly<Record<string, readonly string[]>>;

/** What a lock says of one component. */
export interface LockedComponent {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly imports: LockedImports;
  /** What it may do beside the defaults: flags, each with its value behind `=`; relative paths begin at the lock's folder. */
  readonly grants: readonly string[];
}

/** Components by their paths from the lock's folder, with `/` between names. */
export type Lock = ReadonlyMap<string, LockedComponent>;

/** Stands in the place of an interface for functions that are imported by a name of their own. */
export const plainImports = "(functions)";

const version = 1;

/** The name of a file in the lock of a folder: its path from there, with `/` between names. Both are absolute paths. */
export function lockName(file: string, folder: string): string {
  const name = relative(folder, file);
  // On another drive there is no way from there.
  return isAbsolute(name) ? name : name.split(sep).join("/");
}

/** Writes a lock: sorted, one name a line, so that two changes meet only where they are about the same thing. */
export function printLock(lock: Lock): string {
  const components = Object.fromEntries(
    [...lock].toSorted(byName).map(([name, { digest, imports, grants }]) => [
      name,
      {
        digest,
        imports: Object.fromEntries(
          Object.entries(imports)
            .toSorted(byName)
            .map(([each, functions]) => [each, functions.toSorted()]),
        ),
        grants,
      },
    ]),
  );
  return `${JSON.stringify({ version, components }, null, 2)}\n`;
}

/** Reads a lock. @throws LOCK_INVALID */
export function parseLock(text: string, file: string): Lock {
  const invalid = (why: string, cause?: unknown): SampanError =>
    new SampanError("LOCK_INVALID", `Cannot read the lock "${file}": ${why}`, {
      hint: "take the file as it was before, or remove it and add its components again with sampan lock add",
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const isConflict = /^[<>=|]{7}( |$)/m.test(text);
    throw invalid(isConflict ? "it has the marks of a merge in it" : "it is not JSON", error);
  }
  if (!isObject(value) || !isObject(value["components"])) throw invalid('it has no "components"');
  if (value["version"] !== version) {
    throw invalid(`its version is ${JSON.stringify(value["version"])}, wanted ${version}`);
  }
  return new Map(
    Object.entries(value["components"]).map(([name, each]) => {
      if (!isLocked(each)) throw invalid(`what it says of "${name}" is not digest, imports and grants`);
      return [name, each];
    }),
  );
}

function isLocked(value: unknown): value is LockedComponent {
  if (!isObject(value) || typeof value["digest"] !== "string" || !/^sha256:[0-9a-f]{64}$/.test(value["digest"])) {
    return false;
  }
  const { imports, grants } = value;
  return isObject(imports) && Object.values(imports).every(isTexts) && isTexts(grants);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Grants as a lock has them. */
export function grantsToLock(grants: Grants, options: FlagsOptions): string[] {
  return flagsOf(grants, options).map(({ flag: { long }, value }) => (value === undefined ? long : `${long}=${value}`));
}

/** The grants of a lock; `cwd` is its folder. @throws GRANT_INVALID, GRANT_UNKNOWN */
export function grantsFromLock({ grants }: LockedComponent, context: FlagContext): Grants {
  const flags = grants.map((text) => {
    const at = text.indexOf("=");
    return at < 0 ? { flag: text } : { flag: text.slice(0, at), value: text.slice(at + 1) };
  });
  return grantsFromFlags(flags, context);
}

/** How a component differs from what is locked. */
export interface LockDifference {
  readonly isOtherContent: boolean;
  /** What it imports beside what is locked, and what it imports no longer. */
  readonly more: LockedImports;
  readonly less: LockedImports;
}

/** Compares a component with what is locked; undefined where there is no difference. */
export function compareWithLock(
  locked: LockedComponent,
  found: Pick<LockedComponent, "digest" | "imports">,
): LockDifference | undefined {
  const more = without(found.imports, locked.imports);
  const less = without(locked.imports, found.imports);
  const isOtherContent = locked.digest !== found.digest;
  const isSame = !isOtherContent && Object.keys(more).length === 0 && Object.keys(less).length === 0;
  return isSame ? undefined : { isOtherContent, more, less };
}

/** What one has and the other has not. */
function without(these: LockedImports, those: LockedImports): LockedImports {
  const left = Object.entries(these).flatMap(([name, functions]): [string, readonly string[]][] => {
    const known = Object.hasOwn(those, name) ? those[name] : undefined;
    const rest = functions.filter((each) => known?.includes(each) !== true);
    return rest.length > 0 || known === undefined ? [[name, rest]] : [];
  });
  return Object.fromEntries(left);
}
