import { SampanError } from "../base/index.ts";
import { type Allow, allowed } from "./allow.ts";
import { attenuate } from "./attenuate.ts";
import { locate } from "./check-files.ts";
import { folderFlag, typedFlag } from "./format-flags.ts";
import { type FolderGrant, type Grants, noGrants } from "./grants.ts";
import type { FlagContext } from "./parse-flags.ts";
import { joinHost } from "./paths.ts";
import { formatStore } from "./store-flags.ts";

/**
 * What is to be handed on: as in {@link Allow}. Folders may be named by what the guest sees alone, and variables, configuration values
 * and stores by their names: they are what is granted there.
 */
export interface Narrower extends Omit<Allow, "dirs"> {
  /** Guest paths within what is granted, as they are (a list) or with less: `{ "/in/today": "ro" }`. */
  readonly dirs?: readonly string[] | Allow["dirs"];
}

/**
 * Grants that hand on less. They are what `less` says; of what it does not name, clocks, randomness and stdio stay, and nothing else.
 *
 * @throws GRANT_WIDENED, naming the flag of what is more than granted; GRANT_INVALID, GRANT_UNKNOWN
 */
export function narrow(grants: Grants, less: Narrower, context: FlagContext): Grants {
  const { dirs, ...others } = less;
  const { clock, random, stdio } = grants;
  const said: Allow = { ...others, ...namedAlone(grants, less) };
  const folders = dirs === undefined ? {} : folderMap(dirs);
  const [kept, given] = [
    Object.entries(folders).filter(isKept),
    Object.entries(folders).filter((each) => !isKept(each)),
  ];
  const base: Grants = {
    ...noGrants,
    clock,
    random,
    stdio,
    files: kept.map(([guest, access]) => within(grants, guest, access)),
  };
  return attenuate(
    grants,
    allowed({ ...said, dirs: Object.fromEntries(given) as NonNullable<Allow["dirs"]> }, context, base),
  );
}

function folderMap(dirs: NonNullable<Narrower["dirs"]>): Record<string, unknown> {
  return isList(dirs)
    ? Object.fromEntries(dirs.map((guest) => [String(guest), true]))
    : Object.fromEntries(Object.entries(dirs));
}

/** Whether a folder is named by its guest path alone. */
function isKept([, access]: readonly [string, unknown]): boolean {
  return access === true || access === "ro" || access === "rw";
}

/** The granted folder that a guest path leads to, or one within it. */
function within(grants: Grants, guest: string, access: unknown): FolderGrant {
  const found = locate(grants, guest);
  const own = access === "ro" ? "read-only" : access === "rw" ? "read-write" : found?.grant.access;
  if (found === undefined || own === undefined || found.climb > 0) {
    const message = `Cannot narrow the grants to the folder "${guest}": no granted folder contains it`;
    const flag = folderFlag({ host: "HOST", guest, access: own ?? "read-only" });
    throw new SampanError("GRANT_WIDENED", message, { data: { flag } });
  }
  return { host: joinHost(found.grant.host, found.rest), guest, access: own };
}

/** What is named alone, of variables, configuration values and stores, is what is granted under that name. */
function namedAlone(grants: Grants, { env, config, keyvalue }: Narrower): Partial<Allow> {
  const stores = Object.fromEntries(grants.keyvalue.map((each) => [each.name, formatStore(each)]));
  const whole = (values: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `${name}=${value}`]));
  return {
    ...(isList(env) ? { env: valued(env, "env", whole(grants.env)) } : {}),
    ...(isList(config) ? { config: valued(config, "config", whole(grants.config)) } : {}),
    ...(isList(keyvalue) ? { keyvalue: valued(keyvalue, "keyvalue", stores) } : {}),
  };
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** `NAME=VALUE` for each name; `granted` has those that are. */
function valued(
  names: readonly unknown[],
  capability: "env" | "config" | "keyvalue",
  granted: Readonly<Record<string, string>>,
): string[] {
  return names.map((each) => {
    const name = String(each);
    if (name.includes("=")) return name;
    const value = Object.hasOwn(granted, name) ? granted[name] : undefined;
    if (value !== undefined) return value;
    const flag = typedFlag(capability, name);
    throw new SampanError("GRANT_WIDENED", `Cannot narrow the grants to "${flag}": it is not granted`, {
      data: { flag },
    });
  });
}
