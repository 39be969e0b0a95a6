import { SampanError } from "../../../base/index.ts";
import { ComponentError, explainResult, GuestResource, type HostFunction } from "../../../component/index.ts";
import { thrownData, thrownFrom } from "../../pool/link.ts";
import { errorCase } from "../guest-streams.ts";
import { crossedValue, crossValue, type HandleType, misfit } from "./cross-value.ts";
import type {
  CallEnding,
  ComponentAsk,
  ComponentNote,
  ComponentWire,
  HandleData,
  ThrewEnding,
} from "../../pool/component-protocol.ts";
import type { RemoteStore } from "./remote-store.ts";
import type { Shape, Shapes } from "./shapes.ts";
import { StreamEnds } from "./stream-ends.ts";

/** What a call lends and gives away, and what is to be done when it is over. */
export interface CallScope {
  /** Resources of the guest's that it is to take. */
  readonly given: GuestResource[];
  readonly after: (() => void)[];
  /** What is to be done where the call does not begin. */
  readonly refused: (() => void)[];
}

/** The scope of a call that begins. */
export function newScope(): CallScope {
  return { given: [], after: [], refused: [] };
}

/** Ends what a call had lent. */
export function endScope(scope: CallScope): void {
  for (const run of scope.after) run();
}

/** Something that the guest's side has and the caller's cannot look into. */
export class DistantObject {
  readonly #store: RemoteStore;
  readonly #id: number;

  constructor(store: RemoteStore, id: number) {
    this.#store = store;
    this.#id = id;
  }

  /** Its number there; undefined where it is none of this instance's. */
  static idOf(value: unknown, store: RemoteStore): number | undefined {
    const isOne = typeof value === "object" && value !== null && #id in value;
    return isOne && value.#store === store ? value.#id : undefined;
  }
}

/** What a caller's side is made with. */
export interface CallerParts {
  /** One for each import. */
  readonly hosts: readonly HostFunction[];
  readonly wire: ComponentWire;
  /** Ends the instance with an error of the caller's. */
  readonly fail: (error: unknown) => void;
}

/** What the caller's side has of one component elsewhere, for as long as that lives: its functions, objects and streams. */
export class CallerSide {
  readonly shapes: Shapes;
  readonly streams: StreamEnds;
  readonly #parts: CallerParts;
  /** Collected where nobody here has anything of the instance any more. */
  #store: WeakRef<RemoteStore> | undefined;
  readonly #objects = new Map<number, unknown>();
  readonly #thrown = new Map<number, unknown>();
  #lastId = 0;

  constructor(shapes: Shapes, parts: CallerParts) {
    this.shapes = shapes;
    this.#parts = parts;
    this.streams = new StreamEnds(parts.wire);
  }

  attach(store: RemoteStore): void {
    this.#store = new WeakRef(store);
  }

  /** Answers what the guest's side asks. */
  answer(ask: ComponentAsk): unknown {
    switch (ask.what) {
      case "host-call":
        return this.#callHost(ask.import, ask.args);
      case "pull":
        return this.streams.pull(ask.stream);
      case "push":
        return this.streams.push(ask.stream, ask.bytes);
      case "call":
      case "drop":
        throw new TypeError(`The caller's side is not asked to ${ask.what}`);
    }
  }

  /** Hears what the guest's side says. */
  hear(note: ComponentNote): void {
    if (note.what === "cancel") this.streams.cancel(note.stream);
    else if (note.what === "caller-drop") this.#dropped(note.object);
  }

