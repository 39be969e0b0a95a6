import { type ClientRequest, type IncomingMessage, request as makeRequest, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ProjectPlace } from "../../../engine/index.ts";
import { encodedPath } from "./request-path.ts";
import type { Location, Proxy, Settings } from "./site.ts";
import { filledIn, headerText, type RequestFacts } from "./variables.ts";

/** How long a service may be silent, in ms. */
const patience = 60_000;
/** Headers that are about one connection (RFC 9110, section 7.6.1). */
const ofConnection = new Set(
  "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade".split(
    " ",
  ),
);

/** What is handed to a service. */
export interface ProxyParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly facts: RequestFacts;
  readonly place: ProjectPlace;
  readonly location: Location | undefined;
  readonly settings: Settings;
  readonly proxy: Proxy;
  /** Answers with an error of this server's own. */
  readonly fail: (code: number) => void;
}

/** Hands a request to a service of the project, and its answer back, as they come. */
export function handOn({ request, response, facts, place, location, settings, proxy, fail }: ProxyParts): void {
  let isOver = false;
  const failOnce = (code: number): void => {
    if (isOver) return;
    isOver = true;
    upstream?.destroy();
    if (response.headersSent) response.destroy();
    else fail(code);
  };
  let upstream: ClientRequest | undefined;
  let socket: Socket;
  const headers = headersOf(request, { facts, settings, proxy });
  const path = targetOf(request, { facts, location, proxy });
  try {
    socket = place.connect(proxy.host, proxy.port);
  } catch {
    return failOnce(502);
  }
  upstream = makeRequest({ createConnection: () => socket, method: request.method, path, headers, setHost: false });
  upstream.setTimeout(patience, () => {
    if (isOver) response.destroy();
    else failOnce(504);
  });
  upstream.on("error", () => failOnce(502));
  // It may also go without an answer, to another protocol for one.
  upstream.on("close", () => failOnce(502));
  upstream.on("response", (answer) => {
    const { statusCode = 0, statusMessage = "" } = answer;
    if (statusCode < 200) return failOnce(502);
    const said = [...passedOn(answer.rawHeaders), ...addedHeaders(settings, facts, answer)];
    response.writeHead(statusCode, headerText(statusMessage), said);
    isOver = true;
    answer.pipe(response);
    answer.on("error", () => response.destroy());
    response.on("close", () => upstream.destroy());
  });
  response.on("close", () => {
    if (!response.writableEnded) upstream.destroy();
  });
  sendBody(request, { upstream, mostBody: settings.mostBody, failOnce });
}

function sendBody(
  request: IncomingMessage,
  {
    upstream,
    mostBody,
    failOnce,
  }: { readonly upstream: ClientRequest; readonly mostBody: number; readonly failOnce: (code: number) => void },
): void {
  let count = 0;
  request.on("data", (chunk: Buffer) => {
    count += chunk.length;
    if (mostBody > 0 && count > mostBody) failOnce(413);
  });
  request.pipe(upstream);
}

function targetOf(
  request: IncomingMessage,
  { facts, location, proxy }: Pick<ProxyParts, "facts" | "location" | "proxy">,
): string {
  const whole = request.url ?? "/";
  if (proxy.path === undefined) return whole;
  const query = /\?.*$/s.exec(whole)?.[0] ?? "";
  const below = facts.uri.slice(location?.match === "named" ? 0 : (location?.path.length ?? 0));
  return `${proxy.path}${encodedPath(below)}${query}`;
}

function headersOf(
  request: IncomingMessage,
  { facts, settings, proxy }: Pick<ProxyParts, "facts" | "settings" | "proxy">,
): string[] {
  const host = proxy.port === 80 ? proxy.host : `${proxy.host}:${proxy.port}`;
  const own = new Map<string, readonly [string, string]>([["host", ["Host", host]]]);
  for (const [name, value] of settings.proxyHeaders)
    own.set(name.toLowerCase(), [name, headerText(filledIn(value, { ...facts, proxyHost: host }))]);
  const isSet = (name: string): boolean => own.has(name.toLowerCase());
  const passed = pairs(passedOn(request.rawHeaders)).filter(
    ([name]) => !isSet(name) && name.toLowerCase() !== "expect",
  );
  const set = [...own.values()].filter(([name, value]) => value !== "" && !ofConnection.has(name.toLowerCase()));
  const isChunked = request.headers["transfer-encoding"] !== undefined;
  return [...set, ...passed, ...(isChunked ? [["Transfer-Encoding", "chunked"] as const] : [])].flat();
}

function addedHeaders(settings: Settings, facts: RequestFacts, { statusCode = 0 }: IncomingMessage): string[] {
  return settings.headers
    .filter(({ always }) => always || statusCode < 400)
    .flatMap(({ name, value }) => [name, headerText(filledIn(value, facts))]);
}

/**
 * Headers that are not about the one connection. What says how long the body is stays, whoever names it: without it, the body
 * would be the next request.
 */
function passedOn(raw: readonly string[]): string[] {
  const named = new Set(
    pairs(raw).flatMap(([name, value]) =>
      name.toLowerCase() === "connection" ? value.split(",").map((each) => each.trim().toLowerCase()) : [],
    ),
  );
  named.delete("content-length");
  return pairs(raw)
    .filter(([name]) => !ofConnection.has(name.toLowerCase()) && !named.has(name.toLowerCase()))
    .flat();
}

function pairs(raw: readonly string[]): (readonly [name: string, value: string])[] {
  const all: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) all.push([raw[at] ?? "", raw[at + 1] ?? ""]);
  return all;
}
