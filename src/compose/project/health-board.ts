import {
  type Clock,
  type Health,
  HealthMonitor,
  type HealthTiming,
  parseProbe,
  type Probe,
  type Process,
  type ProbeTarget,
  runProbe,
} from "../../runtime/index.ts";
import type { Service } from "../file/model.ts";
import type { ServiceWorkload } from "./service-workload.ts";

/** How often a stand-in that says by itself whether it is ready is asked, where the file has no check for it; in ms. */
const ownTiming = { interval: 30_000, timeout: 30_000, retries: 3, startPeriod: 0 };
/** The least time in which a stand-in that is not ready does not count as failed: a file's times are meant for what it stands in for. */
const standInStart = 60_000;

/** The health of the containers that run, by name. */
export class HealthBoard {
  readonly #clock: Clock;
  readonly #monitors = new Map<string, HealthMonitor>();
  readonly #listeners = new Set<(container: string) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What is known of a container's health; undefined where nobody checks it. */
  of(container: string): Health | undefined {
    return this.#monitors.get(container)?.health;
  }

  /** Hears of each change until the answer is called. */
  listen(listener: (container: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Watches one run of a container to its end. */
  watch({ service, container }: ServiceWorkload, process: Process, socketOf: ProbeTarget["socketOf"]): void {
    this.#monitors.get(container)?.stop();
    this.#monitors.delete(container);
    const probe = probeOf(service);
    if (probe === undefined) return;
    const target: ProbeTarget = { socketOf, isReady: readiness(process) };
    const monitor = new HealthMonitor({
      timing: timingOf(service),
      clock: this.#clock,
      probe: (signal) => runProbe(probe, target, signal),
      onChange: () => this.#tell(container),
    });
    this.#monitors.set(container, monitor);
    const end = (): void => {
      monitor.stop();
      if (this.#monitors.get(container) === monitor) this.#monitors.delete(container);
      this.#tell(container);
    };
    void process.exited.then(end, end);
  }

  #tell(container: string): void {
    for (const listener of this.#listeners) listener(container);
  }
}

/** When a service is checked. */
export function timingOf({ healthcheck, image }: Service): HealthTiming {
  const timing: HealthTiming = healthcheck ?? ownTiming;
  if (image.kind === "wasm") return timing;
  return { ...timing, startPeriod: Math.max(timing.startPeriod, standInStart) };
}

/** What a service is checked by: its file's check, or what a stand-in says of itself. @throws HEALTH_UNKNOWN */
export function probeOf({ name, healthcheck, image }: Service): Probe | undefined {
  if (healthcheck !== undefined) return parseProbe({ ...healthcheck, names: [name] });
  return image.kind === "stand-in" ? { kind: "ready" } : undefined;
}

function readiness(process: Process): ProbeTarget["isReady"] {
  let isReady: boolean | undefined = process.ready === undefined ? undefined : false;
  void process.ready?.then(() => (isReady = true));
  return () => (process.probe === undefined ? Promise.resolve(isReady) : process.probe());
}
