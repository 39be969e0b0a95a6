import { nearest, SampanError } from "../base/index.ts";
import { type CapabilityName, capability, capabilityNames, invalidGrant } from "./catalog.ts";
import { guestParts } from "./check-files.ts";
import { defaultGrants, type FolderGrant, type Grants, type NetGrants } from "./grants.ts";
import {
  type FlagContext,
  flagNamed,
  parseClock,
  parseConnect,
  parseDir,
  parseEnv,
  parseListen,
  parsePublish,
  parseRandom,
  parseStdio,
  parseVolume,
  parseWorkdir,
} from "./parse-flags.ts";
import { parseConfigValue, parseLog, parseStore } from "./store-flags.ts";
import { climbOf, partsOf, startsWithParts } from "./paths.ts";

/** A flag by any of its names, and its value unless it is a switch. */
export interface TypedFlag {
  readonly flag: string;
  readonly value?: string | undefined;
}

/** The capability that a flag such as `-v` or `--volume` grants. */
export function capabilityOfFlag(flag: string): CapabilityName | undefined {
  return capabilityNames.find((name) => flagNamed(name, flag) !== undefined);
}

/**
 * Builds grants from flags in the order typed, on top of `base` (by default clocks, randomness and stdio). Flags of the
 * same capability add up; for the clock, randomness, stdio and the working directory the last one counts. A folder takes
 * the place of the one that `base` has under its guest name.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN
 */
export function grantsFromFlags(
  flags: readonly TypedFlag[],
  context: FlagContext,
  base: Grants = defaultGrants,
): Grants {
  const typed = flags.reduce<Grants>((grants, flag) => withFlag(grants, flag, context), { ...base, files: [] });
  const nameOf = ({ guest }: FolderGrant): string => guestParts(typed, guest).join("/");
  const names = new Set(typed.files.map(nameOf));
  const kept = base.files.filter((folder) => !names.has(nameOf(folder)));
  return checkedGrants({ ...typed, files: [...kept, ...typed.files] });
}

function withFlag(grants: Grants, { flag, value = "" }: TypedFlag, context: FlagContext): Grants {
  const name = capabilityOfFlag(flag);
  const net = (more: Partial<NetGrants>): Grants => ({
    ...grants,
    net: { ...grants.net, ...more },
  });
  switch (name) {
    case "clock":
      return { ...grants, clock: parseClock(value) };
    case "random":
      return { ...grants, random: parseRandom(value) };
    case "stdio":
      return { ...grants, stdio: parseStdio(value) };
    case "env": {
      const variable = parseEnv(value, context);
      return variable === undefined ? grants : { ...grants, env: { ...grants.env, [variable.name]: variable.value } };
    }
    case "files":
      return {
        ...grants,
        files: [...grants.files, (flag === "--dir" ? parseDir : parseVolume)(value, context)],
      };
    case "workdir":
      return { ...grants, workdir: parseWorkdir(value) };
    case "config": {
      const { key, value: text } = parseConfigValue(value);
      return { ...grants, config: { ...grants.config, [key]: text } };
    }
    case "keyvalue": {
      const store = parseStore(value, context);
      const others = grants.keyvalue.filter(({ name: known }) => known !== store.name);
      return { ...grants, keyvalue: [...others, store] };
    }
    case "log":
      return { ...grants, log: parseLog(value) };
    case "net.connect":
      return net({ connect: [...grants.net.connect, parseConnect(value, context)] });
    case "net.listen":
      return net({ listen: [...grants.net.listen, parseListen(value, context)] });
    case "net.publish":
      return net({ publish: [...grants.net.publish, parsePublish(value)] });
    case "net.dns":
      return net({ dns: true });
    case undefined: {
      const all = capabilityNames.flatMap((each) => capability(each).flags.map(({ long }) => long));
      const near = nearest(flag, all);
      throw new SampanError("GRANT_UNKNOWN", `Cannot grant "${flag}": no capability has that flag`, {
        hint: near === undefined ? undefined : `Did you mean "${near}"`,
      });
    }
  }
}

/**
 * Grants whose parts fit together: no two folders under one name, and a working directory that a folder contains.
 *
 * @throws GRANT_INVALID
 */
export function checkedGrants(grants: Grants): Grants {
  const { files, workdir } = grants;
  const names = new Set<string>();
  for (const { guest } of files) {
    const name = guestParts(grants, guest).join("/");
    // The guest gets its working directory under the name ".", whatever else is granted.
    if (names.has(name) || (workdir !== undefined && guest === ".")) {
      throw invalidGrant(capability("files").flags[0], guest, `two folders have the guest name "${guest}"`);
    }
    names.add(name);
  }
  if (workdir !== undefined && !files.some(({ guest }) => guest.startsWith("/") && containsGuest(guest, workdir))) {
    const problem = "no granted folder contains it";
    throw new SampanError("GRANT_INVALID", `Cannot read --workdir "${workdir}": ${problem}`, {
      hint: `grant it with -v HOST:${workdir}`,
      data: { flag: capability("workdir").flags[0].long, value: workdir, problem },
    });
  }
  return grants;
}

/** Whether a guest path begins with a folder's guest name and does not climb out of it again. */
export function containsGuest(folder: string, path: string): boolean {
  const [outer, inner] = [partsOf(folder), partsOf(path)];
  return startsWithParts(inner, outer) && climbOf(inner.slice(outer.length)) === 0;
}
