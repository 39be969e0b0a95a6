import { unreadable } from "./parse-values.ts";

/** Which requests a route is for: hosts in lower case, paths without a slash at the end. */
export interface RoutePlace {
  readonly host: string | undefined;
  readonly path: string;
}

const example = 'such as "/api=api.wasm" or "shop.localhost/=shop.wasm"';

/** Reads `[HOST]/PATH=FILE`. @throws SERVE_CONFIG_INVALID */
export function parseRoute(text: string): RoutePlace & { readonly file: string } {
  const equals = text.indexOf("=");
  if (equals < 0) {
    const hint = text.endsWith(".wasm") ? `did you mean /=${text}` : undefined;
    throw unreadable(text, `wanted [HOST]/PATH=FILE, ${example}`, hint);
  }
  const [place, file] = [text.slice(0, equals), text.slice(equals + 1)];
  if (file === "") throw unreadable(text, "it lacks the FILE behind =");
  const slash = place.indexOf("/");
  if (slash < 0) throw unreadable(text, `"${place}" has no path; wanted ${example}`, `did you mean ${place}/=${file}`);
  const host = place.slice(0, slash);
  return { host: host === "" ? undefined : parseHost(host), path: parsePath(place.slice(slash)), file };
}

/** Reads a host name: exact, or `*.` and what all names below it end with. @throws SERVE_CONFIG_INVALID */
export function parseHost(text: string): string | undefined {
  if (text === "*") return undefined;
  const host = text.toLowerCase().replace(/\.$/, "");
  if (/:\d+$/.test(host) && !host.startsWith("["))
    throw unreadable(
      text,
      "a route's host has no port: all ports are the same server's",
      `did you mean ${host.replace(/:\d+$/, "")}`,
    );
  const isName = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(host);
  if (isName || /^\[[\da-f:.]+\]$/.test(host)) return host;
  throw unreadable(text, 'wanted a host name, such as "shop.localhost" or "*.example.com"');
}

/** Reads a path that a route is for, with all paths below it. @throws SERVE_CONFIG_INVALID */
export function parsePath(text: string): string {
  if (!text.startsWith("/")) throw unreadable(text, 'wanted a path, such as "/api"', `did you mean /${text}`);
  if (/[?#]/.test(text)) throw unreadable(text, "a route's path ends before ? and #");
  if (/[^\u0021-\u007e]/.test(text))
    throw unreadable(text, "a path has no blanks and no letters beside ASCII's", "write them as %20 and the like");
  if (/\/\/|\/\.\.?(\/|$)/.test(text)) throw unreadable(text, 'a path has no "//", "/./" and "/../"');
  if (text.endsWith("*")) {
    const above = text.replace(/\/?\*+$/, "") || "/";
    throw unreadable(text, "a path stands for all below it, without a *", `did you mean ${above}`);
  }
  return text === "/" ? text : text.replace(/\/$/, "");
}

/** How a route is written. */
export function placeText({ host = "", path }: { readonly host?: string | undefined; readonly path: string }): string {
  return `${host}${path}`;
}
