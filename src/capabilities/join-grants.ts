import { checkedGrants } from "./grants-from-flags.ts";
import type { FolderGrant, Grants, StoreGrant } from "./grants.ts";
import { stdioNames } from "./parse-flags.ts";

/** Folders with each that is named twice, on both sides alike, once: with the wider access of the two. */
export function joinFolders(folders: readonly FolderGrant[]): FolderGrant[] {
  const joined = new Map<string, FolderGrant>();
  for (const folder of folders) {
    const key = JSON.stringify([folder.host, folder.guest]);
    const known = joined.get(key);
    joined.set(key, known === undefined || known.access === "read-only" ? folder : known);
  }
  return [...joined.values()];
}

/** Stores with each name once: the last one of that name counts, in the place of the first. */
export function joinStores(stores: readonly StoreGrant[]): StoreGrant[] {
  return [...new Map(stores.map((store) => [store.name, store])).values()];
}

/**
 * Grants and some more of them, as when lines join a grants file: a clock and randomness only where there was none.
 *
 * @throws GRANT_INVALID where the two do not fit together
 */
export function joinGrants(grants: Grants, more: Grants): Grants {
  const { clock, random, stdio, env, files, workdir, config, keyvalue, log, net } = grants;
  return checkedGrants({
    clock: clock.kind === "none" ? more.clock : clock,
    random: random.kind === "none" ? more.random : random,
    stdio: stdioNames.filter((name) => stdio.includes(name) || more.stdio.includes(name)),
    env: { ...more.env, ...env },
    files: joinFolders([...files, ...more.files]),
    ...(workdir === undefined ? {} : { workdir }),
    config: { ...more.config, ...config },
    keyvalue: joinStores([...more.keyvalue, ...keyvalue]),
    log: log.kind === "none" ? more.log : log,
    net: {
      connect: [...net.connect, ...more.net.connect],
      listen: [...net.listen, ...more.net.listen],
      publish: [...net.publish, ...more.net.publish],
      dns: net.dns || more.net.dns,
    },
  });
}
