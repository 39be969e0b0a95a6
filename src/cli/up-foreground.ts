import { SampanError } from "../base/index.ts";
import {
  bringUp,
  type ContainerExit,
  followed,
  holderRoutes,
  liveRows,
  type ProjectLogEntry,
  ProjectHolder,
  type RunningProject,
  secretValues,
  standardRunners,
  type Step,
  stopServices,
  takeDown,
  waitHealthy,
} from "../compose/index.ts";
import { ApiServer, hostAndPort, stampOf } from "../runtime/index.ts";
import { complainOf } from "./complain.ts";
import { exitStatus } from "./exit-status.ts";
import { LogLines } from "./log-lines.ts";
import { hasSwitch, lastValue } from "./parse.ts";
import { createProgress, type Progress } from "./progress.ts";
import { projectFailed } from "./project-command.ts";
import type { Up } from "./up.ts";

/** Ports of guests behind which there is a page more often than not. */
const webPorts: ReadonlySet<number> = new Set([80, 3000, 5000, 8000, 8080]);

/** `up` in a terminal: this process holds the project until all of it has ended. */
export class Foreground {
  readonly #up: Up;
  readonly #progress: Progress;
  #running: RunningProject | undefined;
  /** How many signals asked for the end. */
  #asked = 0;
  #status = 0;
  #stopping: Promise<void> | undefined;
  readonly #ending = new AbortController();

  constructor(up: Up) {
    this.#up = up;
    this.#progress = createProgress(up.surroundings);
  }

