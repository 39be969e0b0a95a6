import type { Problems } from "./problems.ts";
import { describe, keyPath, type Spot, type Tree } from "./tree.ts";

/** What becomes of a key of the specification. */
export type Support =
  /** It does what the specification says. */
  | "honoured"
  /** A Wasm service has what it asks for anyway, or it only describes. */
  | "accepted"
  /** It has no effect, which is told. */
  | "warned"
  /** An error by name. */
  | "refused";

/** A key of the specification and what becomes of it. */
export interface SupportRow {
  /** Keys from the root; `*` is any name or index. */
  readonly key: string;
  readonly support: Support;
  /** What it does here, or why it does nothing. */
  readonly note: string;
  /** What to do instead of one that is refused. */
  readonly hint?: string;
}

const linux = "it is about Linux containers: a guest has its limits and grants instead";
const withDocker = "leave it out, or run this service in Docker";

type Short = readonly [key: string, support: Support, note: string, hint?: string];

const service: readonly Short[] = [
  ["annotations", "accepted", "descriptions for other tools"],
  ["attach", "honoured", "whether `up` shows the service's output"],
  ["blkio_config", "warned", linux],
  ["build", "refused", "Sampan builds no images yet", "build the module first and name it: image: ./app.wasm"],
  [
    "cap_add",
    "refused",
    "a guest has no Linux capabilities to add",
    "grant what it needs: volumes, ports, x-sampan.outbound",
  ],
  ["cap_drop", "accepted", "a guest has no Linux capabilities"],
  ["cgroup", "warned", linux],
  ["cgroup_parent", "warned", linux],
  ["command", "honoured", "the guest's arguments; text is split as a shell splits it"],
  ["configs", "refused", "there are no configs yet", "mount the file's folder under volumes:, or use secrets:"],
  ["container_name", "honoured", "with one instance only"],
  ["cpu_count", "warned", linux],
  ["cpu_percent", "warned", linux],
  ["cpu_period", "warned", linux],
  ["cpu_quota", "warned", linux],
  ["cpu_rt_period", "warned", linux],
  ["cpu_rt_runtime", "warned", linux],
  ["cpu_shares", "warned", linux],
  ["cpus", "honoured", "as `deploy.resources.limits.cpus`"],
  ["cpuset", "warned", linux],
  ["credential_spec", "refused", "it is about Windows containers", withDocker],
  ["deploy", "honoured", "as far as there is a row for it below"],
  ["depends_on", "honoured", "with all three conditions, `restart` and `required`"],
  ["develop", "accepted", "only `compose watch` reads it"],
  ["device_cgroup_rules", "refused", "a guest has no devices", withDocker],
  ["devices", "refused", "a guest has no devices", withDocker],
  ["dns", "warned", "names are resolved by the project's network, then by this machine"],
  ["dns_opt", "warned", "names are resolved by the project's network, then by this machine"],
  ["dns_search", "warned", "names are resolved by the project's network, then by this machine"],
  ["domainname", "warned", "a guest has no host name of its own"],
  ["entrypoint", "honoured", "its first word is argv[0]; `command` follows"],
  ["env_file", "honoured", "with `required` and `format: raw`"],
  ["environment", "honoured", "exactly these variables, and no others of this machine"],
  ["expose", "accepted", "services on one network reach every port"],
  ["extends", "refused", "services cannot extend others yet", "use a YAML anchor and <<, or a second file with -f"],
  ["external_links", "refused", "containers outside the project are not reached", "name the host in x-sampan.outbound"],
  [
    "extra_hosts",
    "refused",
    "names cannot be given addresses yet",
    "use the service's name, or name the address itself",
  ],
  ["gpus", "refused", "a guest has no GPU", withDocker],
  ["group_add", "warned", "a guest acts as the user who runs sampan"],
  ["healthcheck", "honoured", "as a probe: there is no shell, so well-known commands are understood"],
  ["hostname", "warned", "a guest has no host name of its own; others reach it by the service's name and its aliases"],
  ["image", "honoured", "a .wasm file, or an image that a stand-in takes the place of"],
  ["init", "accepted", "there are no processes to reap"],
  ["ipc", "refused", "guests share no memory", withDocker],
  ["isolation", "warned", "a guest is isolated by its grants"],
  ["label_file", "honoured", "in the format of an env file"],
  ["labels", "honoured", ""],
  ["links", "refused", "links are of before networks", "use the service's name, or networks: with aliases:"],
  ["logging", "warned", "Sampan keeps each container's log itself, bounded and rotated"],
  ["mac_address", "warned", "a guest has no network interface"],
  ["mem_limit", "honoured", "as `deploy.resources.limits.memory`"],
  ["mem_reservation", "warned", linux],
  ["mem_swappiness", "warned", linux],
  ["memswap_limit", "warned", linux],
  ["models", "refused", "there are no models", withDocker],
  ["network_mode", "honoured", "`none`, or `bridge` for the network `default`; others are errors by name"],
  ["networks", "honoured", "with `aliases`"],
  ["oom_kill_disable", "warned", linux],
  ["oom_score_adj", "warned", linux],
  ["pid", "refused", "guests see no processes", withDocker],
  ["pids_limit", "honoured", "as `deploy.resources.limits.pids`"],
  ["platform", "honoured", "`wasi/wasm` and the like for a .wasm file"],
  ["ports", "honoured", "short and long, ranges, tcp and udp"],
  ["post_start", "refused", "there are no hooks yet", "run it as a service of its own that depends_on this one"],
  ["pre_start", "refused", "there are no hooks yet", "use a service and condition: service_completed_successfully"],
  ["pre_stop", "refused", "there are no hooks yet", "handle the stop signal in the program"],
  [
    "privileged",
    "refused",
    "a guest has grants and nothing else",
    "grant what it needs: volumes, ports, x-sampan.outbound",
  ],
  ["profiles", "honoured", ""],
  ["provider", "refused", "services come from no other tools", withDocker],
  ["pull_policy", "accepted", "nothing is pulled"],
  ["pull_refresh_after", "accepted", "nothing is pulled"],
  ["read_only", "accepted", "a guest has no file system besides its mounts"],
  ["restart", "honoured", ""],
  ["runtime", "honoured", "any of the known runtimes of Wasm for a .wasm file"],
  ["scale", "honoured", "as `deploy.replicas`"],
  ["secrets", "honoured", "as files below /run/secrets"],
  ["security_opt", "accepted", "a guest has its grants and nothing else"],
  ["shm_size", "warned", linux],
  ["stdin_open", "accepted", "the guest's standard input is empty"],
  ["stop_grace_period", "honoured", ""],
  ["stop_signal", "honoured", ""],
  ["storage_opt", "warned", linux],
  ["sysctls", "warned", linux],
  ["tmpfs", "honoured", "a folder that is removed with the container"],
  ["tty", "accepted", "output is no terminal"],
  ["ulimits", "warned", "`x-sampan.limits` bounds files, threads and output"],
  ["use_api_socket", "refused", "guests do not reach the engine", "leave it out"],
  ["user", "warned", "a guest acts as the user who runs sampan, within its grants"],
  ["userns_mode", "warned", linux],
  ["uts", "warned", linux],
  ["volumes", "honoured", "binds of folders, named and anonymous volumes, tmpfs"],
  ["volumes_from", "refused", "mounts are not inherited", "list the volumes in both services"],
  ["working_dir", "honoured", "an absolute path below a mount"],
  ["x-sampan", "honoured", "what the specification has no key for; see below"],
];

