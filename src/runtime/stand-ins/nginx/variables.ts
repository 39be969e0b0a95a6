import type { IncomingMessage } from "node:http";

/** What the variables of a configuration are made of, for one request. */
export interface RequestFacts {
  readonly request: IncomingMessage;
  readonly remote: string;
  /** The decoded path, without the query. */
  readonly uri: string;
  readonly port: number;
  readonly serverName: string;
  readonly proxyHost: string;
}

const variables: Readonly<Record<string, (facts: RequestFacts) => string>> = {
  args: ({ request }) => queryOf(request),
  document_uri: ({ uri }) => uri,
  host: ({ request, serverName }) => (request.headers.host ?? serverName).replace(/:\d+$/, "").toLowerCase(),
  is_args: ({ request }) => (queryOf(request) === "" ? "" : "?"),
  proxy_add_x_forwarded_for: ({ request, remote }) =>
    [request.headers["x-forwarded-for"], remote].flat().filter(Boolean).join(", "),
  proxy_host: ({ proxyHost }) => proxyHost,
  query_string: ({ request }) => queryOf(request),
  remote_addr: ({ remote }) => remote,
  request_method: ({ request }) => request.method ?? "",
  request_uri: ({ request }) => request.url ?? "",
  scheme: () => "http",
  server_name: ({ serverName }) => serverName,
  server_port: ({ port }) => String(port),
  uri: ({ uri }) => uri,
};

/** The names of the variables in a word. */
export function variablesIn(word: string): readonly string[] {
  return [...word.matchAll(/\$(?:\{(\w+)\}|(\w+))/g)].map(([, braced, bare]) => braced ?? bare ?? "");
}

/** Whether there is such a variable; `http_…` are the request's headers. */
export function isKnownVariable(name: string): boolean {
  return Object.hasOwn(variables, name) || name.startsWith("http_");
}

/** A word with its variables filled in. */
export function filledIn(word: string, facts: RequestFacts): string {
  return word.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_all, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare ?? "";
    const header = facts.request.headers[name.slice("http_".length).replaceAll("_", "-")];
    if (name.startsWith("http_")) return [header].flat().join(", ");
    return Object.hasOwn(variables, name) ? (variables[name]?.(facts) ?? "") : "";
  });
}

/** What of a text may stand in a header; the rest is as a URL has it, so that nothing ends the header or the request. */
export function headerText(text: string): string {
  return text.toWellFormed().replace(/[^\t\x20-\x7e\x80-\xff]/gu, encodeURIComponent);
}

function queryOf({ url = "" }: IncomingMessage): string {
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at + 1);
}
