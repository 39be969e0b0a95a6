import { type ErrorData, SampanError } from "../../base/index.ts";

/** Whatever carries messages to another thread or process: a port, a worker, a child. */
export interface Wire {
  post(message: LinkMessage, transfer?: readonly Transferable[]): void;
  /** Called once; each message comes to `listener` in the order in which it was sent. */
  listen(listener: (message: LinkMessage) => void): void;
}

/** An error as it crosses: one of the catalog as data, any other as its text, so that a defect keeps its stack. */
export type ThrownData =
  | { readonly kind: "catalogued"; readonly error: ErrorData }
  | { readonly kind: "other"; readonly name: string; readonly message: string; readonly stack: string | undefined };

/** What goes over a wire. */
export type LinkMessage =
  | { readonly kind: "request"; readonly id: number; readonly name: string; readonly data: unknown }
  | { readonly kind: "notice"; readonly name: string; readonly data: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly thrown: ThrownData };

/** What one side does when the other asks; each takes and answers what structured clone carries. */
export type Handlers = Readonly<Record<string, (data: never) => unknown>>;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests and answers between two threads or processes, in both directions. */
export class Link {
  readonly #wire: Wire;
  readonly #handlers: Handlers;
  readonly #pending = new Map<number, Pending>();
  readonly #hold: (isHeld: boolean) => void;
  #lastId = 0;
  #failed: unknown;

  /** `hold` is called with true when it begins to wait for answers, for which the process is to live on, and with false after. */
  constructor(wire: Wire, handlers: Handlers, hold: (isHeld: boolean) => void = () => {}) {
    this.#wire = wire;
    this.#handlers = handlers;
    this.#hold = hold;
    wire.listen((message) => this.#received(message));
  }

  /** Requests that the other side has not answered yet. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Asks the other side. @throws what it throws there, and the error of {@link fail} */
  request(name: string, data: unknown, transfer: readonly Transferable[] = []): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failed !== undefined) {
        reject(this.#failed);
        return;
      }
      this.#lastId += 1;
      const id = this.#lastId;
      this.#pending.set(id, { resolve, reject });
      if (this.#pending.size === 1) this.#hold(true);
      try {
        this.#wire.post({ kind: "request", id, name, data }, transfer);
      } catch (error) {
        this.#take(id);
        reject(error);
      }
    });
  }

  /** Tells the other side something that has no answer. */
  notify(name: string, data: unknown): void {
    if (this.#failed === undefined) this.#wire.post({ kind: "notice", name, data });
  }

  /** Ends it: what is pending, and every later request, is rejected with `error`. */
  fail(error: unknown): void {
    if (this.#failed !== undefined) return;
    this.#failed = error;
    for (const id of this.#pending.keys()) this.#take(id)?.reject(error);
  }

  #received(message: LinkMessage): void {
    switch (message.kind) {
      case "request":
        void this.#answer(message.id, message.name, message.data);
        return;
      case "notice":
        this.#handle(message.name, message.data);
        return;
      case "answer":
        this.#take(message.id)?.resolve(message.value);
        return;
      case "failure":
        this.#take(message.id)?.reject(thrownFrom(message.thrown));
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (this.#pending.delete(id) && this.#pending.size === 0) this.#hold(false);
    return pending;
  }

  #handle(name: string, data: unknown): unknown {
    const handler = this.#handlers[name];
    if (handler === undefined) throw new TypeError(`Nothing answers "${name}" on this side`);
    return handler(data as never);
  }

  async #answer(id: number, name: string, data: unknown): Promise<void> {
    let answer: LinkMessage;
    try {
      answer = { kind: "answer", id, value: await this.#handle(name, data) };
    } catch (error) {
      answer = { kind: "failure", id, thrown: thrownData(error) };
    }
    if (this.#failed !== undefined) return;
    try {
      this.#wire.post(answer);
    } catch (error) {
      // A value that structured clone does not carry, such as a reference to a function.
      this.#wire.post({ kind: "failure", id, thrown: thrownData(error) });
    }
  }
}

/** An error as data. */
export function thrownData(error: unknown): ThrownData {
  if (error instanceof SampanError) return { kind: "catalogued", error: error.toData() };
  if (error instanceof Error) return { kind: "other", name: error.name, message: error.message, stack: error.stack };
  return { kind: "other", name: "Error", message: String(error), stack: undefined };
}

/** The error that {@link thrownData} described. */
export function thrownFrom(thrown: ThrownData): Error {
  if (thrown.kind === "catalogued") return SampanError.fromData(thrown.error);
  const error = new Error(thrown.message);
  error.name = thrown.name;
  if (thrown.stack !== undefined) error.stack = thrown.stack;
  return error;
}
