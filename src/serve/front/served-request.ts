import {
  type BodyPipe,
  type HttpErrorCode,
  HttpFailure,
  type HttpField,
  type IncomingExchange,
  type IncomingRequestParts,
  type OutgoingResponseParts,
  UseControl,
} from "../../engine/index.ts";
import { brokenOff, type Failure, failureText, guestError, isNoAnswer, noAnswer } from "./failures.ts";
import { forwardedFields, forwardedScheme, type Origin, requestIdOf } from "./forwarded.ts";
import type { FrontExchange } from "./front.ts";

/** What one request's workload is to it. */
export interface RequestOwner {
  /** The request did not go well: once for each, at most. */
  onFailure(request: ServedRequest, failure: Failure): void;
  /** All is sent, or the client is gone. */
  onSent(request: ServedRequest): void;
}

/** What a request is made with. */
export interface ServedRequestParts {
  readonly front: FrontExchange;
  readonly origin: Origin;
  /** The id that it gets where no trusted peer gave it one. */
  readonly nextId: () => string;
  /** What of the path the route covers. */
  readonly prefix: string;
}

/**
 * One request on its way through its workload, and the exchange that the guest sees: fields that only proxies write are put
 * right, each answer carries the request's id, and whatever the guest does, the client gets an answer or sees it broken off.
 */
export class ServedRequest implements IncomingExchange, IncomingRequestParts {
  readonly front: FrontExchange;
  readonly origin: Origin;
  readonly prefix: string;
  readonly id: string;
  /** As performance.now() has it. */
  readonly begun = performance.now();
  owner: RequestOwner | undefined;
  /** Its neighbours in a {@link RequestList}. */
  before: ServedRequest | undefined;
  after: ServedRequest | undefined;
  isListed = false;
  /** Ends the use of an instance that answers it. */
  readonly control = new UseControl();
  /** Made for those that have no other way to hear of its end. */
  #abort: AbortController | undefined;
  #isAborted = false;
  #status = 0;
  #body: BodyPipe | undefined;
  #fields: readonly HttpField[] | undefined;
  #idField: HttpField | undefined;
  #isSettled = false;
  #isTold = false;
  #isWhole: boolean | undefined;

  constructor({ front, origin, nextId, prefix }: ServedRequestParts) {
    this.front = front;
    this.origin = origin;
    this.prefix = prefix;
    this.id = (origin.isTrusted ? requestIdOf(front.request.fields) : undefined) ?? nextId();
    front.onEnd((isWhole) => this.#sent(isWhole));
  }

  get request(): IncomingRequestParts {
    return this;
  }

  get method(): string {
    return this.front.request.method;
  }

  get scheme(): "http" | "https" {
    const { front, origin } = this;
    return (origin.isTrusted ? forwardedScheme(front.request.fields) : undefined) ?? front.request.scheme;
  }

  get authority(): string | undefined {
    return this.front.request.authority;
  }

  get path(): string {
    return this.front.request.path;
  }

  get body(): IncomingRequestParts["body"] {
    return this.front.request.body;
  }

  get fields(): readonly HttpField[] {
    const { front, origin } = this;
    const options = { origin, isSecure: front.isSecure, id: this.#ownField };
    return (this.#fields ??= forwardedFields(front.request.fields, options));
  }

  /** Whether nobody wants an answer any more. */
  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** Aborted then. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#isAborted) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** Of the answer; 0 where there was none. */
  get status(): number {
    return this.#status;
  }

  /** Whether the client has its answer, or is gone. */
  get isOver(): boolean {
    return this.#isWhole !== undefined;
  }

  /** Whether all of the answer was sent. */
  get isWhole(): boolean {
    return this.#isWhole === true;
  }

  inform(status: number, fields: readonly HttpField[]): void {
    this.front.inform(status, fields);
  }

  respond({ status, fields, body }: OutgoingResponseParts): void {
    if (this.#status !== 0 || this.isOver) {
      body?.abandon();
      return;
    }
    this.#status = status;
    this.#body = body;
    const all: HttpField[] = [];
    for (const field of fields) if (field[0] !== "x-request-id") all.push(field);
    all.push(this.#ownField);
    this.front.respond({ status, fields: all, body });
  }

  fail(code: HttpErrorCode): void {
    // One that a guest gives up by its end is told by how that came.
    if (!isNoAnswer(code)) this.refuse(guestError(code));
  }

  /** Answers with a failure, or breaks an answer off that has begun. The operator hears of the first one. */
  refuse(failure: Failure): void {
    if (!this.#isTold) {
      this.#isTold = true;
      this.owner?.onFailure(this, failure);
    }
    if (this.isOver) return;
    if (this.#status !== 0) {
      this.#body?.fail(new HttpFailure({ tag: "internal-error", val: failure.reason }));
      return;
    }
    this.#status = failure.status;
    const { retryAfter } = failure;
    const retry = retryAfter === undefined ? [] : [["retry-after", String(retryAfter)] as const];
    this.front.reply(failure.status, [["x-request-id", this.id], ...retry], failureText(failure, this.id));
  }

  /** Answers with a failure, and ends what is done for it. */
  end(failure: Failure): void {
    this.refuse(failure);
    this.#end(failure.message);
  }

  /** What was done for it is done; `failure` says that it did not go well. */
  settle(failure?: Failure): void {
    this.#isSettled = true;
    if (failure !== undefined) this.refuse(failure);
    else if (this.#status === 0) this.refuse(noAnswer);
    else if (this.#body?.isFailed === true || (!this.isOver && this.#body?.isFinished === false))
      this.refuse(brokenOff);
  }

  get #ownField(): HttpField {
    return (this.#idField ??= ["x-request-id", Buffer.from(this.id, "latin1")]);
  }

  #end(why: string): void {
    this.#isAborted = true;
    this.control.end(why);
    this.#abort?.abort(why);
  }

  #sent(isWhole: boolean): void {
    this.#isWhole = isWhole;
    // Where the guest gave its answer up, how its use of the instance ends says why.
    if (!this.#isSettled && !isWhole && this.#body?.isFailed !== true) this.#end("the client is gone");
    this.owner?.onSent(this);
  }
}
