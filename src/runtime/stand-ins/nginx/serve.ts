import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import type { ProjectPlace } from "../../../engine/index.ts";
import { configError } from "../workload.ts";
import { logAccess } from "./access-log.ts";
import { Files, type MakeSender, readHeld } from "./files.ts";
import { handOn } from "./proxy.ts";
import { decodedPath, encodedPath } from "./request-path.ts";
import type { Location, Settings, Site, SiteServer } from "./site.ts";
import { filledIn, headerText, type RequestFacts } from "./variables.ts";

/** Most times that one request is sent to another path inside. */
const mostTurns = 10;
/** Most connections at once, as many as the image's own configuration has. */
const mostConnections = 1024;

/** How long clients may take, in ms. */
export interface Patience {
  /** For the headers of a request. */
  readonly headers: number;
  /** How often it is looked whether one takes longer. */
  readonly lookEvery: number;
}

const usualPatience: Patience = { headers: 60_000, lookEvery: 10_000 };

/** Serves a site in the project; what it answers stops that. @throws STAND_IN_CONFIG, NETWORK_PORT */
export async function serveSite(
  site: Site,
  {
    place,
    log,
    patience = usualPatience,
  }: { readonly place: ProjectPlace; readonly log: (line: string) => void; readonly patience?: Patience },
): Promise<() => Promise<void>> {
  checkUpstreams(site, place);
  const { default: sirv } = (await import("sirv")) as unknown as { default: MakeSender };
  const files = new Files(sirv, site.sources);
  const ports = new Set(site.servers.flatMap((server) => server.ports));
  const remotes = new Map<Socket, string>();
  const servers: Server[] = [];
  const closers: (() => void)[] = [];
  for (const port of ports) {
    const server = createServer(timesOf(patience), (request, response) => {
      const remote = remotes.get(request.socket) ?? "127.0.0.1";
      logAccess({ request, response, remote }, log);
      answer({ request, response, remote, port, files, place, servers: site.servers }, log);
    });
    server.on("clientError", (_error, socket) => {
      if (socket.writable) socket.write("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      (socket as Socket).destroySoon();
    });
    // Who has asked all that he asks may still be answered.
    Object.assign(server, { httpAllowHalfOpen: true });
    // It listens on nothing itself, and would not look who is slow.
    server.emit("listening");
    servers.push(server);
    closers.push(
      await place.listen(port, (socket, remote) => {
        if (remotes.size >= mostConnections) return void socket.destroy();
        remotes.set(socket, remote);
        socket.once("close", () => remotes.delete(socket));
        server.emit("connection", socket);
      }),
    );
  }
  return () => stop(servers, closers, remotes);
}

function timesOf({ headers, lookEvery }: Patience): ServerOptions {
  return { headersTimeout: headers, connectionsCheckingInterval: lookEvery };
}

/** Answers a request; what goes wrong with one is no other's business. */
function answer(parts: AnswerParts, log: (line: string) => void): void {
  try {
    new Answer(parts).begin();
  } catch (error) {
    log(`[error] ${JSON.stringify(error instanceof Error ? error.message : String(error))}`);
    if (!parts.response.headersSent) parts.response.writeHead(500, { Connection: "close", "Content-Length": 0 });
    parts.response.end();
  }
}

async function stop(
  servers: readonly Server[],
  closers: readonly (() => void)[],
  open: ReadonlyMap<Socket, string>,
): Promise<void> {
  for (const close of closers) close();
  // Requests under way are answered; who is slow is left behind.
  const timer = setTimeout(() => {
    for (const socket of open.keys()) socket.destroy();
  }, 5_000);
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      for (const server of servers) server.closeIdleConnections();
      if (open.size > 0) return;
      clearInterval(look);
      resolve();
    }, 5);
  });
  clearTimeout(timer);
}

