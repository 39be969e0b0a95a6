import { contentLength } from "../../engine/index.ts";
import type { CgiSettings } from "../protocol.ts";
import { endToEnd, valueText } from "./hop-fields.ts";
import { hostOf } from "./routes.ts";
import type { ServedRequest } from "./served-request.ts";

/** What a path of a request stands for. */
export interface CgiPath {
  /** The part that names the script, as the client wrote it. */
  readonly scriptName: string;
  /** What is behind that, decoded; empty where nothing is. */
  readonly pathInfo: string;
  /** The file in the guest; undefined for a program that is the script itself. */
  readonly file?: string;
}

/**
 * Divides a path (RFC 3875, section 4.1): up to the first segment that has the ending of the index file is the script; a path
 * without one is the index file of the folder that it names, where it ends with a slash, or the path of the root's. Undefined for
 * one that cannot be told, such as one that leads out of the root.
 */
export function cgiPathOf(path: string, prefix: string, settings: CgiSettings | undefined): CgiPath | undefined {
  const rest = decoded(path.slice(prefix.length));
  if (rest === undefined) return undefined;
  if (settings === undefined) return { scriptName: prefix, pathInfo: rest };
  const { documentRoot, script, index = "index.php" } = settings;
  if (script !== undefined) return { scriptName: prefix, pathInfo: rest, file: script };
  const root = documentRoot.endsWith("/") ? documentRoot.slice(0, -1) : documentRoot;
  const ending = /\.[^./]+$/.exec(index)?.[0];
  const segments = rest.split("/");
  const at =
    ending === undefined ? -1 : segments.findIndex((each) => each.length > ending.length && each.endsWith(ending));
  if (at !== -1) {
    const name = segments.slice(0, at + 1).join("/");
    const info = segments.slice(at + 1);
    return { scriptName: prefix + name, pathInfo: info.length === 0 ? "" : `/${info.join("/")}`, file: root + name };
  }
  if (rest.endsWith("/"))
    return { scriptName: `${prefix}${rest}${index}`, pathInfo: "", file: `${root}${rest}${index}` };
  return { scriptName: `${prefix}/${index}`, pathInfo: rest, file: `${root}/${index}` };
}

/** A path without its escapes and dot segments; undefined where it is no text, leads out, or hides a slash or an end. */
function decoded(path: string): string | undefined {
  const end = path.indexOf("?");
  const plain = end === -1 ? path : path.slice(0, end);
  if (/%(?:2f|5c|00)/i.test(plain) || (plain !== "" && !plain.startsWith("/"))) return undefined;
  let text: string;
  try {
    text = decodeURIComponent(plain);
  } catch {
    return undefined;
  }
  const kept: string[] = [];
  const segments = text.split("/");
  for (const [at, segment] of segments.entries()) {
    const isLast = at === segments.length - 1;
    if (segment === "..") {
      if (kept.length <= 1) return undefined;
      kept.pop();
      if (isLast) kept.push("");
    } else if (segment !== ".") kept.push(segment);
    else if (isLast) kept.push("");
  }
  return kept.join("/");
}

/** The variables of one request (RFC 3875, section 4.1), and those that `php-cgi` and its like ask for besides. */
export function cgiVariables(
  request: ServedRequest,
  { scriptName, pathInfo, file }: CgiPath,
  settings: CgiSettings | undefined,
): Readonly<Record<string, string>> {
  const { method, path, authority = "", scheme } = request;
  const query = path.indexOf("?");
  const port = /:(\d+)$/.exec(authority)?.[1] ?? (scheme === "https" ? "443" : "80");
  const fields = endToEnd(request.fields);
  const length = contentLength(fields);
  const root = settings?.documentRoot;
  return {
    ...fieldVariables(fields),
    GATEWAY_INTERFACE: "CGI/1.1",
    SERVER_PROTOCOL: "HTTP/1.1",
    SERVER_SOFTWARE: "Sampan",
    SERVER_NAME: hostOf(authority),
    SERVER_PORT: port,
    REQUEST_METHOD: method,
    REQUEST_URI: path,
    SCRIPT_NAME: scriptName,
    QUERY_STRING: query === -1 ? "" : path.slice(query + 1),
    REMOTE_ADDR: request.front.remote.address,
    ...(pathInfo === "" ? {} : { PATH_INFO: pathInfo }),
    ...(root === undefined ? {} : { DOCUMENT_ROOT: root }),
    ...(pathInfo === "" || root === undefined ? {} : { PATH_TRANSLATED: root + pathInfo }),
    ...(file === undefined ? {} : { SCRIPT_FILENAME: file, REDIRECT_STATUS: "200" }),
    ...(length === undefined || Number.isNaN(length) ? {} : { CONTENT_LENGTH: String(length) }),
    ...(scheme === "https" ? { HTTPS: "on" } : {}),
  };
}

/**
 * Fields as variables. A name with an underscore would be another's, and `HTTP_PROXY` is what programs take for the address of
 * a proxy: neither is passed on. Credentials are the workload's own business, as a server without any of its own is asked.
 */
function fieldVariables(fields: ServedRequest["fields"]): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of fields) {
    if (name === "content-length" || name === "proxy" || name === "expect" || name.includes("_")) continue;
    const variable = name === "content-type" ? "CONTENT_TYPE" : `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
    const text = valueText(value);
    const before = variables[variable];
    variables[variable] = before === undefined ? text : `${before}${name === "cookie" ? "; " : ", "}${text}`;
  }
  return variables;
}
