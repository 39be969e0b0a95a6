import { SampanError } from "../../../base/index.ts";
import {
  ComponentError,
  explainArguments,
  type ExportedFunction,
  type ExportSource,
  GuestResource,
  type GuestResourceClass,
  HostResources,
  type LinkPlan,
  type PlannedLift,
  type PlannedResource,
  type ResourceStore,
} from "../../../component/index.ts";
import { endedBefore, endingError } from "../endings.ts";
import { type CallerSide, type CallScope, endScope, isCloneError, newScope } from "./caller-side.ts";
import { crossedValue, crossValue, misfit } from "./cross-value.ts";
import type { CallAnswer, ComponentWire, HandleData } from "../../pool/component-protocol.ts";
import type { Shape } from "./shapes.ts";

const sigkill = 9;

/** What is known of an instance elsewhere, whoever looks. */
export class RemoteState {
  readonly name: string;
  #failure: unknown;
  #isEnded = false;
  #isClosed = false;

  constructor(name: string) {
    this.name = name;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** What ended it. */
  get failure(): unknown {
    return this.#failure;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Says that it takes no call any more, and by what error. */
  end(failure: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#failure = failure;
  }

  /** Says that it was killed. */
  kill(signal: number = sigkill): void {
    this.end(endingError({ kind: "signal", signal }, this.name));
  }

  close(): void {
    this.kill();
    this.#isClosed = true;
  }

  /** The error of a call that comes too late. */
  tooLate(entry: string): SampanError {
    return endedBefore(entry, { isClosed: this.#isClosed, failure: this.#failure });
  }
}

/** What a store needs beside the caller's side. */
export interface RemoteStoreParts {
  readonly side: CallerSide;
  readonly state: RemoteState;
  readonly wire: ComponentWire;
  readonly classOf: (resource: number) => GuestResourceClass;
}

/** One instance of a component elsewhere, as exports and classes of resources are made of it. */
export class RemoteStore implements ExportSource, ResourceStore {
  readonly plan: LinkPlan;
  readonly resources: HostResources;
  readonly embedding: ExportSource["embedding"] & ResourceStore["embedding"];
  readonly #parts: RemoteStoreParts;
  /** What nobody has here any more is forgotten there. */
  readonly #released: FinalizationRegistry<number>;

  constructor(parts: RemoteStoreParts) {
    const { side, state, wire } = parts;
    this.#parts = parts;
    this.plan = side.shapes.plan;
    this.resources = new HostResources(this, parts.classOf);
    this.#released = new FinalizationRegistry((resource) => wire.tell({ what: "release", resource }));
    this.embedding = embeddingOf(state);
    side.attach(this);
  }

  ownerOf(resource: number): number | undefined {
    return this.plan.resources[resource]?.owner;
  }

  resourceOf(resource: number): PlannedResource {
    const planned = this.plan.resources[resource];
    if (planned === undefined) throw new TypeError(`A plan has no resource type ${resource}`);
    return planned;
  }

  destructorOf(): (rep: number) => unknown {
    return (resource) => this.#parts.wire.ask({ what: "drop", resource });
  }

  lifted(lift: PlannedLift): ExportedFunction {
    const { shapes } = this.#parts.side;
    const name = shapes.nameOf(lift);
    const shape = shapes.export(name);
    if (shape === undefined) throw new TypeError(`A plan exports no "${name}"`);
    return (...args) => this.call(name, shape, args);
  }

  /** Has the other side forget a value once nobody has it here. */
  watched<T extends object>(value: T, id: number): T {
    this.#released.register(value, id);
    return value;
  }

  /** Calls an export there. @throws what ComponentInstance.invoke throws, ENGINE_WORKER_LOST */
  async call(name: string, shape: Shape, args: readonly unknown[]): Promise<unknown> {
    const { state, wire } = this.#parts;
    const scope = newScope();
    let answer: CallAnswer | undefined;
    try {
      answer = (await wire.ask({ what: "call", name, args: this.#leave(shape, args, scope) })) as CallAnswer;
    } catch (error) {
      if (error instanceof SampanError && error.code === "ENGINE_WORKER_LOST") state.end(error);
      // Who ended it knows better why than that its worker is gone.
      if (state.isEnded) throw state.failure;
      throw isCloneError(error) ? explainArguments(shape.type, shape.name, args) : error;
    } finally {
      endScope(scope);
      for (const given of scope.given) takeBack(given, answer);
      // What ends no instance has not reached its code, or is an answer of it.
      const isRefused = answer === undefined || (answer.ending.kind === "threw" && !answer.isEnded);
      if (isRefused) for (const run of scope.refused) run();
    }
    // What ended it on this side is known better here.
    if (answer === undefined || state.isEnded) throw state.failure;
    return this.#outcome(shape, answer);
  }

  #leave(shape: Shape, args: readonly unknown[], scope: CallScope): unknown[] {
    try {
      return shape.type.params.map((param, at) =>
        crossValue(param.type, args[at], (type, value) => this.#parts.side.leave(shape, { type, value, scope })),
      );
    } catch (error) {
      throw error === misfit ? explainArguments(shape.type, shape.name, args) : error;
    }
  }

  #outcome(shape: Shape, { ending, isEnded }: CallAnswer): unknown {
    const { side, state } = this.#parts;
    const scope = newScope();
    const arrive = (type: Shape["result"], value: unknown): unknown =>
      type === undefined
        ? undefined
        : crossedValue(type, value, (each, data) =>
            side.arrive(shape, { type: each, data: data as HandleData, scope }),
          );
    if (ending.kind === "returned") return arrive(shape.result, ending.value);
    if (ending.kind === "error") throw new ComponentError(arrive(shape.error, ending.payload));
    const error = side.errorOf(ending);
    if (isEnded) state.end(error);
    throw error;
  }
}

/** A resource that a call did not take is the caller's still. */
function takeBack(given: GuestResource, answer: CallAnswer | undefined): void {
  const handle = GuestResource.handleOf(given);
  if (handle !== undefined && (answer === undefined || answer.kept.includes(handle.rep))) handle.isGone = false;
}

function embeddingOf(state: RemoteState): RemoteStore["embedding"] {
  return {
    mode: "async",
    get isEnded() {
      return state.isEnded;
    },
    call: async (entry, run, args) => {
      if (state.isEnded) throw state.tooLate(entry);
      return run(...args);
    },
    whenIdle: (run) => {
      // Where it fails it has ended the instance, as the next call will say.
      void Promise.resolve(run()).catch(() => {});
    },
    begin: refuseSync,
    finish: refuseSync,
    failed: refuseSync,
  };
}

function refuseSync(): never {
  throw new TypeError("An instance elsewhere is never called sync");
}
