/** What comes on a connection, and what a server has to make of it; characters stand for bytes. */
export interface MalformedCase {
  readonly name: string;
  readonly text: string;
  /** Statuses of all answers, in turn. The connection is closed behind the last. */
  readonly statuses: readonly number[];
  /** What whoever answers requests is given, as {@link seenText} writes it. */
  readonly seen: readonly string[];
  /** Whether the client leaves behind the text. Else it sends {@link behind}, which is not to be found in a refused message. */
  readonly leaves?: boolean;
}

/** Bytes by the names of cases. */
export type Texts = Readonly<Record<string, string>>;

/** What a server is allowed in these cases. */
export const smallLimits = { maxHeaderBytes: 4096, maxHeaders: 40, maxBody: 2000 };

/** The request that stands behind each case. */
export const behind: string = "GET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/** A request without a body, with lines of fields behind its Host field. */
export function get(target: string, ...fields: readonly string[]): string {
  return message(`GET ${target} HTTP/1.1`, "Host: a", ...fields);
}

/** A request with what follows its head. */
export function post(fields: readonly string[], body: string): string {
  return message("POST /case HTTP/1.1", "Host: a", ...fields) + body;
}

/** A request whose body comes in chunks. */
export function chunked(body: string, ...fields: readonly string[]): string {
  return post(["Transfer-Encoding: chunked", ...fields], body);
}

/** Lines, each ended, and an empty one behind them. */
export function message(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Cases that are answered with a status, before anybody is given a request. */
export function refused(status: number, texts: Texts): MalformedCase[] {
  return Object.entries(texts).map(([name, text]) => ({ name, text, statuses: [status], seen: [] }));
}

/** Cases in which a good request for `/good` is answered and what stands behind it is refused. */
export function refusedBehindGood(status: number, texts: Texts): MalformedCase[] {
  return Object.entries(texts).map(([name, text]) => ({
    name: `behind a good request: ${name}`,
    text: get("/good") + text,
    statuses: [200, status],
    seen: [seenText("GET", "a", "/good")],
  }));
}

/** Cases that are one request, whatever they look like: the text, and what is seen of it. */
export function answered(cases: Readonly<Record<string, readonly [text: string, seen: string]>>): MalformedCase[] {
  return Object.entries(cases).map(([name, [text, seen]]) => ({
    name,
    text,
    statuses: [200, 200],
    seen: [seen, seenText("GET", "a", "/behind")],
  }));
}

/** Good requests for `/last` that are the last of their connection: what stands behind them is none. */
export function last(texts: Texts): MalformedCase[] {
  return Object.entries(texts).map(([name, text]) => ({
    name: `the last request: ${name}`,
    text,
    statuses: [200],
    seen: [seenText("GET", "a", "/last")],
  }));
}

/** Clients that leave at each byte of a good request: nobody may take it for whole. */
export function cutShort(name: string, text: string): MalformedCase[] {
  return Array.from({ length: text.length - 1 }, (_, index) => ({
    name: `${name}, its client gone behind byte ${index + 1}`,
    text: text.slice(0, index + 1),
    statuses: [],
    seen: [],
    leaves: true,
  }));
}

/** A request as whoever answers is given it; of fields only those whose names begin with `x-`. */
export function seenText(
  method: string,
  host: string,
  path: string,
  body: string = "",
  fields: readonly string[] = [],
): string {
  return JSON.stringify([method, host, path, body, ...fields]);
}
