import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SampanError } from "../../base/index.ts";
import type { ProjectNetworkConfig } from "../../engine/index.ts";

/** Images that a program of ours or the system's stands in for. */
export type StandInFamily = "postgres" | "nginx" | "mariadb" | "mysql";

/** A folder or file of the host's that a stand-in finds at a path of the image's. */
export interface StandInMount {
  /** Absolute path on the host. */
  readonly source: string;
  /** Absolute path in the container. */
  readonly target: string;
  readonly readOnly: boolean;
}

/** What a stand-in runs: the data of a Workload of the kind `stand-in`. */
export interface StandInWorkload {
  readonly family: StandInFamily;
  /** The image that the file asks for. */
  readonly reference: string;
  /** The container's command, where there is one. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly StandInMount[];
  readonly network: ProjectNetworkConfig;
}

/** Where a path of the container's is on the host; undefined where no mount covers it. */
export function hostPathOf(mounts: readonly StandInMount[], path: string): string | undefined {
  const covers = ({ target }: StandInMount): boolean => path === target || path.startsWith(`${withoutSlash(target)}/`);
  const mount = mounts.filter(covers).toSorted((a, b) => b.target.length - a.target.length)[0];
  if (mount === undefined) return undefined;
  const rest = path.slice(withoutSlash(mount.target).length);
  return rest === "" ? mount.source : join(mount.source, rest);
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

/**
 * A variable, or the content of the file that its `_FILE` variant names, without line ends at its end.
 *
 * @throws STAND_IN_CONFIG where both are there, or the file is not
 */
export function variable({ env, mounts }: Pick<StandInWorkload, "env" | "mounts">, name: string): string | undefined {
  const value = env[name];
  const file = env[`${name}_FILE`];
  if (file === undefined) return value;
  if (value !== undefined) throw configError(`"${name}" and "${name}_FILE" are both set`, "leave one of them out");
  const path = hostPathOf(mounts, file);
  try {
    if (path !== undefined) return readFileSync(path, "utf8").replace(/[\r\n]+$/, "");
  } catch {
    // It is told below.
  }
  throw configError(`"${name}_FILE" names "${file}", which is not there`, "mount a secret or file there");
}

/** What is wrong with how a stand-in is set up. */
export function configError(what: string, hint?: string): SampanError {
  return new SampanError("STAND_IN_CONFIG", `Cannot start the stand-in: ${what}`, { hint });
}
