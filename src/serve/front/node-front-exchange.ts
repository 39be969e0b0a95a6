import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type BodyPipe,
  type HttpErrorCode,
  HttpFailure,
  type HttpField,
  type IncomingExchange,
  type IncomingRequestParts,
  nodeExchange,
  type OutgoingResponseParts,
} from "../../engine/index.ts";
import type { FrontExchange, FrontOptions } from "./front.ts";
import type { RequestHead } from "./head-check.ts";

/** What an exchange of Node's server is made with. */
export interface NodeFrontExchangeParts {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: RequestHead;
  readonly isSecure: boolean;
  readonly maxBody: number;
  /** Hears where the client is refused for its body's size. */
  readonly onRefused: FrontOptions["onRefused"];
}

/** One request that Node's server parsed, and the answer to it. */
export class NodeFrontExchange implements FrontExchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly request: IncomingRequestParts;
  readonly isSecure: boolean;
  readonly #inner: IncomingExchange;
  readonly #maxBody: number;
  readonly #onRefused: FrontOptions["onRefused"];
  #body: BodyPipe | undefined;
  #replied = 0;
  #bytesIn = 0;
  #done: ((isWhole: boolean) => void) | undefined;
  #isWhole: boolean | undefined;
  /** Whether the client waits to be told that it may send its body. */
  #owesContinue: boolean;

  constructor({ message, response, head, isSecure, maxBody, onRefused }: NodeFrontExchangeParts) {
    this.message = message;
    this.response = response;
    this.isSecure = isSecure;
    this.#maxBody = maxBody;
    this.#onRefused = onRefused;
    this.#owesContinue = head.expectsContinue;
    keepConnection(message);
    this.#inner = nodeExchange(message, response);
    const { authority, path } = head;
    this.request = { ...this.#inner.request, scheme: isSecure ? "https" : "http", authority, path };
    if (head.length !== 0) message.on("data", (bytes: Uint8Array) => this.#count(bytes.length));
    if (this.#owesContinue) continueOnRead(message, () => this.#continue());
    response.on("error", () => {});
  }

  get remote(): { readonly address: string; readonly port: number } {
    const { remoteAddress = "", remotePort = 0 } = this.message.socket;
    return { address: remoteAddress, port: remotePort };
  }

  get isAnswered(): boolean {
    return this.response.headersSent;
  }

  get bytesIn(): number {
    return this.#bytesIn;
  }

  get bytesOut(): number {
    const { statusCode } = this.response;
    if (this.message.method === "HEAD" || statusCode === 204 || statusCode === 304) return 0;
    return this.#body?.written ?? this.#replied;
  }

  /** Whether the client is told to go on only when its body is read, and was not yet. */
  get owesContinue(): boolean {
    return this.#owesContinue;
  }

  inform(status: number, fields: readonly HttpField[]): void {
    const { response, message } = this;
    const { socket } = response;
    if (socket === null || response.headersSent || message.httpVersion !== "1.1" || status < 102 || status > 199)
      return;
    let text = `HTTP/1.1 ${status} ${status === 103 ? "Early Hints" : "Processing"}\r\n`;
    for (const [name, value] of fields) text += `${name}: ${Buffer.from(value).toString("latin1")}\r\n`;
    socket.write(`${text}\r\n`, "latin1");
  }

  respond(response: OutgoingResponseParts): void {
    const { body } = response;
    if (this.response.headersSent || this.#isWhole !== undefined) {
      body?.abandon();
      return;
    }
    this.#body = body;
    this.#closeAfterUnread();
    // What a guest writes in one go, head and end among it, goes to the system in one.
    this.response.cork();
    process.nextTick(uncork, this.response);
    const fields = this.#framed(response);
    this.#inner.respond(fields === response.fields ? response : { ...response, fields });
  }

  fail(code: HttpErrorCode): void {
    this.#inner.fail(code);
  }

  reply(status: number, fields: readonly (readonly [name: string, value: string])[], text: string): void {
    const { response } = this;
    if (response.headersSent || this.#isWhole !== undefined) return;
    const bytes = Buffer.from(text);
    this.#replied = bytes.length;
    this.#closeAfterUnread();
    const own = ["content-type", "text/plain; charset=utf-8", "content-length", String(bytes.length)];
    response.writeHead(status, [...fields.flat(), ...own]);
    response.end(bytes);
  }

  onEnd(done: (isWhole: boolean) => void): void {
    if (this.#isWhole === undefined) this.#done = done;
    else done(this.#isWhole);
  }

  /** Says that it is over. */
  end(isWhole: boolean): void {
    if (this.#isWhole !== undefined) return;
    this.#isWhole = isWhole;
    this.#body?.abandon();
    this.#done?.(isWhole);
  }

  /** The fields without those that Node refuses: trailers come behind chunks alone, and 204 has no length (RFC 9110, section 8.6). */
  #framed({ status, fields, body }: OutgoingResponseParts): readonly HttpField[] {
    const { method, httpVersion } = this.message;
    const isBodiless = method === "HEAD" || status === 204 || status === 304 || body === undefined || body.isEmpty;
    const isPlain = isBodiless || httpVersion !== "1.1" || fields.some(([name]) => name === "content-length");
    const isWrong = ([name]: HttpField): boolean =>
      (name === "trailer" && isPlain) || (name === "content-length" && status === 204);
    return fields.some(isWrong) ? fields.filter((field) => !isWrong(field)) : fields;
  }

  /** A client that was not told to send its body may send it or not: nothing can follow on its connection. */
  #closeAfterUnread(): void {
    if (this.#owesContinue) this.response.shouldKeepAlive = false;
    this.#owesContinue = false;
  }

  #continue(): void {
    if (!this.#owesContinue) return;
    this.#owesContinue = false;
    if (!this.response.headersSent) this.response.writeContinue();
  }

  #count(bytes: number): void {
    const isKnown = this.#bytesIn > this.#maxBody;
    this.#bytesIn += bytes;
    if (isKnown || this.#bytesIn <= this.#maxBody) return;
    this.#onRefused(`413: a body of more than ${this.#maxBody} bytes`, "body");
    this.request.body.fail(new HttpFailure({ tag: "HTTP-request-body-size", val: BigInt(this.#bytesIn) }));
    this.message.pause();
    this.response.shouldKeepAlive = false;
    if (this.response.headersSent) this.message.socket.destroy();
    else this.reply(413, [], "Content Too Large\n");
  }
}

function uncork(response: ServerResponse): void {
  response.uncork();
}

/** A guest that gives a request's body up still answers by the connection on which the body comes. */
function keepConnection(message: IncomingMessage): void {
  message.destroy = (error?: Error) =>
    error === undefined && !message.socket.destroyed
      ? message
      : (Object.getPrototypeOf(message) as IncomingMessage).destroy.call(message, error);
}

/** Calls back before the first time that somebody takes bytes; streams look without taking by `read(0)`. */
function continueOnRead(message: IncomingMessage, proceed: () => void): void {
  message.read = (size?: number) => {
    if (size === undefined) proceed();
    return (Object.getPrototypeOf(message) as IncomingMessage).read.call(message, size) as unknown;
  };
}
