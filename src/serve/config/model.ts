import type { Grants } from "../../capabilities/index.ts";
import type { FrontLimits } from "../front/front.ts";
import type { CgiSettings, ServedWorkload } from "../protocol.ts";
import type { HostPort } from "./settings.ts";

/** What a server is to do, read and checked, with all defaults put in. */
export interface ServeConfig {
  readonly addr: HostPort;
  readonly admin: HostPort | undefined;
  readonly workers: number;
  /** Bytes of JavaScript heap of a worker. */
  readonly workerHeap: number | undefined;
  /** Absolute paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly accessLog: "off" | "text" | "json";
  /** An absolute path. */
  readonly audit: string | undefined;
  /** Ms. */
  readonly drain: number;
  /** CIDR. */
  readonly trusted: readonly string[];
  readonly limits: FrontLimits;
  readonly workloads: readonly WorkloadConfig[];
  readonly routes: readonly RouteConfig[];
  /** Absolute paths of the files that all of this was read from, besides the workloads' own. */
  readonly sources: readonly string[];
}

/** What one workload is to be. */
export interface WorkloadConfig extends Pick<
  ServedWorkload,
  "name" | "args" | "limits" | "features" | "isolation" | "mostReuses" | "cordon" | "idle" | "warm"
> {
  /** Absolute. */
  readonly file: string;
  /** Instances kept for later requests, in each worker. */
  readonly pool: number;
  /** As it was typed, for errors and tables. */
  readonly shownFile: string;
  /** Undefined where the file itself is to say it. */
  readonly kind: ServedWorkload["kind"] | undefined;
  readonly grants: Grants;
  readonly cgi: Partial<CgiSettings>;
  readonly guestPort: number;
  /** Whether `idle` was asked for. */
  readonly isIdleGiven: boolean;
}

/** Which requests a workload gets. */
export interface RouteConfig {
  /** Lower case; exact or `*.suffix`, any where it is undefined. */
  readonly host: string | undefined;
  readonly path: string;
  /** A workload's name. */
  readonly to: string;
}
