import { readdirSync, readFileSync } from "node:fs";
import { hintForMissing, SampanError } from "../../base/index.ts";
import { digest } from "../../runtime/index.ts";
import type { ServedFiles } from "../config/kind-of-file.ts";
import type { ServeConfig, WorkloadConfig } from "../config/model.ts";
import type { CgiSettings, Route, ServedWorkload, WorkerConfig } from "../protocol.ts";
import { checkTls } from "./check-tls.ts";

/** A workload with all that its file says, before it has a place to run. */
export interface PlannedWorkload {
  readonly config: WorkloadConfig;
  readonly served: ServedWorkload;
}

/** What a configuration comes to once its files have been looked at. */
export interface Plan {
  readonly config: ServeConfig;
  readonly tls: WorkerConfig["tls"];
  readonly workloads: readonly PlannedWorkload[];
  readonly routes: readonly Route[];
}

/**
 * Looks at the files of a configuration. A workload whose settings and file stay as they were keeps its id.
 *
 * @throws SERVE_TLS, and what {@link ServedFiles.look} throws
 */
export function planOf(config: ServeConfig, files: ServedFiles): Plan {
  const workloads = config.workloads.map((each) => plannedWorkload(each, files));
  const ids = new Map(workloads.map(({ served }) => [served.name, served.id]));
  const routes = config.routes.map(({ host, path, to }): Route => {
    return { ...(host === undefined ? {} : { host }), path, workload: ids.get(to) ?? to };
  });
  return { config, tls: readTls(config), workloads, routes };
}

function plannedWorkload(config: WorkloadConfig, files: ServedFiles): PlannedWorkload {
  const { file, shownFile, guestPort, isIdleGiven, kind: asked, cgi: _cgi, grants, ...rest } = config;
  const { kind, stamp } = files.look(file, shownFile, asked);
  const settings = kind === "cgi" ? cgiSettings(config) : undefined;
  const served: Omit<ServedWorkload, "id"> = {
    ...rest,
    // A guest that takes connections itself may have more to do than to answer: it ends when its owner says so.
    idle: kind === "listener" && !isIdleGiven ? 0 : rest.idle,
    kind,
    file,
    grants: { ...grants },
    ...(settings === undefined ? {} : { cgi: settings }),
  };
  const id = `${config.name}@${digest(JSON.stringify([served, stamp, guestPort]))}`;
  return { config, served: { id, ...served } };
}

/** Undefined where nothing says that it runs scripts: then the program itself answers for all paths. */
function cgiSettings({ cgi, grants }: WorkloadConfig): CgiSettings | undefined {
  const { documentRoot = grants.workdir ?? grants.files[0]?.guest ?? root, ...rest } = cgi;
  const isProgram = documentRoot === root && Object.keys(rest).length === 0 && cgi.documentRoot === undefined;
  return isProgram ? undefined : { documentRoot, ...rest };
}

/** What a program sees that was granted no folder. */
const root = "/";

function readTls({ tls }: ServeConfig): WorkerConfig["tls"] {
  if (tls === undefined) return undefined;
  const pems = { cert: readPem(tls.cert), key: readPem(tls.key) };
  checkTls(tls, pems);
  return pems;
}

function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const isMissing = code === "ENOENT" || code === "ENOTDIR";
    const reason = isMissing ? "there is no such file" : code;
    throw new SampanError(isMissing ? "FILE_NOT_FOUND" : "FILE_UNREADABLE", `Cannot read "${file}": ${reason}`, {
      hint: isMissing ? hintForMissing(file, readdirSync) : undefined,
      cause,
    });
  }
}
