import type {
  BodySink,
  BodySource,
  HttpErrorCode,
  HttpFailure,
  HttpField,
  IncomingRequestParts,
  OutgoingResponseParts,
  ParsedHead,
} from "../../engine/index.ts";
import type { FrontExchange } from "./front.ts";
import type { RequestHead } from "./head-check.ts";
import { reasonOf } from "./reasons.ts";

/** What an exchange needs of its connection. */
export interface ExchangeConnection {
  readonly remote: { readonly address: string; readonly port: number };
  /** The present time as a Date field has it. */
  readonly date: string;
  /** Whether the connection may take another request behind this one. */
  mayFollow(exchange: NativeExchange): boolean;
  /** Sends bytes, which may change afterwards; false where the next have to wait for the exchange's `drained`. */
  send(text: string, pieces: readonly Uint8Array[], tail: string): boolean;
  /** The answer is whole. */
  answered(exchange: NativeExchange): void;
  /** The answer breaks off. */
  broken(exchange: NativeExchange): void;
  /**
   * Has {@link NativeExchange.flush} called when all that came in this turn of the event loop was handled: answers go out together,
   * and what a guest writes in pieces is one; its every call that may wait ends a microtask.
   */
  later(exchange: NativeExchange): void;
}

/** Bytes of an answer that are held back for the rest of what a guest writes in one go. */
const mostHeld = 16_384;

/** One request that a connection of ours brought, and the answer to it. */
export class NativeExchange implements FrontExchange, BodySink {
  readonly request: IncomingRequestParts;
  readonly isSecure = false;
  bytesIn = 0;
  /** Whether the answer says that it is the connection's last, or ends with it. */
  isLast = false;
  readonly #connection: ExchangeConnection;
  readonly #head: ParsedHead;
  /** Where the answer stands: not given, its head held back, sent in chunks, sent as it is, over. */
  #state: "open" | "held" | "chunked" | "plain" | "over" = "open";
  #response: OutgoingResponseParts | undefined;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #replied = 0;
  /** What stands behind the body of an answer that is whole. */
  #ending: readonly HttpField[] | undefined;
  #isLater = false;
  #done: ((isWhole: boolean) => void) | undefined;
  #isWhole: boolean | undefined;
  /** Whether the client waits to be told that it may send its body. */
  owesContinue: boolean;

  constructor(connection: ExchangeConnection, parsed: ParsedHead, head: RequestHead, body: BodySource) {
    this.#connection = connection;
    this.#head = parsed;
    this.owesContinue = head.expectsContinue;
    this.request = new ParsedRequest(parsed, head, body);
  }

  get remote(): { readonly address: string; readonly port: number } {
    return this.#connection.remote;
  }

  get isAnswered(): boolean {
    return this.#state !== "open";
  }

  get bytesOut(): number {
    return this.#response?.body !== undefined && !this.#isBodiless() ? this.#response.body.written : this.#replied;
  }

  get keepsAlive(): boolean {
    return this.#head.keepsAlive;
  }

