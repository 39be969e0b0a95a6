import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { BodyPipe, contentLength, HttpFailure, type HttpField } from "../../engine/index.ts";
import type { ServedWorkload } from "../protocol.ts";
import { clientGone, RequestFailed } from "./failures.ts";
import { endToEnd, valueText } from "./hop-fields.ts";
import { noUsage, type Runner } from "./runner.ts";
import type { ServedRequest } from "./served-request.ts";

/** Bytes that are read of a request's body at once. */
const pieceSize = 65_536;
/** Connections that are kept for later. */
const mostFree = 64;
/** How long one of these is kept, in ms: less than the other side keeps it. */
const keptFree = 4000;
/** Methods whose requests may be sent again where the connection turns out to be closed (RFC 9110, section 9.2.2). */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** Passes requests on to where a workload runs, by HTTP/1.1 over a Unix socket. */
export class ProxyRunner implements Runner {
  readonly #path: string;
  readonly #agent: Agent;
  readonly #onClose: () => void;
  #inUse = 0;

  constructor({ upstream, limits }: ServedWorkload, onClose: () => void = () => {}) {
    this.#path = upstream?.path ?? "";
    this.#onClose = onClose;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: limits.maxConcurrent,
      maxFreeSockets: mostFree,
      timeout: keptFree,
    });
  }

  get idle(): number {
    return 0;
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** @throws RequestFailed */
  async answer(request: ServedRequest): Promise<void> {
    this.#inUse += 1;
    try {
      await this.#exchange(request, "first");
    } finally {
      this.#inUse -= 1;
    }
  }

  /** Whoever runs it makes instances ready. */
  warm(): Promise<void> {
    return Promise.resolve();
  }

  usage(): typeof noUsage {
    return noUsage;
  }

  close(): void {
    this.#agent.destroy();
    this.#onClose();
  }

  async #exchange(request: ServedRequest, attempt: "first" | "second"): Promise<void> {
    const outgoing = this.#send(request);
    const abort = (): void => void outgoing.destroy();
    request.signal.addEventListener("abort", abort);
    const length = contentLength(request.front.request.fields);
    const hasBody = length !== 0 && (length !== undefined || isChunked(request));
    try {
      const answered = responseOf(outgoing);
      if (hasBody) sendBody(request, outgoing);
      else outgoing.end();
      let response: IncomingMessage;
      try {
        response = await answered;
      } catch (error) {
        const mayRepeat = attempt === "first" && !hasBody && idempotent.has(request.method);
        if (mayRepeat && outgoing.reusedSocket && !request.isAborted) return await this.#exchange(request, "second");
        throw request.isAborted ? new RequestFailed(clientGone) : unreachable(error);
      }
      await passBack(request, response);
    } finally {
      request.signal.removeEventListener("abort", abort);
      if (!outgoing.destroyed && !outgoing.writableFinished) outgoing.destroy();
    }
  }

  #send(request: ServedRequest): ClientRequest {
    const headers: string[] = [];
    let hasHost = false;
    for (const [name, value] of endToEnd(request.fields)) {
      if (name === "expect") continue;
      hasHost ||= name === "host";
      headers.push(name, name === "host" ? (request.authority ?? "") : valueText(value));
    }
    if (!hasHost) headers.push("host", request.authority ?? "localhost");
    if (isChunked(request)) headers.push("transfer-encoding", "chunked");
    const { method, path } = request;
    return httpRequest({ socketPath: this.#path, agent: this.#agent, method, path, headers, setHost: false });
  }
}

function isChunked({ front }: ServedRequest): boolean {
  return front.request.fields.some(([name]) => name === "transfer-encoding");
}

/** The answer; those of the range 1xx before it are the connection's own and end here. */
function responseOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.on("error", reject);
    outgoing.once("close", () => reject(new Error("The connection was closed before an answer came")));
  });
}

/** Sends the body no faster than it is taken, and behind it its trailers. What fails is told by the answer's side. */
function sendBody({ body }: ServedRequest, outgoing: ClientRequest): void {
  const send = async (): Promise<void> => {
    const into = Buffer.alloc(pieceSize);
    for (;;) {
      const count = await body.read(into);
      if (count === 0) break;
      // Node keeps what it cannot send at once.
      if (!outgoing.write(Buffer.from(into.subarray(0, count)))) await drained(outgoing);
      if (outgoing.destroyed) return;
    }
    if (body.trailers.length > 0)
      outgoing.addTrailers(body.trailers.map(([name, value]): [string, string] => [name, valueText(value)]));
    outgoing.end();
  };
  send().catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : undefined));
}

function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}

/** Answers with what came, no faster than the client takes it. */
async function passBack(request: ServedRequest, response: IncomingMessage): Promise<void> {
  const fields = endToEnd(fieldsOf(response.rawHeaders));
  const { statusCode: status = 0 } = response;
  if (status < 200 || status > 599) {
    response.destroy();
    throw unreachable(new Error(`it answered with the status ${status}`));
  }
  const isBodiless = request.method === "HEAD" || status === 204 || status === 304;
  if (isBodiless) {
    response.resume();
    request.respond({ status, fields });
    return;
  }
  const pipe = new BodyPipe({ sizeError: "HTTP-response-body-size" });
  request.respond({ status, fields, body: pipe });
  try {
    for await (const piece of response as AsyncIterable<Uint8Array>) {
      const taken = pipe.write(piece);
      if (typeof taken !== "number") await taken;
      if (!pipe.isReady()) await roomIn(pipe);
    }
    pipe.finish(fieldsOf(response.rawTrailers));
  } catch (error) {
    // A client that left is no failure of anybody's.
    const failure = request.isOver ? new RequestFailed(clientGone) : unreachable(error);
    response.destroy();
    pipe.fail(new HttpFailure({ tag: "HTTP-response-incomplete" }, { cause: error }));
    throw failure;
  }
}

function roomIn(pipe: BodyPipe): Promise<void> {
  return new Promise((resolve) => {
    const watching = pipe.watch(() => {
      if (watching !== true) watching();
      resolve();
    });
    if (watching === true) resolve();
  });
}

function fieldsOf(raw: readonly string[]): HttpField[] {
  const fields: HttpField[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    fields.push([(raw[at] ?? "").toLowerCase(), Buffer.from(raw[at + 1] ?? "", "latin1")]);
  return fields;
}

/** Nobody there: it starts, or starts again; whatever else happens is a wrong answer. */
function unreachable(error: unknown): RequestFailed {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const isAway = code === "ENOENT" || code === "ECONNREFUSED" || code === "EAGAIN";
  const said = `Its worker did not answer: ${message}`;
  return isAway
    ? new RequestFailed({ status: 503, reason: "no_instance", retryAfter: 1, message: said })
    : new RequestFailed({ status: 502, reason: "guest_error", message: said });
}
