import type { ByteSource, ErrorData } from "../base/index.ts";
import type { LogLimits } from "./log/container-log.ts";
import type { Ending, Workload } from "./process.ts";
import type { RestartPolicy } from "./restart.ts";
import type { SignalName } from "./signals.ts";

/** What a container is made with. */
export interface ContainerConfig {
  readonly workload: Workload;
  /** One is made up where it is left out. */
  readonly name?: string | undefined;
  /** `no` by default. */
  readonly restart?: RestartPolicy | undefined;
  /** What {@link Container.stop} sends first: `SIGTERM` by default, in any spelling that Docker takes. */
  readonly stopSignal?: string | undefined;
  /** The grace period of {@link Container.stop} in ms, 10,000 by default; a negative one never ends. */
  readonly stopTimeout?: number | undefined;
  /** Removes the container once it has ended, as `docker run --rm`. Goes with the restart policy `no` alone. */
  readonly autoRemove?: boolean | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly log?: Partial<LogLimits> | undefined;
}

/** A configuration with nothing left open. */
export interface ResolvedConfig {
  readonly workload: Workload;
  readonly restart: RestartPolicy;
  readonly stopSignal: SignalName;
  readonly stopTimeout: number;
  readonly autoRemove: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly log: LogLimits;
}

/**
 * Where a container is in its life, in Docker's words: `restarting` waits for its next run, `dead` could not be removed
 * whole.
 */
export type ContainerStatus = "created" | "running" | "restarting" | "exited" | "dead";

/** What changes about a container. */
export interface ContainerState {
  readonly status: ContainerStatus;
  /** Of the last run; 0 before the first one has ended and while one goes on. */
  readonly exitCode: number;
  /** How the last run ended, or why it could not be started. Left out while one goes on. */
  readonly ending?: Ending | undefined;
  /** RFC 3339. */
  readonly startedAt?: string | undefined;
  /** RFC 3339; that of the run before while one goes on. */
  readonly finishedAt?: string | undefined;
  /** Restarts by the policy since somebody started it. */
  readonly restartCount: number;
  /** The wait before the last of them in ms. */
  readonly restartDelay: number;
  /** Whether somebody asked for the end of the last run. */
  readonly manuallyStopped: boolean;
  /** Why it is `dead`. */
  readonly removalError?: ErrorData | undefined;
}

/** All of a container as plain data: {@link Runtime.restore} makes the container of it again. */
export interface ContainerRecord {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly config: ResolvedConfig;
  readonly state: ContainerState;
}

/** A container as {@link Container.inspect} shows it. */
export interface ContainerView extends ContainerRecord {
  readonly log: {
    /** Entries that could not be written. */
    readonly lost: number;
    /** Why the last of them could not. */
    readonly failure?: ErrorData;
  };
}

/** How {@link Container.start} is asked. */
export interface StartOptions {
  /** Input for this run; restarts by the policy have none. */
  readonly stdin?: ByteSource | undefined;
}

/** How {@link Container.stop} and {@link Container.restart} are asked. */
export interface StopOptions {
  /** The grace period in ms in place of the configured one. */
  readonly timeout?: number | undefined;
}
