import type { clientLimits } from "../config/settings.ts";

/** What is wrong with a request's head: the status that says so, and why. */
export interface HeadProblem {
  readonly status: number;
  readonly why: string;
  /** The limit that it is past. */
  readonly limit?: ClientLimit;
}

/** A limit of clients that requests can be past, by its key in a server's file. */
export type ClientLimit = Extract<
  keyof typeof clientLimits,
  "headers" | "fields" | "body" | "connections" | "header-timeout"
>;

/** What raises a limit, for the operator. */
export function raiseText(limit: ClientLimit): string {
  const key = `limits: { ${limit}: … } in the file of sampan serve -f FILE`;
  return `where such clients are right, raise it with ${limit === "body" ? `--max-body, or ` : ""}${key}`;
}

/** What a request's head says about the message, once it is known to be right. */
export interface RequestHead {
  /** Host and port, as they stand there; undefined in HTTP/1.0 without a Host field. */
  readonly authority: string | undefined;
  /** The target in its origin form: a path with its query, or `*`. */
  readonly path: string;
  /** Bytes of the body that follows: undefined where it comes in chunks, 0 where there is none. */
  readonly length: number | undefined;
  readonly expectsContinue: boolean;
}

/** A head as a parser has it: names and values in turn, a character for each byte. */
export interface RawHead {
  readonly version: string;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
}

const problem = (status: number, why: string): HeadProblem => ({ status, why });

/** A name or an address, and a port (RFC 3986, section 3.2, without user names). */
const authorityForm = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d{0,5})?$/i;
/**
 * Characters that no client sends in a path (RFC 3986, section 3.3): blanks, quotes, angle brackets, backslashes, fragments,
 * and bytes of other alphabets. Browsers send the rest of those that the grammar does not have.
 */
const wrongInPath = /[^!-~]|["<>#]|^[^?]*\\/;

/**
 * Checks what a lenient parser lets through and RFC 9112 does not: a request that two servers may read in two ways is refused,
 * whatever sense it makes here.
 */
export function checkHead({ version, method, target, fields }: RawHead): RequestHead | HeadProblem {
  if (version !== "1.1" && version !== "1.0") return problem(505, `version HTTP/${version}`);
  if (method === "CONNECT") return problem(405, "method CONNECT");
  if (method === "TRACE") return problem(501, "method TRACE");
  let host: string | undefined;
  let length: number | undefined;
  let coding: string | undefined;
  let expectsContinue = false;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] ?? "";
    const value = fields[at + 1] ?? "";
    // Few names are as long as one of those that count.
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== "host") break;
        if (host !== undefined) return problem(400, "two Host fields");
        host = value;
        break;
      case 6:
        if (name.toLowerCase() !== "expect") break;
        if (value.toLowerCase() !== "100-continue") return problem(417, "an expectation other than 100-continue");
        expectsContinue = true;
        break;
      case 14:
        if (name.toLowerCase() !== "content-length") break;
        if (length !== undefined) return problem(400, "two Content-Length fields");
        if (!/^\d{1,15}$/.test(value)) return problem(400, "a Content-Length that is no number");
        length = Number(value);
        break;
      case 17:
        if (name.toLowerCase() !== "transfer-encoding") break;
        if (coding !== undefined) return problem(400, "two Transfer-Encoding fields");
        coding = value;
        break;
    }
  }
  const framing = checkFraming(version, length, coding);
  if (framing !== undefined) return framing;
  if (host === undefined && version === "1.1") return problem(400, "no Host field");
  if (host !== undefined && !authorityForm.test(host)) return problem(400, "a Host field that names no host");
  const parts = targetOf(method, target, host);
  if ("status" in parts) return parts;
  const body = coding === undefined ? (length ?? 0) : undefined;
  return { ...parts, length: body, expectsContinue: expectsContinue && body !== 0 && version === "1.1" };
}

/** Where a body ends must be beyond doubt (RFC 9112, section 6.1). */
function checkFraming(
  version: string,
  length: number | undefined,
  coding: string | undefined,
): HeadProblem | undefined {
  if (coding === undefined) return undefined;
  if (length !== undefined) return problem(400, "both Content-Length and Transfer-Encoding");
  if (version === "1.0") return problem(400, "a Transfer-Encoding in HTTP/1.0");
  if (coding.toLowerCase() !== "chunked") return problem(501, "a Transfer-Encoding other than chunked");
  return undefined;
}

/** The target in its origin form (RFC 9112, section 3.2): an absolute one must be of the host that the Host field names. */
function targetOf(
  method: string,
  target: string,
  host: string | undefined,
): Pick<RequestHead, "authority" | "path"> | HeadProblem {
  if (target.charCodeAt(0) === 0x2f)
    return wrongInPath.test(target) ? problem(400, "a path with wrong characters") : { authority: host, path: target };
  if (target === "*")
    return method === "OPTIONS" ? { authority: host, path: "*" } : problem(400, "the target * of another method");
  const absolute = /^https?:\/\/([^/?#]+)([/?].*)?$/i.exec(target);
  const [, authority = "", rest = ""] = absolute ?? [];
  if (absolute === null || !authorityForm.test(authority)) return problem(400, "a target that is no path");
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  if (wrongInPath.test(path)) return problem(400, "a path with wrong characters");
  if (host !== undefined && host.toLowerCase() !== authority.toLowerCase())
    return problem(400, "a target of another host than the Host field's");
  return { authority, path };
}

/** What a server's own answers say; a body that a client can show. */
export function textOfStatus(status: number): string {
  return statusTexts[status] ?? "Error";
}

const statusTexts: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  417: "Expectation Failed",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};