function checkUpstreams({ servers }: Site, place: ProjectPlace): void {
  const all = servers.flatMap(({ settings, locations }) => [settings, ...locations.map((each) => each.settings)]);
  const unknown = all.find(({ proxy }) => proxy !== undefined && !place.knows(proxy.host))?.proxy?.host;
  if (unknown !== undefined)
    throw configError(
      `no service "${unknown}" is on its networks, which "proxy_pass" names`,
      "put both on one network",
    );
}

interface AnswerParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly remote: string;
  readonly port: number;
  readonly files: Files;
  readonly place: ProjectPlace;
  readonly servers: readonly SiteServer[];
}

/** How one request is answered. */
class Answer {
  readonly #parts: AnswerParts;
  readonly #server: SiteServer;
  #turns = 0;
  /** The status of an error whose page is looked for. */
  #status = 0;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#server = serverFor(parts);
  }

  begin(): void {
    const { request } = this.#parts;
    const path = decodedPath(request.url ?? "");
    if (path === undefined) return this.#fail(400, this.#server.settings);
    this.#route(path);
  }

  #route(path: string): void {
    this.#turns += 1;
    const location = path.startsWith("@") ? namedLocation(this.#server, path) : locationFor(this.#server, path);
    const settings = location?.settings ?? this.#server.settings;
    if (this.#turns > mostTurns) return this.#plain(500, settings);
    this.#answer(path, settings, location);
  }

  #answer(path: string, settings: Settings, location: Location | undefined): void {
    const { request, response, place } = this.#parts;
    const { answer, proxy, tryFiles, mostBody } = settings;
    const facts = this.#facts(path);
    if (mostBody > 0 && Number(request.headers["content-length"] ?? 0) > mostBody) return this.#fail(413, settings);
    if (answer !== undefined) return this.#say(answer, settings, facts);
    if (tryFiles !== undefined) {
      const next = this.#tryFiles(tryFiles, { settings, location, facts });
      if (next !== "goes on") return;
    }
    if (proxy !== undefined) {
      const fail = (code: number): void => this.#fail(code, settings);
      return handOn({ request, response, facts, place, location, settings, proxy, fail });
    }
    this.#file(path, settings, location);
  }

  #file(path: string, settings: Settings, location: Location | undefined): void {
    const { request, response, files } = this.#parts;
    if (request.method !== "GET" && request.method !== "HEAD" && this.#status === 0) return this.#fail(405, settings);
    const { root, below } = rootOf(path, settings, location);
    const found = files.find(root, below);
    if (found.kind === "folder" && !path.endsWith("/")) return this.#redirect(301, `${encodedPath(path)}/`, settings);
    if (found.kind === "folder") {
      const index = settings.index.find((name) => files.find(root, below + name).kind === "file");
      return index === undefined ? this.#fail(403, settings) : this.#route(path + index);
    }
    if (found.kind !== "file" || path.endsWith("/")) return this.#fail(found.kind === "outside" ? 403 : 404, settings);
    this.#setHeaders(settings, this.#facts(path), this.#status || 200);
    if (this.#status === 0) return files.send(found, { request, response });
    // The page of an error is no answer to what the request's conditions ask.
    response.setHeader("Content-Type", /\.html?$/.test(found.path) ? "text/html;charset=utf-8" : "text/plain");
    response.writeHead(this.#status).end(readHeld(found));
  }

  /** Whether one of the files is there, and is answered with from now on. */
  #tryFiles(
    words: readonly string[],
    { settings, location, facts }: { settings: Settings; location: Location | undefined; facts: RequestFacts },
  ): "done" | "goes on" {
    const { files } = this.#parts;
    for (const word of words.slice(0, -1)) {
      const path = decodedPath(encodedPath(`/${filledIn(word, facts)}`.replace(/^\/+/, "/")));
      if (path === undefined) continue;
      const { root, below } = rootOf(path, settings, location);
      const found = files.find(root, below);
      const isFolder = word.endsWith("/") && found.kind === "folder";
      if (!isFolder && (found.kind !== "file" || path.endsWith("/"))) continue;
      if (settings.proxy !== undefined) return "goes on";
      this.#file(path, settings, location);
      return "done";
    }
    const last = filledIn(words.at(-1) ?? "", facts);
    const code = /^=(\d{3})$/.exec(last)?.[1];
    if (code !== undefined) this.#fail(Number(code), settings);
    else this.#route(last.startsWith("@") ? last : (decodedPath(last) ?? "/"));
    return "done";
  }

  #say(answer: { readonly code: number; readonly text: string }, settings: Settings, facts: RequestFacts): void {
    const { response } = this.#parts;
    const text = filledIn(answer.text, facts);
    if ([301, 302, 303, 307, 308].includes(answer.code)) return this.#redirect(answer.code, text, settings);
    if (text === "" && answer.code >= 400) return this.#fail(answer.code, settings);
    this.#setHeaders(settings, facts, answer.code);
    if (!response.hasHeader("Content-Type")) response.setHeader("Content-Type", "text/plain");
    response.writeHead(answer.code).end(text);
  }

  #redirect(code: number, to: string, settings: Settings): void {
    const { request, response } = this.#parts;
    const query = /\?.*$/s.exec(request.url ?? "")?.[0] ?? "";
    const target = code === 301 && to.startsWith("/") && !to.includes("?") ? to + query : to;
    this.#setHeaders(settings, this.#facts(""), code);
    response.writeHead(code, { Location: headerText(target), "Content-Length": 0 }).end();
  }

  /** Answers with an error: its page where there is one. */
  #fail(code: number, settings: Settings): void {
    const page = settings.errorPages[code];
    if (page === undefined || this.#status !== 0) return this.#plain(this.#status || code, settings);
    this.#status = code;
    this.#route(page);
  }

  #plain(code: number, settings: Settings): void {
    const { response, request } = this.#parts;
    const title = `${code} ${STATUS_CODES[code] ?? ""}`.trim();
    const body = `<!doctype html>\n<title>${title}</title>\n<h1>${title}</h1>\n`;
    this.#setHeaders(settings, this.#facts(""), code);
    if (code === 413 || code === 400) response.setHeader("Connection", "close");
    response.writeHead(code, { "Content-Type": "text/html", "Content-Length": Buffer.byteLength(body) }).end(body);
    request.resume();
  }

  #setHeaders({ headers }: Settings, facts: RequestFacts, code: number): void {
    for (const { name, value, always } of headers)
      if (always || code < 400) this.#parts.response.appendHeader(name, headerText(filledIn(value, facts)));
  }

  #facts(uri: string): RequestFacts {
    const { request, remote, port } = this.#parts;
    return { request, remote, uri, port, serverName: this.#server.names[0] ?? "", proxyHost: "" };
  }
}

