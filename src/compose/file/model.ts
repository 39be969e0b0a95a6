import type { Grants } from "../../capabilities/index.ts";
import type { RestartPolicy } from "../../runtime/index.ts";

/** A compose file with everything resolved: variables, defaults, short forms, relative paths, profiles. */
export interface Project {
  readonly name: string;
  /** Absolute path of the folder that relative paths start from: the first file's. */
  readonly folder: string;
  /** Absolute paths of the files that it was read from, the later ones laid over the earlier. */
  readonly files: readonly string[];
  /** The services whose profiles are on, in the files' order. */
  readonly services: ReadonlyMap<string, Service>;
  /** By key: the file's, and one key for each anonymous volume. */
  readonly volumes: ReadonlyMap<string, Volume>;
  /** By key; `default` is in it where a service names no network. */
  readonly networks: ReadonlyMap<string, Network>;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** Values of the variables that secrets come from, by variable; never kept on disk. */
  readonly secretValues: Readonly<Record<string, string>>;
  /** What the files say that has no effect here, as sentences with the place. */
  readonly warnings: readonly Problem[];
}

/** One service: what each of its instances runs, and with what. */
export interface Service {
  readonly name: string;
  /** The name of its one container where the file gives one; otherwise `PROJECT-SERVICE-N`. */
  readonly containerName?: string;
  readonly image: ServiceImage;
  /** The guest's arguments: argv[0] is not among them unless `argvFromFile` says so. */
  readonly args: readonly string[];
  /** Whether the file gives an `entrypoint`, whose first word is then the guest's argv[0] and the first of `args`. */
  readonly argvFromFile: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** An absolute path in the guest. */
  readonly workdir?: string;
  /** In the file's order, no target twice. */
  readonly mounts: readonly Mount[];
  readonly ports: readonly PublishedPort[];
  /** Empty for `network_mode: none`. */
  readonly networks: readonly ServiceNetwork[];
  /** Whom it waits for, without those that are not required and not there. */
  readonly dependsOn: readonly Dependency[];
  readonly healthcheck?: Healthcheck;
  readonly restart: RestartPolicy;
  /** As the file has it, such as `SIGINT` or `15`; SIGTERM where there is none. */
  readonly stopSignal?: string;
  /** Milliseconds between the stop signal and SIGKILL. */
  readonly stopGracePeriod: number;
  readonly labels: Readonly<Record<string, string>>;
  /** How many instances `up` starts. */
  readonly scale: number;
  readonly limits: ServiceLimits;
  /** Empty where it always belongs to the project. */
  readonly profiles: readonly string[];
  readonly secrets: readonly ServiceSecret[];
  /** Whom it may connect to outside the project, in the form of `--allow-net`; `grants.net.connect` has them read. */
  readonly outbound: readonly string[];
  /**
   * What the guest may do, without the project's network: env, the folders of bind mounts, working directory, outbound. Named
   * volumes and tmpfs have no folder of the host here; who runs the project adds them by `mounts`, in their order.
   */
  readonly grants: Grants;
  /** Whether its output joins what `up` shows. */
  readonly attach: boolean;
}

/** What a service runs: an artifact, or a stand-in for an image that would need a Docker Engine. */
export type ServiceImage =
  | { readonly kind: "wasm"; /** Absolute. */ readonly path: string }
  | {
      readonly kind: "stand-in";
      /** As the file has it, such as `postgres:16`. */
      readonly reference: string;
      readonly family: StandInFamily;
    };

/** The images that a stand-in takes the place of. */
export type StandInFamily = "postgres" | "nginx" | "mariadb" | "mysql";

/** What a service sees at an absolute guest path of its own. */
export type Mount =
  | {
      readonly kind: "bind";
      /** Absolute path on the host. */
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** Whether a folder that is not there is made. */
      readonly create: boolean;
    }
  | {
      readonly kind: "volume";
      /** A key of {@link Project.volumes}. */
      readonly volume: string;
      readonly target: string;
      readonly readOnly: boolean;
      /** A folder of the volume that is mounted in place of its root, relative. */
      readonly subpath?: string;
    }
  | { readonly kind: "tmpfs"; readonly target: string };

