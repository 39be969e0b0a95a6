import { ComponentError, GuestResource, type HostProvider } from "../../../component/index.ts";
import type { PlacedComponent } from "../../embed/place.ts";
import { thrownData, thrownFrom } from "../../pool/link.ts";
import { crossedValue, crossValue, type HandleType } from "./cross-value.ts";
import type {
  CallAnswer,
  CallEnding,
  ComponentAsk,
  ComponentNote,
  ComponentWire,
  HandleData,
  ThrewEnding,
} from "../../pool/component-protocol.ts";
import type { Shape, Shapes } from "./shapes.ts";
import { StreamEnds } from "./stream-ends.ts";

/** An object of the caller's, as the guest's side has it. */
class CallerObject {
  readonly id: number;
  readonly #wire: ComponentWire;

  constructor(id: number, wire: ComponentWire) {
    this.id = id;
    this.#wire = wire;
  }

  [Symbol.dispose](): void {
    this.#wire.tell({ what: "caller-drop", object: this.id });
  }
}

/** What a function of the caller's threw: it ends the guest, and the caller finds its own error by the token. */
class CallerThrew extends Error {
  readonly token: number | undefined;

  constructor(token: number | undefined, cause: Error) {
    super(cause.message, { cause });
    this.token = token;
  }
}

/** What one call has brought of the guest's own resources. */
interface Visit {
  /** Numbers of those that the guest is to take, or was lent. */
  readonly given: number[];
  /** Numbers of those that it lends until the call is over. */
  readonly lent: number[];
}

/** One component on the side where it runs. */
export class GuestSide {
  readonly #shapes: Shapes;
  readonly #wire: ComponentWire;
  readonly #streams: StreamEnds;
  /** The guest's resources that the caller has, and what else there is on this side that it has. */
  readonly #values = new Map<number, unknown>();
  #lastId = 0;
  #placed: PlacedComponent | undefined;

  constructor(shapes: Shapes, wire: ComponentWire) {
    this.#shapes = shapes;
    this.#wire = wire;
    this.#streams = new StreamEnds(wire);
  }

  /** Has it answer for an instance. */
  attach(placed: PlacedComponent): void {
    this.#placed = placed;
  }

