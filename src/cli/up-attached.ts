import { SampanError } from "../base/index.ts";
import {
  type ContainerRow,
  type OperationEnd,
  type ProjectClient,
  projectToData,
  secretValues,
} from "../compose/index.ts";
import type { ApiClient } from "../runtime/index.ts";
import { complainOf } from "./complain.ts";
import { exitStatus } from "./exit-status.ts";
import { LogLines } from "./log-lines.ts";
import { hasSwitch } from "./parse.ts";
import { createProgress, type Progress } from "./progress.ts";
import { projectFailed } from "./project-command.ts";
import type { Up } from "./up.ts";

/**
 * `up` in a terminal of a project that the engine process has: brings it up there, and shows what it writes until it ends.
 * Ctrl-C stops it, as if this process ran it.
 */
export async function upAttached(up: Up, client: ProjectClient): Promise<number> {
  const other = ["--abort-on-container-exit", "--exit-code-from"].find((name) =>
    up.parsed.options.some(({ option }) => option === name),
  );
  if (other !== undefined) {
    throw new SampanError("CLI_USAGE", `Cannot use ${other}: the project "${up.project.name}" runs in the background`, {
      hint: "stop it with sampan stop, and type the command again",
    });
  }
  return new Attached(up, client).run();
}

class Attached {
  readonly #up: Up;
  readonly #client: ProjectClient;
  readonly #progress: Progress;
  readonly #gone = new AbortController();
  #asked = 0;
  #status = 0;
  #stopping: Promise<void> | undefined;

  constructor(up: Up, client: ProjectClient) {
    this.#up = up;
    this.#client = client;
    this.#progress = createProgress(up.surroundings);
  }

  async run(): Promise<number> {
    const { parsed } = this.#up;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => this.#onSignal(signal));
    try {
      await this.#attach();
      await this.#stopping;
      if (hasSwitch(parsed, "--rm")) {
        await this.#operate((api) => this.#client.operate(api, "down", { body: {}, tell: this.#progress.tell }));
      }
    } finally {
      this.#progress.end();
    }
    return this.#status;
  }

  async #attach(): Promise<void> {
    const { project, options, surroundings } = this.#up;
    const since = new Date().toISOString();
    const body = {
      project: projectToData(project),
      options: { ...options, secrets: secretValues(project, surroundings.env) },
    };
    try {
      await this.#operate((api) => this.#client.operate(api, "up", { body, tell: this.#progress.tell }));
    } catch (error) {
      if (this.#asked > 0 && error instanceof SampanError && error.code === "PROJECT_INTERRUPTED") return;
      throw error;
    }
    this.#progress.end();
    const rows = await this.#client.rows();
    const services = [...project.services.values()].flatMap(({ name, attach }) => (attach ? name : []));
    const lines = this.#lines(rows);
    const shown = rows.flatMap(({ name, service }) => (services.includes(service) ? lines.shortName(name) : []));
    surroundings.complain(`Attaching to ${shown.join(", ")}\n`);
    const { signal } = this.#gone;
    for await (const entry of this.#client.logs({ services, follow: true, since, signal })) {
      const write = entry.stream === "stderr" ? surroundings.complain : surroundings.print;
      this.#progress.above(() => write(lines.format(entry)));
    }
  }

  #lines(rows: readonly ContainerRow[]): LogLines {
    const { project, surroundings, parsed } = this.#up;
    return new LogLines({
      env: surroundings.env,
      project: project.name,
      containers: rows.map(({ name }) => name),
      prefix: hasSwitch(parsed, "--no-log-prefix") ? "none" : "name",
      colors: hasSwitch(parsed, "--no-color") ? "none" : "auto",
      timestamps: hasSwitch(parsed, "--timestamps"),
    });
  }

  async #operate(action: (api: ApiClient) => Promise<OperationEnd>): Promise<void> {
    const api = await this.#client.reach();
    if (api !== undefined) await this.#client.gone(await action(api));
  }

  #onSignal(signal: "SIGINT" | "SIGTERM" | "SIGHUP"): void {
    const { complain } = this.#up.surroundings;
    this.#asked += 1;
    this.#status = exitStatus.signal + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];
    if (this.#asked === 1) {
      this.#progress.above(() => complain("Gracefully stopping... (press Ctrl+C again to force)\n"));
      this.#stopping = this.#stop(this.#up.options.timeout);
    } else {
      // The operation that goes on gives way to one without patience.
      this.#stopping = this.#stop(0);
    }
  }

  async #stop(timeout: number | undefined): Promise<void> {
    const body = { timeout };
    try {
      await this.#operate((api) => this.#client.operate(api, "stop", { body, tell: this.#progress.tell }));
    } catch (error) {
      complainOf(error, this.#up.surroundings);
      this.#status = projectFailed;
    } finally {
      this.#progress.end();
      this.#gone.abort();
    }
  }
}