  async run(): Promise<number> {
    const { project, places, parsed } = this.#up;
    const { runners, prepare, close } = standardRunners();
    const holder = new ProjectHolder({ places, kind: "foreground", runners });
    const opening = holder.open(project.name);
    const modules = [...project.services.values()].flatMap(({ image }) => (image.kind === "wasm" ? image.path : []));
    void prepareAll(modules, prepare);
    const running = await opening;
    this.#running = running;
    const server = await ApiServer.listen(running.places.socket, holderRoutes(holder));
    const onSignal = (signal: "SIGINT" | "SIGTERM" | "SIGHUP"): void => this.#onSignal(signal);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
    try {
      await this.#attach(running);
      await this.#stopping;
      if (hasSwitch(parsed, "--rm")) await takeDown(running, { tell: this.#progress.tell });
    } finally {
      this.#progress.end();
      await holder.close();
      server.close();
      await Promise.all([close(), server.drained()]);
    }
    return this.#status;
  }

  async #attach(running: RunningProject): Promise<void> {
    const { project, options, surroundings, parsed } = this.#up;
    const lines = new LogLines({
      env: surroundings.env,
      project: project.name,
      containers: [...project.services.values()].flatMap(({ name, scale, containerName }) =>
        containerName === undefined
          ? Array.from({ length: options.scale?.[name] ?? scale }, (_, at) => `${project.name}-${name}-${at + 1}`)
          : [containerName],
      ),
      prefix: hasSwitch(parsed, "--no-log-prefix") ? "none" : "name",
      colors: hasSwitch(parsed, "--no-color") ? "none" : "auto",
      timestamps: hasSwitch(parsed, "--timestamps"),
    });
    const secrets = secretValues(project, surroundings.env);
    const from = stampOf(Date.now());
    let isAttached = false;
    const tell = (step: Step): void => {
      if (!isAttached && step.status === "Starting") {
        isAttached = true;
        const shown = running.members().map(({ container }) => lines.shortName(container.name));
        this.#progress.above(() => surroundings.complain(`Attaching to ${shown.join(", ")}\n`));
      }
      this.#progress.tell(step);
    };
    const rising = bringUp(running, project, { options: { ...options, secrets }, tell }).then(
      () => {
        this.#progress.end();
        return this.#tellAddresses(running);
      },
      (error: unknown) => this.#onFailure(error),
    );
    const names = [...project.services.values()].flatMap(({ name, attach }) => (attach ? name : []));
    for await (const item of followed(running, { names, from })) this.#show(lines, item);
    await rising;
    this.#complainOfLoss(running);
  }

  #show(lines: LogLines, item: ProjectLogEntry | ContainerExit): void {
    const { print, complain } = this.#up.surroundings;
    if ("text" in item) {
      const write = item.stream === "stderr" ? complain : print;
      this.#progress.above(() => write(lines.format(item)));
      return;
    }
    this.#progress.above(() => print(`${lines.shortName(item.container)} exited with code ${item.exitCode}\n`));
    const from = lastValue(this.#up.parsed, "--exit-code-from");
    if (this.#asked === 0 && item.service === from) this.#status = item.exitCode;
    if (from === undefined && !hasSwitch(this.#up.parsed, "--abort-on-container-exit")) return;
    if (item.exitCode === 0 && this.#isAwaited(item.service)) return;
    if (this.#stopping === undefined) complain("Aborting on container exit...\n");
    this.#stop();
  }

  /** Says where on this machine the project can be reached, once those that say so themselves are ready. */
  async #tellAddresses(running: RunningProject): Promise<void> {
    const around = { running, tell: () => {}, signal: this.#ending.signal };
    const published = running.members().filter(({ data }) => data.ports.length > 0);
    await Promise.allSettled(published.map((member) => waitHealthy(around, member, { waiting: undefined })));
    if (this.#ending.signal.aborted) return;
    for (const { data } of published) {
      for (const { hostIp, hostPort, guestPort, protocol } of data.ports) {
        const host = hostIp === "0.0.0.0" || hostIp === "::" ? "localhost" : hostIp;
        const isPage = protocol === "tcp" && webPorts.has(guestPort);
        const address = `${isPage ? "http://" : ""}${hostAndPort(host, hostPort)}${protocol === "udp" ? "/udp" : ""}`;
        this.#up.surroundings.complain(`${data.service.name} is up at ${address}\n`);
      }
    }
  }

  /** Whether other services start once this one has completed: its end is what they wait for, and none to end all for. */
  #isAwaited(name: string): boolean {
    return [...this.#up.project.services.values()].some(({ dependsOn }) =>
      dependsOn.some(({ service, condition }) => service === name && condition === "service_completed_successfully"),
    );
  }

  /** What could not be brought up ends what could: nobody is there to run it. */
  #onFailure(error: unknown): void {
    const isAsked = error instanceof SampanError && error.code === "PROJECT_INTERRUPTED" && this.#asked > 0;
    if (!isAsked) {
      this.#progress.above(() => complainOf(error, this.#up.surroundings));
      this.#status = projectFailed;
    }
    this.#stop();
  }

  #onSignal(signal: "SIGINT" | "SIGTERM" | "SIGHUP"): void {
    const { complain } = this.#up.surroundings;
    this.#asked += 1;
    const number = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];
    this.#status = exitStatus.signal + number;
    if (this.#asked === 1) {
      this.#progress.above(() => complain("Gracefully stopping... (press Ctrl+C again to force)\n"));
      this.#stop();
      return;
    }
    for (const { container } of this.#running?.members() ?? []) void container.kill("SIGKILL").catch(() => {});
  }

  #stop(): void {
    const running = this.#running;
    this.#ending.abort();
    if (running === undefined) return;
    const { timeout } = this.#up.options;
    this.#stopping ??= stopServices(running, { tell: this.#progress.tell, timeout })
      .catch((error: unknown) => void complainOf(error, this.#up.surroundings))
      .finally(() => this.#progress.end());
  }

  #complainOfLoss(running: RunningProject): void {
    for (const { name, lostLines = 0 } of liveRows(running)) {
      if (lostLines === 0) continue;
      this.#up.surroundings.complain(
        `sampan: ${lostLines} lines of "${name}" could not be written to its log [LOG_UNWRITABLE]\n`,
      );
    }
  }
}

async function prepareAll(paths: readonly string[], prepare: (path: string) => Promise<void>): Promise<void> {
  for (const path of new Set(paths)) await prepare(path);
}
