import {
  HttpFailure,
  type MessageConnection,
  type ParsedHead,
  type ParserProblem,
  RequestParser,
} from "../../engine/index.ts";
import type { FrontOptions } from "./front.ts";
import { checkHead, type HeadProblem, textOfStatus } from "./head-check.ts";
import { type ExchangeConnection, fieldsOf, NativeExchange } from "./native-front-exchange.ts";
import { type BodyLender, noBody, RequestBody } from "./request-body.ts";

/** Bytes of a request's body that are dropped behind an early answer, so that the connection can take the next request. */
const mostDropped = 262_144;
/** How long a client may go on sending what nobody reads, in ms, so that it sees the answer before the connection breaks. */
const lingering = 2000;
/** Requests that may stand behind the one that is answered before no more are read. */
const mostPipelined = 16;
/** Bytes that may wait for a client which is slow to read, before a guest has to wait. */
const mostPending = 65_536;

/** What connections have of their front. */
export interface ConnectionHome {
  readonly options: FrontOptions;
  /** The present time in ms, as often as it is looked at. */
  readonly now: number;
  readonly date: string;
  readonly isDraining: boolean;
  closed(connection: NativeFrontConnection): void;
  /** Has what is held back of an answer sent when all that came in this turn was handled. */
  later(exchange: NativeExchange): void;
}

/** A request that came and is not answered yet, or what came in place of one. */
type Turn = NativeExchange | HeadProblem;

/** One connection: its requests are answered one after the other, in the order in which they came. */
export class NativeFrontConnection implements ExchangeConnection {
  readonly #home: ConnectionHome;
  readonly #connection: MessageConnection;
  readonly #parser: RequestParser;
  readonly #waiting: Turn[] = [];
  #current: NativeExchange | undefined;
  /** The request that comes in, and its body. */
  #incoming: NativeExchange | undefined;
  #body: RequestBody | undefined;
  #isIncoming = false;
  /** Bytes of it that its head promises and that did not come yet. */
  #owed = 0;
  /** Bytes of it that nobody read since its answer. */
  #dropped = 0;
  /** Its answer is whole, and not all of it is with the system. */
  #leaving: NativeExchange | undefined;
  #requests = 0;
  /** What ends the connection behind all answers: nothing more is read. */
  #isRefused = false;
  #isOver = false;
  #isParsing = false;
  /** Since when it waits for what it waits for now, in ms. */
  #since: number;
  /** Whether a head has begun. */
  #isInHead = false;
  #lingersUntil: number | undefined;
  #wantsRead = false;
  #remote: { readonly address: string; readonly port: number } | undefined;

  constructor(home: ConnectionHome, connection: MessageConnection) {
    this.#home = home;
    this.#connection = connection;
    this.#since = home.now;
    const events = {
      head: (head: ParsedHead) => {
        this.#head(head);
        return this.#owed > 0;
      },
      body: (bytes: Uint8Array) => this.#bodyBytes(bytes),
      whole: (trailers: readonly string[]) => this.#whole(trailers),
    };
    this.#parser = new RequestParser(events, home.options.limits.maxHeaderBytes);
    connection.tell({
      takesAtOnce: true,
      connected: () => {},
      data: (bytes) => this.#data(bytes),
      ended: () => this.#peerEnded(),
      drained: () => this.#drained(),
      failed: () => this.#lost(),
    });
    connection.read();
  }

  get remote(): { readonly address: string; readonly port: number } {
    if (this.#remote === undefined) {
      const { remote } = this.#connection;
      this.#remote =
        remote.family === "unix"
          ? { address: "", port: 0 }
          : { address: plainAddress(remote.address), port: remote.port };
    }
    return this.#remote;
  }

  get date(): string {
    return this.#home.date;
  }