const parts: readonly Short[] = [
  ["services.*.deploy.endpoint_mode", "accepted", "instances answer in turn"],
  ["services.*.deploy.labels", "accepted", "descriptions for other tools"],
  ["services.*.deploy.mode", "honoured", "`replicated` and `global`, which is one instance"],
  ["services.*.deploy.placement", "warned", "there is one machine"],
  ["services.*.deploy.replicas", "honoured", ""],
  ["services.*.deploy.resources.limits", "honoured", "`cpus`, `memory`, `pids`"],
  ["services.*.deploy.resources.reservations.cpus", "warned", "nothing is reserved"],
  ["services.*.deploy.resources.reservations.devices", "refused", "a guest has no devices", withDocker],
  ["services.*.deploy.resources.reservations.generic_resources", "warned", "nothing is reserved"],
  ["services.*.deploy.resources.reservations.memory", "warned", "nothing is reserved"],
  ["services.*.deploy.restart_policy", "honoured", "`condition` and `max_attempts`, where there is no `restart`"],
  ["services.*.deploy.rollback_config", "warned", "`up` replaces instances at once"],
  ["services.*.deploy.update_config", "warned", "`up` replaces instances at once"],
  ["services.*.networks.*.aliases", "honoured", ""],
  ["services.*.networks.*.driver_opts", "warned", "networks are Sampan's own"],
  ["services.*.networks.*.gw_priority", "accepted", "there is no gateway"],
  ["services.*.networks.*.interface_name", "warned", "a guest has no network interface"],
  ["services.*.networks.*.ipv4_address", "warned", "addresses are given out by Sampan; use the name"],
  ["services.*.networks.*.ipv6_address", "warned", "addresses are given out by Sampan; use the name"],
  ["services.*.networks.*.link_local_ips", "warned", "a guest has no network interface"],
  ["services.*.networks.*.mac_address", "warned", "a guest has no network interface"],
  ["services.*.networks.*.priority", "accepted", "networks have no order"],
  ["services.*.secrets.*.gid", "warned", "a guest acts as the user who runs sampan"],
  ["services.*.secrets.*.mode", "warned", "secrets are read-only"],
  ["services.*.secrets.*.uid", "warned", "a guest acts as the user who runs sampan"],
  ["services.*.volumes.*.bind.create_host_path", "honoured", ""],
  ["services.*.volumes.*.bind.propagation", "warned", linux],
  ["services.*.volumes.*.bind.recursive", "accepted", ""],
  ["services.*.volumes.*.bind.selinux", "accepted", ""],
  ["services.*.volumes.*.consistency", "accepted", ""],
  ["services.*.volumes.*.image", "refused", "images are not mounted", "mount a folder"],
  ["services.*.volumes.*.tmpfs.mode", "warned", "the folder is the user's own"],
  ["services.*.volumes.*.tmpfs.size", "warned", "the folder has no size of its own"],
  ["services.*.volumes.*.volume.labels", "accepted", ""],
  ["services.*.volumes.*.volume.nocopy", "accepted", "nothing is copied into a new volume"],
  ["services.*.volumes.*.volume.subpath", "honoured", ""],
];

