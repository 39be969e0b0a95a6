import { preview1Modules } from "../abi/index.ts";
import {
  type AccessRequest,
  type CapabilityName,
  capability,
  capabilityNames,
  check,
  type Grants,
  probes,
} from "../capabilities/index.ts";
import type { ComponentInfo, ModuleInfo } from "../wasm/index.ts";

/** A capability that a guest will ask for, as far as its imports tell. */
export interface Need {
  readonly capability: CapabilityName;
  /** Whether a guest has it without a flag. */
  readonly byDefault: boolean;
  /** The form of the flag that grants it. */
  readonly flag: string;
  /** The imports that say so. */
  readonly imports: readonly string[];
}

const byDefault: ReadonlySet<CapabilityName> = new Set(["clock", "random", "stdio"]);

/** What each call of the WASI modules asks for, beside those that are named after what they do (`path_…`). */
const capabilitiesOfCalls: ReadonlyMap<string, readonly CapabilityName[]> = new Map<string, readonly CapabilityName[]>([
  ["clock_res_get", ["clock"]],
  ["clock_time_get", ["clock"]],
  ["random_get", ["random"]],
  ["fd_read", ["stdio"]],
  ["fd_write", ["stdio"]],
  ["environ_get", ["env"]],
  ["environ_sizes_get", ["env"]],
  ["fd_readdir", ["files"]],
  ["sock_accept", ["net.listen"]],
  ["sock_bind", ["net.listen"]],
  ["sock_listen", ["net.listen"]],
  ["sock_connect", ["net.connect"]],
  ["sock_send_to", ["net.connect"]],
  ["sock_getaddrinfo", ["net.dns"]],
]);

/** The same for a component's imports, by how their names begin. */
const capabilitiesOfInterfaces: readonly (readonly [prefix: string, names: readonly CapabilityName[]])[] = [
  ["wasi:cli/environment", ["env"]],
  ["wasi:cli/std", ["stdio"]],
  ["wasi:clocks/", ["clock"]],
  ["wasi:filesystem/", ["files"]],
  ["wasi:http/outgoing-handler", ["net.connect"]],
  ["wasi:http/client", ["net.connect"]],
  ["wasi:random/", ["random"]],
  ["wasi:config/", ["config"]],
  ["wasi:keyvalue/", ["keyvalue"]],
  ["wasi:logging/", ["log"]],
  ["spin:postgres/postgres", ["net.connect"]],
  ["fermyon:spin/postgres", ["net.connect"]],
  ["wasi:sockets/ip-name-lookup", ["net.dns"]],
  ["wasi:sockets/tcp", ["net.connect", "net.listen"]],
  ["wasi:sockets/udp", ["net.connect", "net.listen"]],
];

/** Calls that change a folder whatever their arguments are. */
const changingCalls: ReadonlySet<string> = new Set([
  "path_create_directory",
  "path_filestat_set_times",
  "path_link",
  "path_remove_directory",
  "path_rename",
  "path_symlink",
  "path_unlink_file",
]);

/** The capabilities that a module or component will ask for, in the catalog's order. */
export function needsOf(info: ModuleInfo | ComponentInfo): Need[] {
  const asked = new Map<CapabilityName, Set<string>>();
  for (const [name, capabilities] of askingImports(info)) {
    for (const each of capabilities) asked.set(each, (asked.get(each) ?? new Set()).add(name));
  }
  return capabilityNames.flatMap((name): Need[] => {
    const imports = asked.get(name);
    if (imports === undefined) return [];
    return [{ capability: name, byDefault: byDefault.has(name), flag: flagForm(name), imports: [...imports].sort() }];
  });
}

function askingImports(info: ModuleInfo | ComponentInfo): [string, readonly CapabilityName[]][] {
  if (info.kind === "component") {
    return info.imports.map(({ name }) => [
      name,
      capabilitiesOfInterfaces.find(([prefix]) => name.startsWith(prefix))?.[1] ?? [],
    ]);
  }
  return info.imports
    .filter(({ module, kind }) => kind === "function" && Object.hasOwn(preview1Modules, module))
    .map(({ name }) => [
      name,
      capabilitiesOfCalls.get(name.replace(/^(sock_.+)_v2$/, "$1")) ?? (name.startsWith("path_") ? ["files"] : []),
    ]);
}

/** The form of a capability's first flag, such as `-v HOST:GUEST[:ro|rw]`. */
function flagForm(name: CapabilityName): string {
  const { long, short, value } = capability(name).flags[0];
  return value === undefined ? (short ?? long) : `${short ?? long} ${value}`;
}

/**
 * What grants leave out of some needs: those with at least one import that no grant covers, and only these imports. The
 * same `check` decides that decides when the guest runs.
 */
export function leftOut(needs: readonly Need[], grants: Grants): Need[] {
  const allowed = probes(grants)
    .flatMap(({ request }): AccessRequest[] =>
      // What may be connected to by name may be resolved.
      request.capability === "net.connect" ? [request, { capability: "net.dns", name: request.host }] : [request],
    )
    .filter((request) => check(grants, request).allowed);
  return needs.flatMap((need) => {
    const imports = need.imports.filter(
      (name) =>
        !allowed.some((request) =>
          request.capability === "files"
            ? need.capability === "files" && (request.operation === "write" || !changingCalls.has(name))
            : request.capability === need.capability,
        ),
    );
    return imports.length === 0 ? [] : [{ ...need, imports }];
  });
}
