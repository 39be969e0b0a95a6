import {
  BodyPipe,
  contentLength,
  type HttpErrorCode,
  HttpFailure,
  type HttpTimeouts,
  type IncomingExchange,
  type IncomingRequestParts,
  type HttpResponse,
  type OutgoingResponseParts,
  parseAuthority,
} from "../../host/index.ts";
import type { Wasi02Context } from "./context.ts";
import { WasiError } from "./errors.ts";
import { IncomingBody, OutgoingBody, type Result } from "./http-bodies.ts";
import { Fields, hold, token } from "./http-fields.ts";

/** `method` of `wasi:http/types`. */
export interface Method {
  readonly tag: string;
  readonly val?: string | undefined;
}

/** `scheme` of `wasi:http/types`. */
export type Scheme = { readonly tag: "HTTP" | "HTTPS" } | { readonly tag: "other"; readonly val: string };

/** Most answers before the answer. */
const mostInformed = 16;

const methods = new Set(["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"]);

/** A method by its name on the wire. */
export function methodOf(name: string): Method {
  const tag = name.toLowerCase();
  return name === name.toUpperCase() && methods.has(tag) ? { tag } : { tag: "other", val: name };
}

/** The name of a method on the wire. */
export function nameOfMethod({ tag, val }: Method): string {
  return tag === "other" ? (val ?? "") : tag.toUpperCase();
}

/** What a guest sends: headers that do not change any more, and a body that is taken once. */
abstract class OutgoingMessage {
  readonly #context: Wasi02Context;
  readonly #sizeError: "HTTP-request-body-size" | "HTTP-response-body-size";
  readonly headers: Fields;
  #pipe: BodyPipe | undefined;
  #body: OutgoingBody | undefined;
  /** Bytes of its body that were written before anybody sends it. */
  #unsent = 0;
  #isSent = false;

  constructor(
    context: Wasi02Context,
    headers: Fields,
    sizeError: "HTTP-request-body-size" | "HTTP-response-body-size",
  ) {
    this.#context = context;
    this.headers = headers.asImmutable();
    headers.drop();
    this.#sizeError = sizeError;
  }