  /** The error of a call: the caller's own where a function of the caller's threw it. */
  errorOf({ token, thrown }: ThrewEnding): unknown {
    if (token === undefined || !this.#thrown.has(token)) return thrownFrom(thrown);
    const error = this.#thrown.get(token);
    this.#thrown.delete(token);
    return error;
  }

  /** A resource on its way to the guest. @throws COMPONENT_VALUE */
  leave(shape: Shape, { type, value, scope }: { type: HandleType; value: unknown; scope: CallScope }): HandleData {
    const store = this.#reachStore();
    const resource = shape.numberOf(type);
    if (!this.shapes.isHosts(resource)) {
      const guest = store.resources.fromHost(resource, value, type.kind) as number;
      const handle = GuestResource.handleOf(value);
      if (type.kind === "own") scope.given.push(value as GuestResource);
      else if (handle !== undefined) {
        handle.lends += 1;
        scope.after.push(() => (handle.lends -= 1));
      }
      return { guest };
    }
    const there = DistantObject.idOf(value, store);
    if (there !== undefined) return { there };
    const stream = this.shapes.streamNameOf(resource);
    const offered = stream === undefined ? undefined : this.streams.offer(stream, value);
    if (offered !== undefined) return offered;
    store.resources.fromHost(resource, value, type.kind);
    this.#lastId += 1;
    const caller = this.#lastId;
    this.#objects.set(caller, value);
    (type.kind === "borrow" ? scope.after : scope.refused).push(() => this.#objects.delete(caller));
    return { caller };
  }

  /** A resource that came from the guest. */
  arrive(shape: Shape, { type, data, scope }: { type: HandleType; data: HandleData; scope: CallScope }): unknown {
    const store = this.#reachStore();
    if ("stream" in data) return this.streams.take(data);
    if ("there" in data) return store.watched(new DistantObject(store, data.there), data.there);
    if ("caller" in data) {
      const object = this.#objects.get(data.caller);
      if (type.kind === "own") this.#objects.delete(data.caller);
      return object;
    }
    const resource = shape.numberOf(type);
    const made = store.resources.toHost({ resource, rep: data.guest }, type.kind) as GuestResource;
    const handle = GuestResource.handleOf(made);
    if (type.kind === "own") return store.watched(made, data.guest);
    if (handle !== undefined) scope.after.push(() => (handle.isGone = true));
    return made;
  }

  /** Gives up what it has. */
  close(): void {
    this.streams.close();
    this.#objects.clear();
  }

  #reachStore(): RemoteStore {
    const store = this.#store?.deref();
    if (store === undefined) throw new TypeError("Nobody has the instance any more");
    return store;
  }

  #dropped(object: number): void {
    const value = this.#objects.get(object);
    this.#objects.delete(object);
    if (typeof value !== "object" || value === null || !(Symbol.dispose in value)) return;
    try {
      if (typeof value[Symbol.dispose] === "function") (value as Disposable)[Symbol.dispose]();
    } catch (error) {
      this.#parts.fail(error);
    }
  }

  /** Calls a function of the caller's; what it throws for the error case is what the same function means here. */
  async #callHost(number: number, args: readonly unknown[]): Promise<CallEnding> {
    const shape = this.shapes.import(number);
    const scope = newScope();
    try {
      const values = shape.type.params.map((param, at) =>
        crossedValue(param.type, args[at], (type, data) =>
          this.arrive(shape, { type, data: data as HandleData, scope }),
        ),
      );
      const host = this.#parts.hosts[number];
      if (host === undefined) throw new TypeError(`No function was given for import ${number}`);
      return { kind: "returned", value: this.#cross(shape, await host.call(...(values as never[])), shape.result) };
    } catch (error) {
      return this.#failed(shape, error);
    } finally {
      endScope(scope);
    }
  }

  #failed(shape: Shape, error: unknown): CallEnding {
    const meant = shape.isFallible ? errorCase(error) : error;
    if (!shape.isFallible || !(meant instanceof ComponentError)) return this.#threw(error);
    try {
      return { kind: "error", payload: this.#cross(shape, meant.payload, shape.error) };
    } catch (misfitting) {
      return this.#threw(misfitting);
    }
  }

  #cross(shape: Shape, value: unknown, type: Shape["result"]): unknown {
    if (type === undefined) return undefined;
    const scope = newScope();
    try {
      return crossValue(type, value, (each, its) => this.leave(shape, { type: each, value: its, scope }));
    } catch (error) {
      throw error === misfit ? explainResult(shape.type, shape.name, value) : error;
    }
  }

  /** The error is kept, because it is what the call of the export that runs then throws. */
  #threw(error: unknown): CallEnding {
    this.#lastId += 1;
    this.#thrown.clear();
    this.#thrown.set(this.#lastId, error);
    return { kind: "threw", thrown: thrownData(error), token: this.#lastId };
  }
}

/** Whether an error says that a value cannot be cloned: it has something in it that is no data. */
export function isCloneError(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof SampanError) return false;
  return error.name === "DataCloneError" || /could not be cloned/.test(error.message);
}