/** A port of the service that is reachable on the host. */
export interface PublishedPort {
  /** An address of the host; `0.0.0.0` where the file has none. */
  readonly hostIp: string;
  /** 0 for any free one. */
  readonly hostPort: number;
  /** Where it is there, any free port from `hostPort` to this one is taken. */
  readonly hostPortLast?: number;
  readonly guestPort: number;
  readonly protocol: "tcp" | "udp";
}

/** A network that a service is on. */
export interface ServiceNetwork {
  /** A key of {@link Project.networks}. */
  readonly name: string;
  /** Names on it besides the service's own. */
  readonly aliases: readonly string[];
}

/** A service that another one waits for. */
export interface Dependency {
  readonly service: string;
  readonly condition: "service_started" | "service_healthy" | "service_completed_successfully";
  /** Whether the waiting service restarts when compose restarts this one. */
  readonly restart: boolean;
  /** Whether the waiting service fails when this one does. */
  readonly required: boolean;
}

/** How it is found out whether a service is healthy; times are milliseconds. */
export interface Healthcheck {
  /** `shell` has one word: a command line as a shell reads it. */
  readonly kind: "exec" | "shell";
  readonly command: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  readonly retries: number;
  readonly startPeriod: number;
  readonly startInterval: number;
}

/** What each instance of a service may use at most. */
export interface ServiceLimits {
  /** Bytes. */
  readonly memory?: number;
  /** Share of one processor, such as 0.5. */
  readonly cpus?: number;
  readonly pids?: number;
  /** Milliseconds from the start to its end, from `x-sampan.timeout`. */
  readonly timeout?: number;
  readonly maxFiles?: number;
  /** Bytes of stdout and stderr together. */
  readonly maxOutput?: number;
  readonly maxThreads?: number;
}

/** A secret that a service sees as a file. */
export interface ServiceSecret {
  /** A key of {@link Project.secrets}. */
  readonly source: string;
  /** The absolute guest path, below `/run/secrets` by default. */
  readonly target: string;
}

/** A named volume, or an anonymous one under a key of its own. */
export interface Volume {
  /** The name on this machine: `PROJECT_KEY` unless the file gives one. */
  readonly name: string;
  /** One that is there already and that `down -v` keeps. */
  readonly external: boolean;
  /** One that no file names and that `down -v` removes with its service. */
  readonly anonymous: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** A network between services. */
export interface Network {
  /** The name on this machine: `PROJECT_KEY` unless the file gives one. */
  readonly name: string;
  readonly external: boolean;
  /** Whether its services are refused everything outside, what `outbound` says included. */
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** Something that services may read and nobody else; its content is in no model that is written down. */
export type Secret =
  | { readonly kind: "file"; readonly name: string; /** Absolute. */ readonly path: string }
  /** The content is the value of a variable of whoever calls `up`. */
  | { readonly kind: "environment"; readonly name: string; readonly variable: string };

/** Something wrong, or without effect, at a place of a file. */
export interface Problem {
  /** As it is shown: relative to the working directory where it is below it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in letters. */
  readonly column: number;
  /** Keys and indexes from the file's root, such as `services.web.ports[0]`; empty where the file is not YAML. */
  readonly path: string;
  /** What was found and wanted, action first, without the place. */
  readonly message: string;
  /** What to type. */
  readonly hint?: string;
  readonly code: "COMPOSE_INVALID" | "COMPOSE_UNSUPPORTED";
}

/** Where a project is read from and how it is called. */
export interface LoadOptions {
  /** As typed after `-f`, in their order; looked for from `cwd` upward where there are none. */
  readonly files?: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** The surroundings; a `.env` file beside the compose file adds what is not in them. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Files in the place of `.env`. */
  readonly envFiles?: readonly string[];
  /** Profiles that are on besides those of `COMPOSE_PROFILES`; `*` for all. */
  readonly profiles?: readonly string[];
  /** Services that are wanted by name: their profiles are on. */
  readonly services?: readonly string[];
  readonly projectName?: string;
  /** In the place of the first file's folder. */
  readonly projectDirectory?: string;
  /** Whether modules, env files and secrets have to be there, as they do unless it says otherwise. */
  readonly missingFiles?: "refuse" | "accept";
}
