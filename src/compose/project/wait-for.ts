import { SampanError } from "../../base/index.ts";
import { timingOf } from "./health-board.ts";
import type { Member, RunningProject } from "./running-project.ts";
import { containerId, type Tell } from "./steps.ts";

/** In whose name somebody waits. */
export interface Waiting {
  readonly running: RunningProject;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** For whom: a service that starts behind it, or the command itself. */
export interface WaitFor {
  readonly waiting: string | undefined;
}

/**
 * Waits until a container is healthy; until it runs where nobody checks it and no service insists.
 *
 * @throws PROJECT_UNHEALTHY with what its last probe said, PROJECT_DEPENDENCY where it ends, PROJECT_INTERRUPTED
 */
export async function waitHealthy(around: Waiting, member: Member, { waiting }: WaitFor): Promise<void> {
  const { running, tell, signal } = around;
  const { container, data } = member;
  const { name } = data.service;
  const id = containerId(container.name);
  const isChecked = data.service.healthcheck !== undefined || data.service.image.kind === "stand-in";
  if (!isChecked) {
    if (waiting === undefined) return;
    throw new SampanError(
      "PROJECT_DEPENDENCY",
      `Cannot start "${waiting}": "${name}" has no health check to wait for`,
      {
        hint: `give "${name}" a healthcheck, or let "${waiting}" wait for service_started`,
      },
    );
  }
  tell({ id, status: "Waiting", state: "working" });
  const end = deadlineOf(running, member);
  for (;;) {
    const { state } = container.inspect();
    const health = running.health.of(container.name);
    if (state.status === "running" && health?.status === "healthy") break;
    const error = reasonToGiveUp(around, member, { waiting, isLate: running.clock.now() > end });
    if (error !== undefined) {
      tell({ id, status: "Error", state: "error", detail: error.message });
      throw error;
    }
    await changeOf(running, container.name, signal);
  }
  tell({ id, status: "Healthy", state: "done" });
}

/** When a service that is restarted again and again counts as never healthy. */
function deadlineOf(running: RunningProject, { data }: Member): number {
  const { interval, retries, startPeriod, timeout } = timingOf(data.service);
  return running.clock.now() + startPeriod + (interval + timeout) * retries;
}

function reasonToGiveUp(
  { running, signal }: Waiting,
  { container, data }: Member,
  { waiting, isLate }: { readonly waiting: string | undefined; readonly isLate: boolean },
): SampanError | undefined {
  const { name } = data.service;
  const verb = waiting === undefined ? "Cannot bring the project up" : `Cannot start "${waiting}"`;
  if (signal.aborted) return new SampanError("PROJECT_INTERRUPTED", `${verb}: the project is being stopped`);
  const { status, exitCode } = container.inspect().state;
  const hint = `see what it wrote with sampan logs ${name}`;
  if (status === "exited" || status === "dead" || status === "created") {
    return new SampanError("PROJECT_DEPENDENCY", `${verb}: "${name}" exited (${exitCode})`, { hint });
  }
  const health = running.health.of(container.name);
  if (health?.status === "unhealthy" || (isLate && health?.status !== "healthy")) {
    const said = health?.lastOutput ?? `it exits again and again (${exitCode})`;
    return new SampanError("PROJECT_UNHEALTHY", `${verb}: "${name}" is unhealthy, its last check said: ${said}`, {
      hint,
    });
  }
  return undefined;
}

/** Waits until something may have changed about a container: its health, its life, or that somebody gives up. */
async function changeOf(running: RunningProject, name: string, signal: AbortSignal): Promise<void> {
  const abort = new AbortController();
  const changed = Promise.withResolvers<void>();
  const unlisten = running.health.listen((container) => {
    if (container === name) changed.resolve();
  });
  const events = running.runtime.events({ filter: { containers: [name] }, signal: abort.signal });
  const giveUp = (): void => changed.resolve();
  signal.addEventListener("abort", giveUp);
  // One that hangs in a restart delay of a minute is looked at all the same.
  const cancel = running.clock.setTimer(1000, giveUp);
  try {
    if (!signal.aborted) await Promise.race([changed.promise, events.next()]);
  } finally {
    cancel();
    signal.removeEventListener("abort", giveUp);
    unlisten();
    abort.abort();
  }
}

/** Waits until a container has ended well. @throws PROJECT_DEPENDENCY, PROJECT_INTERRUPTED */
export async function waitCompleted(
  { tell, signal }: Waiting,
  { container, data }: Member,
  { waiting }: WaitFor,
): Promise<void> {
  const id = containerId(container.name);
  const { name } = data.service;
  tell({ id, status: "Waiting", state: "working" });
  try {
    const { exitCode } = await container.wait("not-running", { signal });
    if (exitCode !== 0) {
      const message = `Cannot start "${waiting ?? ""}": "${name}" did not complete successfully: exit ${exitCode}`;
      throw new SampanError("PROJECT_DEPENDENCY", message, { hint: `see what it wrote with sampan logs ${name}` });
    }
  } catch (error) {
    const known =
      signal.aborted && !(error instanceof SampanError)
        ? new SampanError("PROJECT_INTERRUPTED", `Cannot start "${waiting ?? ""}": the project is being stopped`)
        : error;
    tell({ id, status: "Error", state: "error", detail: known instanceof Error ? known.message : String(known) });
    throw known;
  }
  tell({ id, status: "Exited", state: "done" });
}