  inform(status: number, fields: readonly HttpField[]): void {
    if (this.#state !== "open" || this.#head.version !== "1.1" || status < 102 || status > 199) return;
    let text = `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
    for (const [name, value] of fields) text += `${name}: ${textOf(value)}\r\n`;
    this.#connection.send(`${text}\r\n`, [], "");
  }

  /** Tells the client that it may send its body, if it waits for that. */
  proceed(): void {
    if (!this.owesContinue) return;
    this.owesContinue = false;
    if (this.#state === "open") this.#connection.send("HTTP/1.1 100 Continue\r\n\r\n", [], "");
  }

  respond(response: OutgoingResponseParts): void {
    if (this.#state !== "open") {
      response.body?.abandon();
      return;
    }
    this.#response = response;
    this.#state = "held";
    if (response.body === undefined) this.end([]);
    else {
      response.body.attach(this);
      this.#sendLater();
    }
  }

  /** A guest, or the body that it gave, failed. */
  fail(_why: HttpErrorCode | HttpFailure): void {
    if (this.#state === "open") this.respond({ status: 502, fields: [] });
    else this.#break();
  }

  reply(status: number, fields: readonly (readonly [name: string, value: string])[], text: string): void {
    if (this.#state !== "open") return;
    const bytes = Buffer.from(text);
    const hasBody = this.#head.method !== "HEAD";
    if (hasBody) this.#replied = bytes.length;
    const own = [
      ["content-type", "text/plain; charset=utf-8"],
      ["content-length", String(bytes.length)],
    ] as const;
    this.#response = {
      status,
      fields: [...fields, ...own].map(([name, value]) => [name, Buffer.from(value, "latin1")] as const),
    };
    this.#state = "held";
    if (hasBody) this.#held.push(bytes);
    this.end([]);
  }

  onEnd(done: (isWhole: boolean) => void): void {
    if (this.#isWhole === undefined) this.#done = done;
    else done(this.#isWhole);
  }

  /** Says that it is over. */
  over(isWhole: boolean): void {
    if (this.#isWhole !== undefined) return;
    this.#isWhole = isWhole;
    this.#state = "over";
    this.#held.length = 0;
    this.#response?.body?.abandon();
    this.#done?.(isWhole);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state === "over" || this.#isBodiless()) return true;
    if (this.#heldBytes + bytes.length < mostHeld) {
      this.#held.push(copyOf(bytes));
      this.#heldBytes += bytes.length;
      this.#sendLater();
      return true;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    return this.#flush();
  }

  end(trailers: readonly HttpField[]): void {
    if (this.#state === "over") return;
    this.#ending = trailers;
    this.#sendLater();
  }

  /** Sends the rest of an answer that is whole. */
  #finish(trailers: readonly HttpField[]): void {
    let tail = "";
    if (this.#state === "held" && trailers.length === 0) this.#sendWhole();
    else {
      this.#flush();
      if (this.#state === "chunked") {
        tail = "0\r\n";
        for (const [name, value] of trailers) tail += `${name}: ${textOf(value)}\r\n`;
        tail += "\r\n";
      }
      if (tail !== "") this.#connection.send(tail, [], "");
    }
    this.#connection.answered(this);
  }

  /** Sends what is held back. */
  flush(): void {
    this.#isLater = false;
    if (this.#state === "over") return;
    if (this.#ending === undefined) this.#flush();
    else this.#finish(this.#ending);
  }

  /** The connection takes more. */
  drained(): void {
    this.#response?.body?.drained();
  }

  #break(): void {
    if (this.#state === "over") return;
    this.#connection.broken(this);
  }

  #sendLater(): void {
    if (this.#isLater) return;
    this.#isLater = true;
    this.#connection.later(this);
  }

  /** Sends the head with all of the body, whose length is known now. */
  #sendWhole(): void {
    const pieces = this.#held;
    this.#held = [];
    const length = this.#heldBytes;
    this.#heldBytes = 0;
    const body = this.#response?.body;
    this.#state = "plain";
    // A body that is not sent is as long as what would be.
    this.#connection.send(this.#headText(body === undefined ? length : body.written), pieces, "");
  }

  #flush(): boolean {
    const pieces = this.#held;
    const length = this.#heldBytes;
    let text = "";
    if (this.#state === "held") text = this.#headText(undefined);
    else if (length === 0) return true;
    this.#held = [];
    this.#heldBytes = 0;
    if (this.#state !== "chunked" || length === 0) return this.#connection.send(text, pieces, "");
    return this.#connection.send(`${text}${length.toString(16)}\r\n`, pieces, "\r\n");
  }

  /** The head of the answer; where the length of its body is not known, the state says how that is sent. */
  #headText(length: number | undefined): string {
    const { status = 200, fields = [] } = this.#response ?? {};
    const { version } = this.#head;
    let text = `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
    let [hasLength, hasDate] = [false, false];
    for (const [name, value] of fields) {
      if (name.length === 14 && name.toLowerCase() === "content-length") {
        // 204 says that there is no body, and then there is no length of one either (RFC 9110, section 8.6).
        if (status === 204) continue;
        hasLength = true;
      } else if (name.length === 4 && name.toLowerCase() === "date") hasDate = true;
      text += `${name}: ${textOf(value)}\r\n`;
    }
    if (!hasDate) text += `Date: ${this.#connection.date}\r\n`;
    const isLengthless = hasLength || status === 204 || status === 304;
    let ends = false;
    if (length === undefined) {
      const isChunked = !hasLength && version === "1.1" && !this.#isBodiless();
      this.#state = isChunked ? "chunked" : "plain";
      if (isChunked) text += "Transfer-Encoding: chunked\r\n";
      else ends = !isLengthless && !this.#isBodiless();
    } else if (!isLengthless && !(length === 0 && this.#head.method === "HEAD"))
      text += `Content-Length: ${length}\r\n`;
    if (ends) this.isLast = true;
    if (!this.#connection.mayFollow(this)) {
      this.isLast = true;
      text += "Connection: close\r\n";
    } else if (version === "1.0") text += "Connection: keep-alive\r\n";
    return `${text}\r\n`;
  }

  #isBodiless(): boolean {
    const { status } = this.#response ?? {};
    return this.#head.method === "HEAD" || status === 204 || status === 304;
  }
}

/** A request's parts, its fields made when they are asked for. */
class ParsedRequest implements IncomingRequestParts {
  readonly method: string;
  readonly scheme = "http";
  readonly authority: string | undefined;
  readonly path: string;
  readonly body: BodySource;
  readonly #raw: readonly string[];
  #fields: HttpField[] | undefined;

  constructor({ method, fields }: ParsedHead, { authority, path }: RequestHead, body: BodySource) {
    this.method = method;
    this.authority = authority;
    this.path = path;
    this.body = body;
    this.#raw = fields;
  }

  get fields(): readonly HttpField[] {
    return (this.#fields ??= fieldsOf(this.#raw));
  }
}

/** The same bytes, in memory that many short pieces share. */
function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Fields of names and values in turn, a character for each byte; names in lower case. */
export function fieldsOf(raw: readonly string[]): HttpField[] {
  const fields: HttpField[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    fields.push([(raw[at] ?? "").toLowerCase(), Buffer.from(raw[at + 1] ?? "", "latin1")]);
  return fields;
}

/** Longest value of a field that is read byte by byte, which is quicker than to ask Node for so few. */
const shortValue = 24;

function textOf(bytes: Uint8Array): string {
  if (bytes.length > shortValue) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
