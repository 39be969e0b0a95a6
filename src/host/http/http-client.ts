import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import { type BodyPipe, type HttpField } from "./body-pipe.ts";
import { BodyReader, type BodyReaderOptions } from "./body-reader.ts";
import { Connector, type ConnectorOptions, type Target } from "./connector.ts";
import { HttpFailure, httpFailureOf, plainFailure } from "./errors.ts";
import { contentLength, fieldsOfRaw, parseAuthority, rawOfFields } from "./fields.ts";
import { type Duplex, httpModules } from "./node-modules.ts";
import type { Proxies } from "./proxies.ts";
import { sendBody } from "./send-body.ts";

/** How long an exchange may take in its parts, in ms. */
export interface HttpTimeouts {
  /** Until it is connected: resolving, TLS and the proxy included. 60 s by default. */
  readonly connect?: number | undefined;
  /** From the connection to the response's head. 600 s by default. */
  readonly firstByte?: number | undefined;
  /** Between two pieces of the response's body that the guest waits for. 600 s by default. */
  readonly betweenBytes?: number | undefined;
}

/** A request as a guest made it. */
export interface HttpRequest {
  readonly method: string;
  readonly scheme: "http" | "https";
  /** `HOST` or `HOST:PORT`. */
  readonly authority: string;
  /** It begins with `/`, or is `*`. */
  readonly path: string;
  readonly fields: readonly HttpField[];
  /** Left out where the request has none. */
  readonly body?: BodyPipe | undefined;
  readonly timeouts?: HttpTimeouts;
}

/** What came back. */
export interface HttpResponse {
  readonly status: number;
  readonly fields: readonly HttpField[];
  readonly body: BodyReader;
}

/** A request on its way. */
export interface HttpExchange {
  /** Rejects with HttpFailure. */
  readonly response: Promise<HttpResponse>;
  /** Ends it where the response is not there yet. */
  readonly cancel: () => void;
}

/** What a client is made of. */
export interface HttpClientOptions extends ConnectorOptions {
  readonly proxies: Proxies;
}

/** Most bytes of a message's head, and of its trailers. */
const mostHeadBytes = 65_536;
/** What a field takes besides its name and value: a colon, a space and the end of the line. */
const fieldOverhead = 4;
/** How long in ms a connection waits for the next request to the same target; servers commonly close theirs after 5 s. */
const idleTime = 4000;
/** Most connections that wait so for one target. */
const mostIdle = 32;
/** Longer times than timers have are none. */
const longestTimer = 0x7fff_ffff;
const defaults = { connect: 60_000, firstByte: 600_000, betweenBytes: 600_000 };
/** Methods that do the same when they are done twice (RFC 9110, section 9.2.2), and whose requests have no body as a rule. */
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "DELETE", "PUT", "TRACE"]);
/** Methods whose requests need a length, be it none (RFC 9110, section 8.6). */
const bodied = new Set(["POST", "PUT", "PATCH"]);

/** What Node's agent hands through to {@link Connector}. */
interface AgentOptions {
  readonly target: Target;
  readonly timeout: number;
}

type Made = (error: Error | null, connection?: Duplex) => void;

/** The HTTP client of a workload: its instances share connections that wait for the next request. */
export class HttpClient {
  readonly #proxies: Proxies;
  readonly #connector: Connector;
  /** Connections that wait, and what ends that. */
  readonly #idle = new Map<Duplex, () => void>();
  #agent: Agent | undefined;

  constructor({ proxies, ...options }: HttpClientOptions) {
    this.#proxies = proxies;
    this.#connector = new Connector(options);
  }

