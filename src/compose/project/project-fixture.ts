import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import {
  type Clock,
  type Ending,
  type Process,
  type ProcessIo,
  projectPlaces,
  type Runner,
  type Workload,
} from "../../runtime/index.ts";
import type { Project, Service } from "../file/model.ts";
import { ProjectHolder } from "./project-holder.ts";
import type { Step } from "./steps.ts";

const root = mkdtempSync(join(tmpdir(), "sampan-p-"));
after(() => rmSync(root, { recursive: true }));

/** A folder of its own. */
export const newFolder = (): string => mkdtempSync(join(root, "f-"));

/** A module's file that is there; fake runners never read it. */
export const modulePath = import.meta.filename;

/** A service that runs this file's name and nothing else, but for what is given. */
export function fakeService(name: string, change: Partial<Service> = {}): Service {
  return {
    name,
    image: { kind: "wasm", path: modulePath },
    args: [],
    argvFromFile: false,
    env: {},
    mounts: [],
    ports: [],
    networks: [{ name: "default", aliases: [] }],
    dependsOn: [],
    restart: { name: "no" },
    stopGracePeriod: 10_000,
    labels: {},
    scale: 1,
    limits: {},
    profiles: [],
    secrets: [],
    outbound: [],
    grants: {
      clock: { kind: "real" },
      random: { kind: "system" },
      stdio: ["stdin", "stdout", "stderr"],
      env: {},
      files: [],
      config: {},
      keyvalue: [],
      log: { kind: "none" },
      net: { connect: [], listen: [], publish: [], dns: false },
    },
    attach: true,
    ...change,
  };
}

/** A project of services. */
export function fakeProject(services: readonly Service[], change: Partial<Project> = {}): Project {
  return {
    name: "shop",
    folder: "/shop",
    files: ["/shop/compose.yaml"],
    services: new Map(services.map((service) => [service.name, service])),
    volumes: new Map(),
    networks: new Map([["default", { name: "shop_default", external: false, internal: false, labels: {} }]]),
    secrets: new Map(),
    secretValues: {},
    warnings: [],
    ...change,
  };
}

/** What a service waits for. */
export function needs(
  service: string,
  condition: Service["dependsOn"][number]["condition"] = "service_started",
): Service["dependsOn"][number] {
  return { service, condition, restart: false, required: true };
}

/** A clock that stands until it is moved. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 0, 31, 12);
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimer(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on, timer by timer, as long as something is not done. */
  async until(done: Promise<unknown>): Promise<void> {
    let isDone = false;
    const end = (): void => void (isDone = true);
    done.then(end, end);
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (isDone) return;
      const [next] = [...this.#timers].toSorted((a, b) => a.at - b.at);
      if (next === undefined) continue;
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.callback();
    }
  }
}

/** A run that does what the test says. */
export class FakeRun implements Process {
  readonly exited: Promise<Ending>;
  readonly workload: Workload;
  readonly io: ProcessIo;
  readonly #resolve: (ending: Ending) => void;
  isReady = true;

  constructor(workload: Workload, io: ProcessIo) {
    this.workload = workload;
    this.io = io;
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.exited = promise;
    this.#resolve = resolve;
  }

  probe(): Promise<boolean> {
    return Promise.resolve(this.isReady);
  }

  end(): void {
    this.#resolve({ kind: "signal", signal: 15 });
  }

  exit(code: number): void {
    this.#resolve({ kind: "exit", code });
  }

  async write(text: string): Promise<void> {
    for (let bytes = Buffer.from(text); bytes.length > 0;) bytes = bytes.subarray(await this.io.stdout.write(bytes));
  }
}

/** Starts runs and remembers in which order things began and ended. */
export class FakeRunner implements Runner {
  readonly runs: FakeRun[] = [];
  readonly order: string[] = [];
  onStart: (name: string, run: FakeRun) => void = () => {};

  async start(workload: Workload, io: ProcessIo): Promise<Process> {
    const run = new FakeRun(workload, io);
    await Promise.resolve();
    const { args = [] } = workload.data as { readonly args?: readonly string[] };
    const name = args.at(-1) ?? "";
    this.runs.push(run);
    this.order.push(`+${name}`);
    void run.exited.then(() => this.order.push(`-${name}`));
    this.onStart(name, run);
    return run;
  }
}

/** A holder in a folder of its own, with steps as text; each service's last argument is the name that the runner notes. */
export function holderOf({ folder = newFolder(), clock }: { readonly folder?: string; readonly clock?: Clock } = {}) {
  const runner = new FakeRunner();
  const places = { state: join(folder, "state"), run: join(folder, "run") };
  const holder = new ProjectHolder({
    places,
    kind: "foreground",
    runners: { wasm: runner, "stand-in": runner },
    clock,
  });
  const steps: string[] = [];
  const tell = ({ id, status, detail }: Step): void => void steps.push(id === "" ? (detail ?? "") : `${id} ${status}`);
  return { folder, places, own: projectPlaces(places, "shop"), runner, holder, steps, tell };
}

/** Every file and folder below one, for what is to be left of it. */
export function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => {
    return statSync(join(folder, name)).isFile() || readdirSync(join(folder, name)).length === 0;
  });
}