  /** Provides the imports of these numbers by calls of the caller's functions. */
  provider(given: readonly number[]): HostProvider {
    const numbers = new Map<string, number>();
    for (const number of given) {
      const planned = this.#shapes.plan.imports[number];
      if (planned !== undefined) numbers.set(`${planned.path[0] ?? ""}#${planned.name}`, number);
    }
    return (interfaceName, functionName) => {
      const number = numbers.get(`${interfaceName ?? ""}#${functionName}`);
      if (number === undefined) return undefined;
      return { call: (...args: readonly unknown[]) => this.#callCaller(number, args), mayWait: true };
    };
  }

  /** Answers what the caller's side asks. */
  answer(ask: ComponentAsk): unknown {
    switch (ask.what) {
      case "call":
        return this.#call(ask.name, ask.args);
      case "drop":
        return this.#drop(ask.resource);
      case "pull":
        return this.#streams.pull(ask.stream);
      case "push":
        return this.#streams.push(ask.stream, ask.bytes);
      case "host-call":
        throw new TypeError("The guest's side has no functions of the caller's");
    }
  }

  /** Hears what the caller's side says. */
  hear(note: ComponentNote): void {
    if (note.what === "cancel") this.#streams.cancel(note.stream);
    else if (note.what === "release") this.#values.delete(note.resource);
  }

  /** Gives up what it has. */
  close(): void {
    this.#streams.close();
    this.#values.clear();
  }

  async #call(name: string, args: readonly unknown[]): Promise<CallAnswer> {
    const placed = this.#placed;
    if (placed === undefined) throw new TypeError("The instance is not made yet");
    const shape = this.#shapes.export(name);
    if (shape === undefined) throw new TypeError(`There is no export "${name}"`);
    const visit: Visit = { given: [], lent: [] };
    let ending: CallEnding;
    try {
      const values = shape.type.params.map((param, at) => this.#arrived(shape, param.type, args[at], visit));
      ending = { kind: "returned", value: this.#leaving(shape, shape.result, await placed.invoke(name, ...values)) };
    } catch (error) {
      ending = this.#endingOf(shape, error);
    }
    const kept = visit.given.filter((id) => GuestResource.handleOf(this.#values.get(id))?.isGone === false);
    for (const id of visit.given) if (!kept.includes(id)) this.#values.delete(id);
    return { ending, isEnded: placed.isEnded, kept };
  }

  #endingOf(shape: Shape, error: unknown): CallEnding {
    if (error instanceof ComponentError && shape.isFallible) {
      return { kind: "error", payload: this.#leaving(shape, shape.error, error.payload) };
    }
    return this.threw(error);
  }

  /** An error on its way to the caller. */
  threw(error: unknown): ThrewEnding {
    if (error instanceof CallerThrew && error.token !== undefined) {
      return { kind: "threw", thrown: thrownData(error.cause), token: error.token };
    }
    return { kind: "threw", thrown: thrownData(error) };
  }

  async #callCaller(number: number, args: readonly unknown[]): Promise<unknown> {
    const shape = this.#shapes.import(number);
    const visit: Visit = { given: [], lent: [] };
    try {
      const values = shape.type.params.map((param, at) => this.#leaving(shape, param.type, args[at], visit));
      const ending = (await this.#wire.ask({ what: "host-call", import: number, args: values })) as CallEnding;
      if (ending.kind === "returned") return this.#arrived(shape, shape.result, ending.value, visit);
      if (ending.kind === "error") {
        throw new ComponentError(this.#arrived(shape, shape.error, ending.payload, visit));
      }
      throw new CallerThrew(ending.token, thrownFrom(ending.thrown));
    } finally {
      // What the caller gave back is the guest's from here on.
      for (const id of [...visit.lent, ...visit.given]) this.#values.delete(id);
    }
  }

  async #drop(resource: number): Promise<void> {
    const value = this.#values.get(resource);
    this.#values.delete(resource);
    if (value instanceof GuestResource) await value[Symbol.asyncDispose]();
  }

  #arrived(shape: Shape, type: Shape["result"], value: unknown, visit: Visit): unknown {
    if (type === undefined) return undefined;
    return crossedValue(type, value, (each, data) => this.#arrive(each, data as HandleData, visit));
  }

  #arrive(type: HandleType, data: HandleData, visit: Visit): unknown {
    if ("stream" in data) return this.#streams.take(data);
    if ("caller" in data) return new CallerObject(data.caller, this.#wire);
    if ("guest" in data) {
      if (type.kind === "own") visit.given.push(data.guest);
      return this.#values.get(data.guest);
    }
    const value = this.#values.get(data.there);
    if (type.kind === "own") this.#values.delete(data.there);
    return value;
  }

  #leaving(shape: Shape, type: Shape["result"], value: unknown, visit?: Visit): unknown {
    if (type === undefined) return undefined;
    return crossValue(type, value, (each, its) => this.#leave(shape, { type: each, value: its, visit }));
  }

  #leave(
    shape: Shape,
    { type, value, visit }: { readonly type: HandleType; readonly value: unknown; readonly visit: Visit | undefined },
  ): HandleData {
    if (value instanceof CallerObject) return { caller: value.id };
    const isHosts = this.#shapes.isHosts(shape.numberOf(type));
    const stream = this.#shapes.streamNameOf(shape.numberOf(type));
    const offered = stream === undefined ? undefined : this.#streams.offer(stream, value);
    if (offered !== undefined) return offered;
    this.#lastId += 1;
    const id = this.#lastId;
    this.#values.set(id, value);
    if (type.kind === "borrow") visit?.lent.push(id);
    return isHosts ? { there: id } : { guest: id };
  }
}