  /**
   * Sends a request. What it is refused for is told by the response: no grant for the target, and all that goes wrong on the way.
   * Responses of the range 1xx are dropped, and redirects are the guest's own business.
   */
  send(request: HttpRequest): HttpExchange {
    const sending = new Sending(request);
    const response = this.#send(sending).catch((error: unknown) => {
      const failed = httpFailureOf(error, "request");
      sending.cancel(failed);
      throw failed;
    });
    return { response, cancel: () => sending.cancel(plainFailure("connection-terminated")) };
  }

  /** Closes the connections. */
  close(): void {
    for (const socket of Array.from(this.#idle.keys())) this.#use(socket);
    this.#agent?.destroy();
  }

  async #send(sending: Sending): Promise<HttpResponse> {
    const target = this.#targetOf(sending.request);
    // A guest that has no more to say ends the body in the same turn: then the head can tell its length.
    if (sending.request.body?.isFinished === false) await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      const attempt = sending.attempt(target, (this.#agent ??= this.#makeAgent()));
      try {
        return await attempt.response;
      } catch (error) {
        if (!attempt.mayRepeat(error)) throw error;
      }
    }
  }

  #targetOf({ scheme, authority }: HttpRequest): Target {
    const place = parseAuthority(authority, scheme === "https" ? 443 : 80);
    if (place === undefined) throw plainFailure("HTTP-request-URI-invalid");
    return { ...place, scheme, proxy: this.#proxies.for(scheme, place) };
  }

  #makeAgent(): Agent {
    const agent = new httpModules.http.Agent({ keepAlive: true, maxFreeSockets: mostIdle, scheduling: "lifo" });
    const reuse = agent.reuseSocket.bind(agent) as (socket: Duplex, request: ClientRequest) => void;
    const own = {
      getName: (options: unknown) => nameOf((options as AgentOptions).target),
      createConnection: (options: unknown, made: Made) => {
        this.#connect(options as AgentOptions, made);
      },
      keepSocketAlive: (socket: Duplex) => {
        this.#keep(socket);
        return true;
      },
      reuseSocket: (socket: Duplex, request: ClientRequest) => {
        this.#use(socket);
        reuse(socket, request);
      },
    };
    return Object.assign(agent, own);
  }

  /** Has a connection wait: what comes unasked would be taken for the next response, and ends it. */
  #keep(socket: Duplex): void {
    const end = (): void => void socket.destroy();
    const timer = setTimeout(end, idleTime);
    timer.unref();
    for (const event of ["data", "end"]) socket.on(event, end);
    const forget = (): void => this.#use(socket);
    socket.once("close", forget);
    this.#idle.set(socket, () => {
      clearTimeout(timer);
      for (const event of ["data", "end"]) socket.off(event, end);
      socket.off("close", forget);
    });
  }

  #use(socket: Duplex): void {
    this.#idle.get(socket)?.();
    this.#idle.delete(socket);
  }

  #connect({ target, timeout }: AgentOptions, made: Made): void {
    const overdue = new AbortController();
    const timer = setTimeout(() => overdue.abort(plainFailure("connection-timeout")), timeout);
    this.#connector
      .connect(target, overdue.signal)
      .finally(() => clearTimeout(timer))
      .then(
        (connection) => made(null, connection),
        (error: unknown) => made(httpFailureOf(error, "connect")),
      );
  }
}

/** Requests to targets of one name may share a connection. */
function nameOf({ scheme, host, port, proxy }: Target): string {
  const through = proxy === undefined ? "" : `${proxy.isSecure}:${proxy.host}:${proxy.port}:${proxy.credentials ?? ""}`;
  return `${scheme}:${host}:${port}|${through}`;
}

/** A guest's request while it is being sent. */
class Sending {
  readonly request: HttpRequest;
  #current: Attempt | undefined;
  #failed: HttpFailure | undefined;

  constructor(request: HttpRequest) {
    this.request = request;
  }