  /** @throws WasiError where it was taken before */
  body(): OutgoingBody {
    if (this.#pipe !== undefined) throw new WasiError(undefined);
    const length = contentLength(this.headers.entries);
    const expected = Number.isNaN(length) ? undefined : length;
    this.#pipe = new BodyPipe({ expected, sizeError: this.#sizeError });
    return (this.#body = new OutgoingBody(this.#context, this.#pipe, (count) => this.#keeps(count)));
  }

  /** Says that somebody sends it now. */
  sent(): void {
    this.#isSent = true;
    this.#release();
  }

  /** One that was not sent never will be. */
  drop(): void {
    if (this.#isSent) return;
    this.#pipe?.abandon();
    this.sent();
  }

  #keeps(count: number): void {
    if (this.#isSent) return;
    this.#unsent += count;
    hold(this.#context, count);
  }

  #release(): void {
    this.headers.drop();
    this.#context.httpBytes -= this.#unsent;
    this.#unsent = 0;
  }

  /** Breaks it off where its body was taken and not finished. */
  end(): void {
    this.#body?.drop();
  }

  /** What is sent, undefined where no body was taken. */
  get pipe(): BodyPipe | undefined {
    return this.#pipe;
  }
}

/** The resource `outgoing-request` of `wasi:http/types`. */
export class OutgoingRequest extends OutgoingMessage {
  #method: Method = { tag: "get" };
  #path: string | undefined;
  #scheme: Scheme | undefined;
  #authority: string | undefined;

  constructor(context: Wasi02Context, headers: Fields) {
    super(context, headers, "HTTP-request-body-size");
  }

  get method(): Method {
    return this.#method;
  }

  /** @throws WasiError for what is no method */
  set method(method: Method) {
    if (!token.test(nameOfMethod(method))) throw new WasiError(undefined);
    this.#method = method;
  }

  get path(): string | undefined {
    return this.#path;
  }

  /** @throws WasiError for what is no path */
  set path(path: string | undefined) {
    if (path !== undefined && !/^(?:\*|(?:[/?][!-"$-~]*)?)$/.test(path)) throw new WasiError(undefined);
    this.#path = path;
  }

  get scheme(): Scheme | undefined {
    return this.#scheme;
  }

  /** @throws WasiError for what is no scheme */
  set scheme(scheme: Scheme | undefined) {
    if (scheme?.tag === "other" && !/^[a-z][a-z\d+.-]*$/i.test(scheme.val)) throw new WasiError(undefined);
    this.#scheme = scheme;
  }

  get authority(): string | undefined {
    return this.#authority;
  }

  /** @throws WasiError for what is no host and port */
  set authority(authority: string | undefined) {
    if (authority !== undefined && parseAuthority(authority, 0) === undefined) throw new WasiError(undefined);
    this.#authority = authority;
  }
}

/** The resource `outgoing-response` of `wasi:http/types`. */
export class OutgoingResponse extends OutgoingMessage {
  #status = 200;

  constructor(context: Wasi02Context, headers: Fields) {
    super(context, headers, "HTTP-response-body-size");
  }

  get status(): number {
    return this.#status;
  }

  /** @throws WasiError for what is no status of a response */
  set status(status: number) {
    if (status < 200 || status > 999) throw new WasiError(undefined);
    this.#status = status;
  }

  get parts(): OutgoingResponseParts {
    return { status: this.#status, fields: this.headers.entries, body: this.pipe };
  }
}

type IncomingParts = Pick<IncomingRequestParts, "fields" | "body">;

/** What a guest gets: headers, and a body that is taken once. */
abstract class IncomingMessage {
  readonly #context: Wasi02Context;
  readonly #parts: IncomingParts;
  readonly headers: Fields;
  #isConsumed = false;

  constructor(context: Wasi02Context, parts: IncomingParts) {
    this.#context = context;
    this.#parts = parts;
    this.headers = Fields.received(parts.fields);
  }

  /** @throws WasiError where it was taken before */
  consume(): IncomingBody {
    if (this.#isConsumed) throw new WasiError(undefined);
    this.#isConsumed = true;
    return new IncomingBody(this.#context, this.#parts.body);
  }

  /** A body that nobody took is not read. */
  drop(): void {
    if (!this.#isConsumed) this.#parts.body.close();
  }
}

/** The resource `incoming-response` of `wasi:http/types`. */
export class IncomingResponse extends IncomingMessage {
  readonly status: number;

  constructor(context: Wasi02Context, response: HttpResponse) {
    super(context, response);
    this.status = response.status;
  }
}

/** The resource `incoming-request` of `wasi:http/types`. */
export class IncomingRequest extends IncomingMessage {
  readonly parts: IncomingRequestParts;

  constructor(context: Wasi02Context, parts: IncomingRequestParts) {
    super(context, parts);
    this.parts = parts;
  }

  /** The rest of a request that is not read is the server's to drop: the answer goes by the same connection. */
  override drop(): void {}
}

/** Why a response would not end where its fields say: a client would take what follows on its connection for something else. */
function wrongLength({ status, fields, body }: OutgoingResponseParts, method: string): HttpErrorCode | undefined {
  const length = contentLength(fields);
  if (length === undefined) return undefined;
  if (Number.isNaN(length)) return { tag: "HTTP-protocol-error" };
  const isBodiless = method === "HEAD" || status === 204 || status === 304;
  return body !== undefined || length === 0 || isBodiless ? undefined : { tag: "HTTP-response-body-size", val: 0n };
}

/** The resource `response-outparam` of `wasi:http/types`. */
export class ResponseOutparam {
  readonly #exchange: IncomingExchange;
  #informed = 0;
  #isSet = false;
  #response: OutgoingResponse | undefined;

  constructor(exchange: IncomingExchange) {
    this.#exchange = exchange;
  }

  /** @throws WasiError error-code for what is no status of an answer before the answer, comes behind it, or is one too many */
  sendInformational(status: number, headers: Fields): void {
    // They are kept for a client that does not read, and nothing holds the guest back.
    const isTooMany = ++this.#informed > mostInformed;
    if (this.#isSet || isTooMany || status < 102 || status > 199) throw new WasiError({ tag: "HTTP-protocol-error" });
    this.#exchange.inform(status, headers.entries);
    headers.drop();
  }

  set(response: Result<OutgoingResponse, HttpErrorCode>): void {
    if (this.#isSet) return;
    this.#isSet = true;
    if (response.tag === "err") return this.#exchange.fail(response.val);
    const { parts } = (this.#response = response.val);
    response.val.sent();
    const wrong = wrongLength(parts, this.#exchange.request.method);
    if (wrong === undefined) return this.#exchange.respond(parts);
    const failure = new HttpFailure(wrong);
    parts.body?.abandon(failure);
    this.#exchange.fail(wrong);
  }

  /** Says that the guest is done: what it began and did not finish breaks off. Where it failed, the host answers in its stead. */
  end({ hasFailed }: { readonly hasFailed: boolean }): void {
    if (hasFailed) this.#isSet = true;
    else this.drop();
    this.#response?.end();
  }

  /** A guest that gives it up answers nothing. */
  drop(): void {
    if (this.#isSet) return;
    this.#isSet = true;
    this.#exchange.fail({ tag: "internal-error", val: "a guest gave no response" });
  }
}

/** The resource `request-options` of `wasi:http/types`: nanoseconds. */
export class RequestOptions {
  readonly times: { connect?: bigint | undefined; firstByte?: bigint | undefined; betweenBytes?: bigint | undefined } =
    {};

  /** In ms, none of them 0. */
  get timeouts(): HttpTimeouts {
    const ms = (time: bigint | undefined): number | undefined =>
      time === undefined ? undefined : Math.max(1, Number(time / 1_000_000n));
    const { connect, firstByte, betweenBytes } = this.times;
    return { connect: ms(connect), firstByte: ms(firstByte), betweenBytes: ms(betweenBytes) };
  }
}