function serverFor({ servers, port, request }: AnswerParts): SiteServer {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  const here = servers.filter(({ ports }) => ports.includes(port));
  const matches = (name: string): boolean => name === host || (name.startsWith("*.") && host.endsWith(name.slice(1)));
  const found =
    here.find(({ names }) => names.includes(host)) ??
    here.find(({ names }) => names.some(matches)) ??
    here.find(({ isDefault }) => isDefault) ??
    here[0];
  if (found === undefined) throw new TypeError(`No server is on port ${port}`);
  return found;
}

function locationFor({ locations }: SiteServer, path: string): Location | undefined {
  const exact = locations.find((each) => each.match === "exact" && each.path === path);
  if (exact !== undefined) return exact;
  const prefixes = locations.filter((each) => each.match === "prefix" && path.startsWith(each.path));
  return prefixes.toSorted((a, b) => b.path.length - a.path.length)[0];
}

function namedLocation({ locations }: SiteServer, name: string): Location | undefined {
  return locations.find((each) => each.match === "named" && each.path === name);
}

/** Where a path is on the host: the folder, and the path below it. */
function rootOf(
  path: string,
  { root, alias }: Settings,
  location: Location | undefined,
): { readonly root: string; readonly below: string } {
  if (alias === undefined || location === undefined || !path.startsWith(location.path)) return { root, below: path };
  return { root: alias, below: `/${path.slice(location.path.length)}` };
}