  attempt(target: Target, agent: Agent): Attempt {
    if (this.#failed !== undefined) throw this.#failed;
    return (this.#current = new Attempt(this.request, target, agent));
  }

  cancel(failed: HttpFailure): void {
    this.#failed ??= failed;
    this.request.body?.abandon(failed);
    this.#current?.cancel(failed);
  }
}

/** One time that a request is sent. */
class Attempt {
  readonly response: Promise<HttpResponse>;
  readonly #request: HttpRequest;
  readonly #sent: ClientRequest;
  #isAnswered = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: HttpRequest, target: Target, agent: Agent) {
    this.#request = request;
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
    this.response = promise;
    const isBodiless = request.body === undefined || request.body.isEmpty;
    const { connect, firstByte, betweenBytes } = timesOf(request.timeouts);
    const options = {
      agent,
      method: request.method,
      path: pathFor(request, target),
      headers: headOf(request, target, isBodiless) as unknown as Record<string, string>,
      maxHeaderSize: mostHeadBytes,
      setHost: false,
      target,
      timeout: connect,
    };
    const sent = httpModules.http.request(options);
    this.#sent = sent;
    // Where Node drops what is too many without a word, the size alone is the limit.
    sent.maxHeadersCount = 0;
    sent.on("socket", () => {
      this.#timer = setTimeout(() => this.cancel(plainFailure("HTTP-response-timeout")), firstByte);
    });
    sent.on("error", (error) => {
      clearTimeout(this.#timer);
      reject(httpFailureOf(error, "request"));
    });
    sent.on("upgrade", (_message, socket) => {
      reject(plainFailure("HTTP-upgrade-failed"));
      socket.destroy();
    });
    sent.on("close", () => reject(plainFailure("connection-terminated")));
    sent.on("response", (message) => {
      clearTimeout(this.#timer);
      this.#isAnswered = true;
      resolve(responseOf(message, { patience: betweenBytes, freesConnection: sent.writableEnded }));
    });
    if (isBodiless) sent.end();
    else if (request.body !== undefined) sendBody(request.body, sent);
  }

  /** Whether a connection that had been waiting was found closed, and nothing of the exchange is lost by beginning anew. */
  mayRepeat(error: unknown): boolean {
    const { method, body } = this.#request;
    const isLost = httpFailureOf(error, "request").code.tag === "connection-terminated";
    const isWhole = body === undefined || body.isEmpty;
    return isLost && this.#sent.reusedSocket && !this.#isAnswered && isWhole && repeatable.has(method);
  }

  cancel(failed: HttpFailure): void {
    clearTimeout(this.#timer);
    if (!this.#isAnswered) this.#sent.destroy(failed);
  }
}

function responseOf(message: IncomingMessage, options: BodyReaderOptions): HttpResponse {
  const { statusCode: status = 0, rawHeaders } = message;
  return { status, fields: fieldsOfRaw(rawHeaders), body: new BodyReader(message, options) };
}

function timesOf(timeouts: HttpTimeouts = {}): Required<{ [K in keyof HttpTimeouts]: number }> {
  const time = (name: keyof HttpTimeouts): number => Math.min(timeouts[name] ?? defaults[name], longestTimer);
  return { connect: time("connect"), firstByte: time("firstByte"), betweenBytes: time("betweenBytes") };
}

function pathFor({ path, scheme, authority }: HttpRequest, { proxy }: Target): string {
  return proxy !== undefined && scheme === "http" ? `http://${authority}${path}` : path;
}

/** The head in turn, names and values: what frames the body is never the guest's to say. */
function headOf(request: HttpRequest, { scheme, proxy }: Target, isBodiless: boolean): string[] {
  const { authority, fields, method } = request;
  const length = contentLength(fields);
  if (Number.isNaN(length)) throw plainFailure("HTTP-protocol-error");
  if (isBodiless && length !== undefined && length !== 0)
    throw new HttpFailure({ tag: "HTTP-request-body-size", val: 0n });
  const head: [string, string][] = [["Host", authority], ...rawOfFields(fields)];
  if (length === undefined && !isBodiless) head.push(["Transfer-Encoding", "chunked"]);
  if (length === undefined && isBodiless && bodied.has(method)) head.push(["Content-Length", "0"]);
  const size = head.reduce((sum, [name, value]) => sum + name.length + value.length + fieldOverhead, 0);
  if (size > mostHeadBytes) throw new HttpFailure({ tag: "HTTP-request-header-section-size", val: size });
  if (proxy?.credentials !== undefined && scheme === "http") head.push(["Proxy-Authorization", proxy.credentials]);
  return head.flat();
}
