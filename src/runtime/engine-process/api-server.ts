import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type ErrorData, type ErrorKind, SampanError } from "../../base/index.ts";
import { endingOfThrown } from "../process.ts";

/** The version of the API, the first part of every path. */
export const apiVersion = "v1";

/** A request as a route gets it. */
export interface ApiRequest {
  /** What stands in the path where the route has `*`. */
  readonly words: readonly string[];
  readonly query: URLSearchParams;
  /** The JSON that came with it. */
  readonly body: unknown;
  /** Aborted once the client is gone. */
  readonly signal: AbortSignal;
}

/** What a route answers: one value, or lines of JSON that come one after the other. */
export type ApiReply = { readonly value: unknown } | { readonly lines: AsyncIterable<unknown> };

/** One route: `GET /projects/*`, without the version. */
export type ApiRoutes = Readonly<Record<string, (request: ApiRequest) => ApiReply | Promise<ApiReply>>>;

/** The last line of a stream that failed. */
export interface ApiFailure {
  readonly error: ErrorData;
}

const statusOfKind = { user: 400, denied: 403, unavailable: 503, bug: 500 } as const satisfies Record<
  ErrorKind,
  number
>;
/** A model is some kilobytes; a body past this is no request of ours. */
const mostBody = 64 * 1024 ** 2;

/** Serves the versioned API over a Unix socket that only this user can connect to. */
export class ApiServer {
  readonly #server: Server;
  readonly #path: string;

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** Listens; the caller has the hold that says that nobody else listens there. */
  static async listen(path: string, routes: ApiRoutes): Promise<ApiServer> {
    const table = Object.entries(routes).map(([form, run]) => ({ form: form.split(/[ /]+/), run }));
    const server = createServer((request, response) => {
      void answer(table, request, response);
    });
    server.keepAliveTimeout = 1000;
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // The folder is this user's alone already: nobody else gets to the socket before its mode is set.
      server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
    return new ApiServer(server, path);
  }

  /** Takes the socket away; requests in flight go on. */
  close(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
    rmSync(this.#path, { force: true });
  }

  /** Resolves once the last connection is gone. */
  async drained(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.once("close", resolve));
  }
}

interface Route {
  readonly form: readonly string[];
  readonly run: ApiRoutes[string];
}

async function answer(table: readonly Route[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    const url = urlOf(request.url ?? "/");
    const { run, words } = findRoute(table, request.method ?? "GET", url.pathname);
    const body = await bodyOf(request);
    const reply = await run({ words, query: url.searchParams, body, signal: gone.signal });
    if ("value" in reply) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(reply.value ?? null));
      return;
    }
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.flushHeaders();
    for await (const line of reply.lines) {
      if (gone.signal.aborted) return;
      if (!response.write(`${JSON.stringify(line)}\n`)) await drainOf(response);
    }
    response.end();
  } catch (error) {
    fail(response, error);
  }
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  const known = error instanceof SampanError ? error : bug(error);
  const failure: ApiFailure = { error: known.toData() };
  if (!response.headersSent) response.writeHead(statusOfKind[known.kind], { "content-type": "application/json" });
  response.end(`${JSON.stringify(failure)}\n`);
}

function bug(error: unknown): SampanError {
  const ending = endingOfThrown(error);
  const stack = ending.kind === "bug" ? ending.stack : String(error);
  return new SampanError("API_BUG", `Cannot go on: ${stack.split("\n")[0]}`, { data: { stack } });
}

function findRoute(
  table: readonly Route[],
  method: string,
  path: string,
): { readonly run: ApiRoutes[string]; readonly words: readonly string[] } {
  const [version, ...parts] = path
    .split("/")
    .slice(1)
    .map((part) => decoded(part, path));
  if (version !== apiVersion) {
    throw new SampanError("API_UNKNOWN", `Cannot answer "${path}": this is version ${apiVersion} of the API`, {
      hint: "end the other Sampan with sampan down, and start it anew",
    });
  }
  for (const { form, run } of table) {
    const isSame = form.length === parts.length + 1 && form[0] === method;
    if (isSame && parts.every((part, index) => form[index + 1] === "*" || form[index + 1] === part)) {
      return { run, words: parts.filter((_, index) => form[index + 1] === "*") };
    }
  }
  throw new SampanError("API_UNKNOWN", `Cannot answer "${method} ${path}": the API has no such request`);
}

function urlOf(text: string): URL {
  const url = URL.parse(text, "http://sampan");
  if (url !== null) return url;
  throw new SampanError("API_UNKNOWN", `Cannot answer ${JSON.stringify(text)}: it is no address`);
}

function decoded(part: string, path: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new SampanError("API_UNKNOWN", `Cannot answer "${path}": it is no address`, { cause });
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBody) throw new SampanError("API_UNKNOWN", "Cannot read a request: it is too long");
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch (cause) {
    throw new SampanError("API_UNKNOWN", "Cannot read a request: its body is no JSON", { cause });
  }
}

function drainOf(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