const top: readonly Short[] = [
  ["configs", "accepted", "a service that uses one is refused"],
  ["include", "refused", "files are not included yet", "name both files: -f compose.yaml -f other.yaml"],
  ["models", "refused", "there are no models", withDocker],
  ["name", "honoured", ""],
  ["networks", "honoured", ""],
  ["networks.*.attachable", "accepted", ""],
  ["networks.*.driver", "honoured", "`bridge` and `overlay` are Sampan's own network; others are refused"],
  ["networks.*.driver_opts", "warned", "networks are Sampan's own"],
  ["networks.*.enable_ipv4", "accepted", ""],
  ["networks.*.enable_ipv6", "warned", "addresses of a project are IPv4"],
  ["networks.*.external", "honoured", ""],
  ["networks.*.internal", "honoured", "its services reach nothing outside, whatever `x-sampan.outbound` says"],
  ["networks.*.ipam", "warned", "addresses are given out by Sampan; use names"],
  ["networks.*.labels", "honoured", ""],
  ["networks.*.name", "honoured", ""],
  ["secrets", "honoured", ""],
  ["secrets.*.driver", "refused", "secrets come from a file or a variable", "write file: or environment:"],
  ["secrets.*.driver_opts", "refused", "secrets come from a file or a variable", "write file: or environment:"],
  ["secrets.*.environment", "honoured", ""],
  ["secrets.*.external", "refused", "secrets come from a file or a variable", "write file: or environment:"],
  ["secrets.*.file", "honoured", ""],
  ["secrets.*.labels", "accepted", ""],
  ["secrets.*.name", "honoured", ""],
  ["secrets.*.template_driver", "refused", "secrets come from a file or a variable", "write file: or environment:"],
  ["services", "honoured", ""],
  ["version", "warned", "Compose ignores it; it can be removed"],
  ["volumes", "honoured", ""],
  ["volumes.*.driver", "honoured", "`local`; others are refused"],
  ["volumes.*.driver_opts", "refused", "a volume is a folder of Sampan's own", "bind a folder: ./data:/data"],
  ["volumes.*.external", "honoured", ""],
  ["volumes.*.labels", "honoured", ""],
  ["volumes.*.name", "honoured", ""],
];

