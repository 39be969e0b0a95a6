import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { handlerComponent } from "../../../guests/http-handler.ts";
import type { FromWorker, ServedWorkload, WorkerConfig, WorkerReport } from "../protocol.ts";
import { RawClient, wideLimits } from "./front-fixture.ts";
import type { MakeFront } from "./front.ts";
import { ServingWorker } from "./worker.ts";
import { workloadSettings } from "./served-fixture.ts";

/** A worker in this thread, and what it said. */
export class TestWorker {
  readonly worker: ServingWorker;
  readonly messages: FromWorker[] = [];
  readonly #t: TestContext;
  #wake: () => void = () => {};
  #generation = 0;
  #reports = 0;

  constructor(t: TestContext, makeFront?: MakeFront) {
    this.#t = t;
    const send = (message: FromWorker): void => {
      this.messages.push(message);
      this.#wake();
      // What runs elsewhere, tests run themselves.
      if (message.kind === "wake") queueMicrotask(() => this.worker.receive({ kind: "awake", id: message.id }));
    };
    this.worker = new ServingWorker({ send, ...(makeFront === undefined ? {} : { makeFront }) });
    t.after(() => this.worker.close());
  }

  /** Resolves with the first message of a kind that is as it is wanted. */
  async said<K extends FromWorker["kind"]>(
    kind: K,
    isWanted: (message: Extract<FromWorker, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<FromWorker, { kind: K }>> {
    for (;;) {
      for (const message of this.messages) {
        if (message.kind === kind && isWanted(message as never)) return message as never;
        if (message.kind === "failed" && kind !== "failed") throw new Error(message.error.message);
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Gives it workloads and routes, all others as they are for tests, and resolves once they hold. */
  async configure(config: Partial<WorkerConfig>): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    this.worker.receive({ kind: "configure", config: workerConfig({ generation, ...config }) });
    await this.said("configured", (message) => message.generation === generation);
  }

  async connect(): Promise<RawClient> {
    const { address } = await this.said("ready");
    const client = new RawClient(address.port === 0 ? connect(address.host) : connect(address.port, address.host));
    this.#t.after(() => client.close());
    return client;
  }

  async report(): Promise<WorkerReport> {
    this.#reports += 1;
    const id = this.#reports;
    this.worker.receive({ kind: "report", id });
    return (await this.said("report", (message) => message.id === id)).report;
  }

  /** The first line of a kind that has a text. */
  async line(kind: "access" | "operator" | "guest" | "audit", text: string): Promise<string> {
    const found = await this.said("lines", (message) => message[kind]?.some((line) => line.includes(text)) === true);
    return found[kind]?.find((line) => line.includes(text)) ?? "";
  }
}

/** A configuration of a worker's that nothing is special about: one workload has all paths. */
export function workerConfig(config: Partial<WorkerConfig> = {}): WorkerConfig {
  const { workloads = [] } = config;
  return {
    generation: 1,
    listen: { host: "127.0.0.1", port: 0 },
    routes: workloads.map(({ id, name }, index) => ({ path: index === 0 ? "/" : `/${name}`, workload: id })),
    workloads,
    limits: wideLimits,
    trusted: [],
    accessLog: "off",
    cache: false,
    ...config,
  };
}

const bodies = {
  /** Answers with an empty response. */
  answer: undefined,
  /** `unreachable`. */
  trap: [0x00],
  /** Loops for ever. */
  spin: [0x03, 0x40, 0x0c, 0x00, 0x0b],
  /** Returns without an answer. */
  silent: [],
  /** Drops the request and then traps, with the answer given. */
  late: [0x20, 1, 0x41, 0, 0x10, 0, 0x10, 1, 0x10, 2, 0x00],
} as const;

/** A file of a component that behaves in one of these ways. */
export function handlerFile(t: TestContext, behaviour: keyof typeof bodies = "answer"): string {
  const folder = mkdtempSync(join(tmpdir(), "sampan-worker-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, `${behaviour}.wasm`);
  const body = bodies[behaviour];
  writeFileSync(file, body === undefined ? handlerComponent() : handlerComponent(body));
  return file;
}

/** A workload of that component. */
export function handlerWorkload(
  t: TestContext,
  behaviour: keyof typeof bodies = "answer",
  settings: Partial<ServedWorkload> = {},
): ServedWorkload {
  return workloadSettings({ id: `${behaviour}@1`, name: behaviour, file: handlerFile(t, behaviour), ...settings });
}
