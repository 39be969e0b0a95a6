import { realpathSync } from "node:fs";
import { SampanError } from "../../base/index.ts";
import type { FolderGrant } from "../../capabilities/index.ts";
import type { NetworkBackend } from "./backend.ts";
import { directNetwork } from "./direct.ts";
import type { ProjectNetworkConfig } from "./project/config.ts";
import { projectNetwork } from "./project/project-network.ts";
import { isWithin, unixRulesOf } from "./unix-place.ts";

/** What guests' sockets are made of, as it is given: functions, or a project's network as data. */
export type NetworkChoice = NetworkBackend | ProjectNetworkConfig;

/** Whether a network is given as data, which can go to another thread or process. */
export function isNetworkData(network: NetworkChoice): network is ProjectNetworkConfig {
  return "folder" in network;
}

/**
 * The network that was chosen, the machine's own where none was.
 *
 * @throws NETWORK_FOLDER, and GRANT_INVALID where a guest that is granted `files` could change what the network is made of
 */
export function networkOf(network: NetworkChoice | undefined, files: readonly FolderGrant[]): NetworkBackend {
  if (network === undefined) return directNetwork(unixRulesOf(files));
  const backend = isNetworkData(network) ? projectNetwork(network, unixRulesOf(files)) : network;
  for (const folder of backend.own?.folders ?? []) {
    const grant = files.find(({ access, host }) => access === "read-write" && meets(host, folder));
    if (grant === undefined) continue;
    const message = `Cannot grant "${grant.host}" as "${grant.guest}" for writing: the sockets of projects are in "${folder}"`;
    throw new SampanError("GRANT_INVALID", message, { hint: "grant a folder beside it, or grant it read-only" });
  }
  return backend;
}

function meets(granted: string, folder: string): boolean {
  try {
    const real = realpathSync(granted);
    return isWithin(real, folder) || isWithin(folder, real);
  } catch {
    // There is no such folder: it is refused where it is opened.
    return false;
  }
}