const rowOf = ([key, support, note, hint]: Short): SupportRow => ({
  key,
  support,
  note,
  ...(hint === undefined ? {} : { hint }),
});

/** What becomes of each key of the specification: the guide's table is made from it, and each key of the schema is in it. */
export const supportTable: readonly SupportRow[] = [
  ...top,
  ...service.map(([key, ...rest]): Short => [`services.*.${key}`, ...rest]),
  ...parts,
].map(rowOf);

const rowsByKey: ReadonlyMap<string, SupportRow> = new Map(supportTable.map((row) => [row.key, row]));

/** Whether the table has a key, also one that the schema is too old for. */
export function isInTable(key: string): boolean {
  return rowsByKey.has(key);
}

/** Tells what of a tree has no effect and what is refused, by the table. */
export function checkSupport(tree: Tree, problems: Problems, { services }: { services: ReadonlySet<string> }): void {
  visit({ tree, spot: tree.spot, path: "", pattern: "", problems, services });
}

interface Visit {
  readonly tree: Tree;
  readonly spot: Spot;
  readonly path: string;
  readonly pattern: string;
  readonly problems: Problems;
  /** The services that are part of the project. */
  readonly services: ReadonlySet<string>;
}

/** Keys below which names are the user's own. */
const named = /^(?:services|networks|volumes|secrets|configs|models|services\.\*\.networks)$/;

function visit({ tree, spot, path, pattern, problems, services }: Visit): void {
  const row = rowsByKey.get(pattern);
  if (row !== undefined && asksForSomething(tree)) {
    const { support, note, hint } = row;
    if (support === "warned") problems.warn({ spot, path, message: `${path} has no effect: ${note}`, hint });
    if (support === "refused") {
      problems.unsupported({ spot, path, message: `Cannot run with ${path}: ${note}`, hint });
      return;
    }
  }
  if (tree.kind === "list") {
    for (const [index, item] of tree.items.entries())
      visit({ tree: item, spot: item.spot, path: `${path}[${index}]`, pattern: `${pattern}.*`, problems, services });
  }
  if (tree.kind !== "map" || pattern.split(".").length > 7) return;
  for (const [key, { key: keySpot, value }] of tree.entries) {
    if (pattern === "services" && !services.has(key)) continue;
    const step = named.test(pattern) ? "*" : key;
    const next = pattern === "" ? step : `${pattern}.${step}`;
    visit({ tree: value, spot: keySpot, path: keyPath(path, key), pattern: next, problems, services });
  }
}

/** Whether a value asks for anything: `privileged: false` and an empty list do not. */
function asksForSomething(tree: Tree): boolean {
  if (tree.kind === "map") return tree.entries.size > 0;
  if (tree.kind === "list") return tree.items.length > 0;
  return !["nothing", "false", '""', '"false"'].includes(describe(tree));
}
