import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FrontOptions } from "./front.ts";
import { checkHead, type HeadProblem, textOfStatus } from "./head-check.ts";
import { NodeFrontExchange } from "./node-front-exchange.ts";

/** Bytes of a request's body that are dropped behind an early answer, so that the connection can take the next request. */
const mostDropped = 262_144;
/** How long a client may go on sending what nobody reads, in ms, so that it sees the answer before the connection breaks. */
const lingering = 2000;
/** Requests that may stand behind the one that is answered before no more are read. */
const mostPipelined = 16;

type Turn = readonly [message: IncomingMessage, response: ServerResponse];

/** One connection: its requests are answered one after the other, in the order in which they came. */
export class NodeConnection {
  readonly #socket: Socket;
  readonly #options: FrontOptions;
  readonly #waiting: Turn[] = [];
  #current: NodeFrontExchange | undefined;
  /** What came behind the last request and is none. */
  #problem: HeadProblem | undefined;
  #served = 0;
  /** The last answer said that it is the last. */
  #isLast = false;
  #isDraining = false;
  #isLingering = false;
  #isPaused = false;

  constructor(socket: Socket, options: FrontOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.once("close", () => {
      this.#waiting.length = 0;
      this.#current?.end(false);
    });
  }

  /** Whether it has no request. */
  get isIdle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0;
  }

  /** A request's head is there. */
  take(message: IncomingMessage, response: ServerResponse): void {
    // Node goes on with what came in one piece with a refused message: it may have been meant as a part of that.
    if (this.#problem !== undefined || this.#isLast) return;
    if (this.#current !== undefined) {
      this.#waiting.push([message, response]);
      if (this.#waiting.length >= mostPipelined && !this.#isPaused) {
        this.#isPaused = true;
        this.#socket.pause();
      }
      return;
    }
    this.#begin(message, response);
  }

  /** What came is no request, or a wrong body of one. */
  refuse(problem: HeadProblem): void {
    if (this.#problem !== undefined || this.#isLingering || this.#socket.destroyed) return;
    this.#problem = problem;
    const current = this.#current;
    if (current === undefined) this.#answerProblem(problem);
    else if (!current.message.complete && this.#waiting.length === 0) {
      if (current.isAnswered) this.#socket.destroy();
      else {
        this.#answerProblem(problem);
        current.end(false);
      }
    }
  }

  /** Closes behind what it has now. */
  drain(): void {
    this.#isDraining = true;
    if (this.#current !== undefined) this.#closeBehindLast(this.#current.response);
    else if (this.isIdle && !this.#isLingering) this.#socket.destroySoon();
  }

  /** Nothing moved for a while: answers whether that is the client's fault, or it has nothing to do here. */
  isStuck(): boolean {
    const current = this.#current;
    if (current === undefined || this.#socket.writableLength > 0) return true;
    const { message } = current;
    const hasRoom = message.readableLength < message.readableHighWaterMark;
    return !message.complete && hasRoom && !current.owesContinue;
  }

  #begin(message: IncomingMessage, response: ServerResponse): void {
    const { limits, onRefused } = this.#options;
    const { httpVersion: version, method = "", url: target = "", rawHeaders: fields } = message;
    const head = checkHead({ version, method, target, fields });
    if ("status" in head) return this.#reject(response, head);
    if (fields.length / 2 > limits.maxHeaders)
      return this.#reject(response, { status: 431, why: `more than ${limits.maxHeaders} fields`, limit: "fields" });
    if ((head.length ?? 0) > limits.maxBody)
      return this.#reject(response, { status: 413, why: `a body of ${head.length} bytes`, limit: "body" });
    const isSecure = "encrypted" in message.socket;
    const exchange = new NodeFrontExchange({ message, response, head, isSecure, maxBody: limits.maxBody, onRefused });
    this.#current = exchange;
    this.#served += 1;
    // Node loses what came in one piece with a request for another protocol, so that the next would begin anywhere.
    const isLast = this.#served === limits.requestsPerConnection || message.headers.upgrade !== undefined;
    if (isLast) response.shouldKeepAlive = false;
    if (this.#isDraining) this.#closeBehindLast(response);
    response.once("close", () => this.#ended(exchange, response.writableFinished));
    this.#options.onExchange(exchange);
  }

  #ended(exchange: NodeFrontExchange, isWhole: boolean): void {
    exchange.end(isWhole);
    if (this.#current !== exchange) return;
    const { message } = exchange;
    if (isWhole && !message.complete && !this.#socket.destroyed) this.#dropRest(message);
    this.#current = undefined;
    // What came behind an answer that says it is the last is not done: nobody would learn of it.
    this.#isLast = !exchange.response.shouldKeepAlive;
    if (this.#isLast) this.#waiting.length = 0;
    else this.#next();
  }

  #next(): void {
    if (this.#socket.destroyed) return;
    const turn = this.#waiting.shift();
    const isWrong = this.#problem !== undefined && this.#waiting.length === 0 && turn?.[0].complete === false;
    if (turn !== undefined && !isWrong) this.#begin(...turn);
    else if (this.#problem !== undefined) this.#answerProblem(this.#problem);
    else {
      if (this.#isPaused) this.#socket.resume();
      this.#isPaused = false;
    }
  }

  /** A connection whose last response says that it is the last takes none of those behind it. */
  #closeBehindLast(response: ServerResponse): void {
    if (this.#waiting.length === 0) response.shouldKeepAlive = false;
  }

  /** Reads what the client still sends of a request that is answered, as long as that is little. */
  #dropRest(message: IncomingMessage): void {
    let dropped = 0;
    message.removeAllListeners("readable");
    message.removeAllListeners("data");
    message.on("error", () => {});
    message.on("data", (bytes: Uint8Array) => {
      dropped += bytes.length;
      if (dropped > mostDropped) this.#linger();
    });
    message.resume();
  }

  /** Refuses a request that has a place among the answers. */
  #reject(response: ServerResponse, problem: HeadProblem): void {
    const { status, why, limit } = problem;
    this.#problem = problem;
    this.#waiting.length = 0;
    this.#options.onRefused(`${status}: ${why}`, limit);
    this.#socket.destroySoon = () => this.#linger();
    const text = `${textOfStatus(status)}\n`;
    response.shouldKeepAlive = false;
    response.writeHead(status, ["content-type", "text/plain; charset=utf-8", "content-length", String(text.length)]);
    response.end(text);
  }

  /** Answers what has no place among the answers, behind all of them. */
  #answerProblem({ status, why, limit }: HeadProblem): void {
    this.#options.onRefused(`${status}: ${why}`, limit);
    const text = `${textOfStatus(status)}\n`;
    const head = `HTTP/1.1 ${status} ${textOfStatus(status)}\r\nDate: ${new Date().toUTCString()}\r\nConnection: close\r\n`;
    const fields = `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\n\r\n`;
    this.#socket.write(head + fields + text);
    this.#linger();
  }

  /**
   * Says that nothing more comes, and reads on for a while: a connection that is closed with bytes unread is reset, and the
   * client may lose the answer.
   */
  #linger(): void {
    if (this.#isLingering) return;
    this.#isLingering = true;
    const socket = this.#socket;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), lingering);
    socket.once("close", () => clearTimeout(timer));
    socket.removeAllListeners("data");
    socket.on("data", () => {});
    socket.once("end", () => socket.destroy());
    socket.resume();
  }
}