  /** Whether it has no request. */
  get isIdle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0 && !this.#isInHead;
  }

  mayFollow(exchange: NativeExchange): boolean {
    const { requestsPerConnection = Infinity } = this.#home.options.limits;
    if (!exchange.keepsAlive || exchange.isLast || exchange.owesContinue) return false;
    const isLast = this.#requests >= requestsPerConnection || this.#home.isDraining;
    return !(isLast && this.#waiting.length === 0);
  }

  send(text: string, pieces: readonly Uint8Array[], tail: string): boolean {
    if (this.#isOver) return true;
    // What is left goes on being sent, for as long as the client takes some of it in time.
    if (!this.#connection.send(text, pieces, tail)) this.#since = this.#home.now;
    return this.#connection.pending < mostPending;
  }

  later(exchange: NativeExchange): void {
    this.#home.later(exchange);
  }

  answered(exchange: NativeExchange): void {
    if (this.#connection.pending === 0) this.#ended(exchange);
    else this.#leaving = exchange;
  }

  broken(exchange: NativeExchange): void {
    this.#close();
    exchange.over(false);
  }

  /** Closes behind what it has now. */
  drain(): void {
    if (this.isIdle && this.#lingersUntil === undefined) this.#finish();
  }

  /** Closes at once. */
  end(): void {
    this.#lost();
  }

  /** Ends it where its client has let too much time pass. */
  look(now: number): void {
    if (this.#lingersUntil !== undefined) {
      if (now > this.#lingersUntil) this.#lost();
      return;
    }
    const { limits } = this.#home.options;
    const since = now - this.#since;
    const { pending } = this.#connection;
    if (pending > 0) {
      if (since > limits.bodyTimeout) this.#lost();
    } else if (this.#current !== undefined) {
      const isOwed = this.#isIncoming && this.#wantsRead && !this.#current.owesContinue;
      if (isOwed && since > limits.bodyTimeout) this.#lost();
    } else if (this.#isInHead) {
      if (since > limits.headerTimeout)
        this.#refuse({ status: 408, why: "a head that took too long", limit: "header-timeout" });
    } else if (since > limits.idleTimeout) this.#lost();
  }

  #data(bytes: Uint8Array): boolean {
    if (this.#isOver) return false;
    if (this.#isRefused) return true;
    this.#wantsRead = false;
    if (this.#current === undefined && !this.#isInHead && this.#waiting.length === 0) {
      this.#since = this.#home.now;
      this.#isInHead = true;
    } else if (this.#isIncoming) this.#since = this.#home.now;
    this.#isParsing = true;
    for (let at = 0; at < bytes.length && !this.#isRefused && !this.#isOver;)
      at += this.#take(at === 0 ? bytes : bytes.subarray(at));
    this.#isParsing = false;
    if (this.#current === undefined) this.#next();
    return this.#wants();
  }

  /** Takes bytes of a body whose length is known, or what the parser takes; answers how many. */
  #take(bytes: Uint8Array): number {
    if (this.#owed > 0) {
      const part = bytes.length > this.#owed ? bytes.subarray(0, this.#owed) : bytes;
      this.#owed -= part.length;
      this.#bodyBytes(part, this.#connection);
      if (this.#owed === 0) this.#whole([]);
      return part.length;
    }
    const taken = this.#parser.execute(bytes);
    if (typeof taken === "number") return taken;
    if (!this.#isRefused) this.#wrong(problemOf(taken));
    return bytes.length;
  }

  /** Whether it reads on now; else {@link taken} does when there is room. */
  #wants(): boolean {
    if (this.#isOver) return false;
    if (this.#isRefused) return true;
    this.#wantsRead = this.#waiting.length < mostPipelined && this.#body?.hasRoom !== false;
    return this.#wantsRead;
  }

  #readOn(): void {
    if (this.#wantsRead || this.#isParsing || this.#isOver || !this.#wants()) return;
    this.#connection.read();
  }

  #head(parsed: ParsedHead): void {
    if (this.#isRefused) return;
    const { limits } = this.#home.options;
    const head = checkHead(parsed);
    if ("status" in head) return this.#wrong(head);
    if (parsed.fields.length / 2 > limits.maxHeaders)
      return this.#wrong({ status: 431, why: `more than ${limits.maxHeaders} fields`, limit: "fields" });
    if ((head.length ?? 0) > limits.maxBody)
      return this.#wrong({ status: 413, why: `a body of ${head.length} bytes`, limit: "body" });
    const hasBody = head.length !== 0;
    let exchange: NativeExchange;
    if (hasBody) {
      const body = new RequestBody({
        wanted: () => {
          if (this.#current === exchange) exchange.proceed();
        },
        taken: () => this.#readOn(),
      });
      this.#body = body;
      exchange = new NativeExchange(this, parsed, head, body);
    } else {
      this.#body = undefined;
      exchange = new NativeExchange(this, parsed, head, noBody);
    }
    this.#incoming = exchange;
    this.#isIncoming = true;
    this.#owed = head.length ?? 0;
    this.#dropped = 0;
    this.#waiting.push(exchange);
  }

  /** Bytes of a body came; they are the lender's, where there is one. */
  #bodyBytes(bytes: Uint8Array, lender?: BodyLender): void {
    const exchange = this.#incoming;
    if (exchange === undefined || this.#isRefused) return;
    exchange.bytesIn += bytes.length;
    const { maxBody } = this.#home.options.limits;
    if (exchange.bytesIn > maxBody) {
      this.#body?.fail(new HttpFailure({ tag: "HTTP-request-body-size", val: BigInt(exchange.bytesIn) }));
      this.#wrong({ status: 413, why: `a body of more than ${maxBody} bytes`, limit: "body" });
      return;
    }
    if (this.#body?.isDropped === true && (this.#dropped += bytes.length) > mostDropped) {
      this.#isRefused = true;
      if (this.#current === undefined) this.#linger();
      return;
    }
    this.#body?.add(bytes, lender);
  }

  #whole(trailers: readonly string[]): void {
    this.#isInHead = this.#isIncoming = false;
    if (!this.#isRefused) this.#body?.finish(fieldsOf(trailers));
  }

  /** What came is no request, or a wrong body of one: it is answered behind what stands before it, and nothing follows. */
  #wrong(problem: HeadProblem): void {
    this.#isRefused = true;
    const exchange = this.#incoming;
    if (!this.#isIncoming || exchange === undefined) {
      this.#waiting.push(problem);
      return;
    }
    // The wrong body of a request that is there.
    this.#body?.fail(new HttpFailure({ tag: "HTTP-protocol-error" }));
    const at = this.#waiting.indexOf(exchange);
    if (at >= 0) this.#waiting[at] = problem;
    else if (exchange.isAnswered) this.broken(exchange);
    else {
      this.#current = undefined;
      this.#refuse(problem);
      exchange.over(false);
    }
  }

  #next(): void {
    const turn = this.#waiting.shift();
    if (turn === undefined) {
      if (this.#home.isDraining && !this.#isInHead) this.#finish();
      return;
    }
    if (!(turn instanceof NativeExchange)) {
      this.#refuse(turn);
      return;
    }
    this.#current = turn;
    this.#requests += 1;
    this.#home.options.onExchange(turn);
  }

  #ended(exchange: NativeExchange): void {
    // Behind an answer that the end of the connection ends, nothing else can come.
    const follows = this.mayFollow(exchange) || (this.#waiting.length > 0 && !exchange.isLast);
    exchange.over(true);
    if (this.#current !== exchange || this.#isOver) return;
    this.#current = undefined;
    this.#since = this.#home.now;
    if (!follows || (this.#isRefused && this.#waiting.length === 0)) {
      if (this.#isIncoming || this.#isRefused) this.#linger();
      else this.#finish();
      return;
    }
    if (this.#isIncoming) this.#body?.drop();
    // A turn of its own for each: pipelined requests that are answered at once would nest.
    if (this.#waiting.length > 0) queueMicrotask(() => this.#current ?? this.#next());
    else if (this.#home.isDraining && !this.#isInHead) this.#finish();
    this.#readOn();
  }

  #drained(): void {
    this.#since = this.#home.now;
    this.#current?.drained();
    const exchange = this.#leaving;
    if (exchange === undefined || this.#connection.pending > 0) return;
    this.#leaving = undefined;
    this.#ended(exchange);
  }

  /** Answers what has no exchange, and takes nothing more. */
  #refuse({ status, why, limit }: HeadProblem): void {
    this.#home.options.onRefused(`${status}: ${why}`, limit);
    this.#isRefused = true;
    const text = `${textOfStatus(status)}\n`;
    const head = `HTTP/1.1 ${status} ${textOfStatus(status)}\r\nDate: ${this.date}\r\nConnection: close\r\n`;
    this.send(`${head}Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\n\r\n`, [], text);
    this.#linger();
  }

  #peerEnded(): void {
    if (this.#lingersUntil !== undefined || this.isIdle) {
      this.#finish();
      return;
    }
    // Who closes does not wait for an answer: nobody closes but half of a connection to ask something.
    this.#lost();
  }

  /**
   * Says that nothing more comes, and reads on for a while: a connection that is closed with bytes unread is reset, and the
   * client may lose the answer.
   */
  #linger(): void {
    if (this.#lingersUntil !== undefined || this.#isOver) return;
    this.#lingersUntil = this.#home.now + lingering;
    this.#isRefused = true;
    this.#connection.end();
    this.#connection.read();
  }

  /** Closes it behind what was written. */
  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parser.free();
    this.#connection.end();
    this.#connection.close(() => {});
    this.#home.closed(this);
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parser.free();
    this.#connection.reset();
    this.#home.closed(this);
  }

  /** The client is gone, or has to go. */
  #lost(): void {
    this.#close();
    this.#body?.fail(new HttpFailure({ tag: "connection-terminated" }));
    this.#waiting.length = 0;
    const current = this.#current;
    this.#current = undefined;
    current?.over(false);
  }
}

function problemOf({ code, reason }: ParserProblem): HeadProblem {
  if (code === "HPE_HEADER_OVERFLOW") return { status: 431, why: "a head that is too large", limit: "headers" };
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return { status: 413, why: "chunk extensions that are too large" };
  return { status: 400, why: `no HTTP (${reason})` };
}

/** The address of IPv4 where one of IPv6 wraps it. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
