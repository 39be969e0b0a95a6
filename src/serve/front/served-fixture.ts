import { BodyPipe, type HttpField, type OutgoingResponseParts } from "../../engine/index.ts";
import type { ServedWorkload } from "../protocol.ts";
import type { FrontExchange } from "./front.ts";
import { Peers } from "./forwarded.ts";
import { WorkloadMetrics } from "./metrics.ts";
import { noUsage, type Runner } from "./runner.ts";
import { ServedRequest } from "./served-request.ts";
import { Workload, type WorkloadParts } from "./workload.ts";

/** An exchange without a connection: what was answered can be seen, and its client be made to leave. */
export class FakeExchange implements FrontExchange {
  readonly request: FrontExchange["request"];
  readonly remote = { address: "192.0.2.1", port: 1 };
  readonly isSecure = false;
  readonly informed: number[] = [];
  bytesIn = 0;
  answered: { status: number; fields: string[]; text?: string } | undefined;
  response: OutgoingResponseParts | undefined;
  /** What its body was broken off with. */
  broken: unknown;
  /** Whether its body came to its end. */
  isWhole = false;
  #done: (isWhole: boolean) => void = () => {};

  constructor({ path = "/", method = "GET", fields = [] as readonly HttpField[] } = {}) {
    this.request = { method, scheme: "http", authority: "a", path, fields, body: {} as never };
  }

  get isAnswered(): boolean {
    return this.answered !== undefined;
  }

  get bytesOut(): number {
    return this.answered?.text?.length ?? this.response?.body?.written ?? 0;
  }

  inform(status: number): void {
    this.informed.push(status);
  }

  respond(response: OutgoingResponseParts): void {
    this.response = response;
    this.answered = {
      status: response.status,
      fields: response.fields.map(([name, value]) => `${name}: ${String(value)}`),
    };
    if (response.body === undefined) this.finish();
    else
      response.body.attach({
        write: () => true,
        end: () => this.finish(),
        fail: (error) => {
          this.broken = error;
          this.#done(false);
        },
      });
  }

  fail(): void {
    throw new Error("Nobody calls it");
  }

  reply(status: number, fields: readonly (readonly [string, string])[], text: string): void {
    this.answered = { status, fields: fields.map(([name, value]) => `${name}: ${value}`), text };
    this.finish();
  }

  onEnd(done: (isWhole: boolean) => void): void {
    this.#done = done;
  }

  finish(): void {
    this.isWhole = true;
    this.#done(true);
  }

  /** The client closes its connection. */
  leave(): void {
    this.#done(false);
  }
}

let ids = 0;

/** A request on an exchange. */
export function servedRequest(front: FakeExchange): ServedRequest {
  ids += 1;
  const id = `r${ids}`;
  return new ServedRequest({
    front,
    origin: new Peers([]).originOf(front.remote.address),
    nextId: () => id,
    prefix: "",
  });
}

/** Answers when it is told to. */
export class FakeRunner implements Runner {
  readonly begun: ServedRequest[] = [];
  readonly #ends: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  readonly idle = 0;
  warmed = 0;
  isClosed = false;

  get inUse(): number {
    return this.#ends.length;
  }

  answer(request: ServedRequest): Promise<void> {
    this.begun.push(request);
    return new Promise((resolve, reject) => this.#ends.push({ resolve, reject }));
  }

  /** The first that is not done returns, or fails. */
  settle(error?: unknown): void {
    const end = this.#ends.shift();
    if (error === undefined) end?.resolve();
    else end?.reject(error);
  }

  warm(count: number): Promise<void> {
    this.warmed = count;
    return Promise.resolve();
  }

  usage(): typeof noUsage {
    return { ...noUsage, calls: this.begun.length };
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Settings of a workload that nothing is special about. */
export function workloadSettings(settings: Partial<ServedWorkload> = {}): ServedWorkload {
  return {
    id: "app@1",
    name: "app",
    kind: "component",
    file: "",
    args: [],
    grants: {},
    limits: { maxConcurrent: 100, maxQueue: 100 },
    features: [],
    isolation: "request",
    cordon: "shared",
    idle: 0,
    warm: 0,
    ...settings,
  };
}

/** A workload whose runner is a fake one, and what it said. */
export function testWorkload(
  settings: Partial<ServedWorkload> = {},
  start: WorkloadParts["start"] = () => Promise.resolve(new FakeRunner()),
) {
  const runners: Runner[] = [];
  const failures: string[] = [];
  const sent: ServedRequest[] = [];
  let isClosed = false;
  const workload = new Workload({
    settings: workloadSettings(settings),
    metrics: new WorkloadMetrics("app"),
    start: async () => {
      const runner = await start();
      runners.push(runner);
      return runner;
    },
    onFailure: (_request, failure) => failures.push(failure.reason),
    onSent: (request) => sent.push(request),
    onCold: ({ message }) => failures.push(message),
    onClosed: () => (isClosed = true),
  });
  const take = (front = new FakeExchange()): FakeExchange => {
    workload.take(servedRequest(front));
    return front;
  };
  return { workload, runners, failures, sent, take, isClosed: () => isClosed };
}

/** Lets everything happen that waits for nothing. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A body to be answered with. */
export function answerBody(): BodyPipe {
  return new BodyPipe({ sizeError: "HTTP-response-body-size" });
}
