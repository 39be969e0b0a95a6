import { nearest } from "../../../base/index.ts";
import { type Directive, nginxError } from "./directives.ts";
import { isKnownVariable, variablesIn } from "./variables.ts";

/** What a request that a location takes is answered by. */
export interface Location {
  readonly match: "exact" | "prefix" | "named";
  readonly path: string;
  readonly settings: Settings;
}

/** What holds for the requests of a server or a location. */
export interface Settings {
  readonly root: string;
  /** Stands in place of the location's path, where it is set. */
  readonly alias?: string;
  readonly index: readonly string[];
  readonly tryFiles?: readonly string[];
  readonly errorPages: Readonly<Record<number, string>>;
  readonly headers: readonly { readonly name: string; readonly value: string; readonly always: boolean }[];
  readonly answer?: { readonly code: number; readonly text: string };
  readonly proxy?: Proxy;
  readonly proxyHeaders: readonly (readonly [name: string, value: string])[];
  /** Most bytes of a request's body; 0 is any number. */
  readonly mostBody: number;
}

/** A service of the project's that requests are handed to. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** What stands in place of the location's path; the whole path goes on where it is left out. */
  readonly path?: string;
}

/** One server of a configuration. */
export interface SiteServer {
  readonly ports: readonly number[];
  readonly isDefault: boolean;
  readonly names: readonly string[];
  readonly settings: Settings;
  readonly locations: readonly Location[];
}

/** What an nginx stand-in serves. */
export interface Site {
  readonly servers: readonly SiteServer[];
  /** The host's folders and files that roots are in: nothing outside of them is served. */
  readonly sources: readonly string[];
}

const initial: Settings = {
  root: "/etc/nginx/html",
  index: ["index.html"],
  errorPages: {},
  headers: [],
  proxyHeaders: [],
  mostBody: 1_048_576,
};

/** Directives that change nothing that a client of a stand-in sees. */
const idle = new Set(
  "access_log charset default_type error_log etag gzip gzip_comp_level gzip_min_length gzip_proxied gzip_static gzip_types gzip_vary keepalive_requests keepalive_timeout log_format log_not_found multi_accept pid proxy_buffering proxy_connect_timeout proxy_http_version proxy_read_timeout proxy_redirect proxy_request_buffering proxy_send_timeout send_timeout sendfile server_tokens tcp_nodelay tcp_nopush types_hash_max_size use user worker_connections worker_processes".split(
    " ",
  ),
);
const settingNames =
  "add_header alias client_max_body_size error_page index proxy_pass proxy_set_header return root try_files".split(" ");
const serverNames = ["listen", "location", "server_name"];
const known = [...idle, ...settingNames, ...serverNames, "events", "http", "include", "server"];

/** Makes the servers of a configuration. @throws STAND_IN_CONFIG with file and line for what it does not know */
export function serversOf(
  directives: readonly Directive[],
  include: (directive: Directive) => readonly Directive[],
): readonly SiteServer[] {
  const servers: SiteServer[] = [];
  const read = (all: readonly Directive[], settings: Settings): void => {
    let inner = settings;
    for (const each of all)
      if (each.block === undefined && settingNames.includes(each.name)) inner = apply(inner, each);
    for (const each of all) {
      if (each.name === "include") read(include(each), inner);
      else if (each.name === "http" && each.block !== undefined) read(each.block, inner);
      else if (each.name === "server" && each.block !== undefined) servers.push(serverOf(each, inner));
      else if (each.name === "events") (each.block ?? []).forEach(checkIdle);
      else if (!settingNames.includes(each.name)) checkIdle(each);
    }
  };
  read(directives, initial);
  return servers;
}

function checkIdle(directive: Directive): void {
  if (!idle.has(directive.name)) throw unknown(directive);
}

function unknown(directive: Directive): Error {
  const { name } = directive;
  if (known.includes(name)) return nginxError(`the directive "${name}" is not understood here`, directive);
  const near = nearest(name, known);
  const hint = near === undefined ? "leave it out: this is a stand-in for static sites and proxies" : `write ${near}`;
  return nginxError(`the directive "${name}" is not known to the stand-in`, directive, hint);
}

function serverOf(server: Directive, outer: Settings): SiteServer {
  const block = server.block ?? [];
  const ports: number[] = [];
  const names: string[] = [];
  let isDefault = false;
  let settings = inherited(outer, block);
  for (const each of block) {
    if (each.name === "listen") {
      const match = /^(?:(?:\[[\da-f:]*\]|[\d.]+|\*|localhost):)?(\d{1,5})$/i.exec(each.words[0] ?? "");
      if (match === null)
        throw nginxError(`"listen ${each.words.join(" ")}" is not understood`, each, "write listen PORT");
      const extra = each.words.slice(1).find((word) => !["default_server", "reuseport", "ipv6only=on"].includes(word));
      if (extra !== undefined) throw nginxError(`"listen" has "${extra}", which the stand-in cannot do`, each);
      isDefault ||= each.words.includes("default_server");
      if (!ports.includes(Number(match[1]))) ports.push(Number(match[1]));
    } else if (each.name === "server_name") names.push(...each.words.map((word) => word.toLowerCase()));
    else if (settingNames.includes(each.name)) settings = apply(settings, each);
    else if (each.name !== "location") checkIdle(each);
  }
  const locations = block.flatMap((each) => (each.name === "location" ? [locationOf(each, settings)] : []));
  return { ports: ports.length === 0 ? [80] : ports, isDefault, names, settings, locations };
}

function locationOf(location: Directive, outer: Settings): Location {
  const [first = "", second] = location.words;
  const isMarked = second !== undefined;
  if (isMarked && first !== "=" && first !== "^~")
    throw nginxError(`a location with "${first}" is not understood`, location, "use a prefix, or = for one path");
  const path = second ?? first;
  const match = first === "=" ? "exact" : path.startsWith("@") ? "named" : "prefix";
  const { tryFiles: _files, answer: _answer, proxy: _proxy, ...rest } = outer;
  let settings = inherited(rest, location.block ?? []);
  for (const each of location.block ?? []) {
    if (settingNames.includes(each.name)) settings = apply(settings, each);
    else if (each.name === "location")
      throw nginxError("a location in a location is not understood", each, "put it beside the other");
    else checkIdle(each);
  }
  return { match, path, settings };
}

/** Headers of the outside hold where a block has none of its own. */
function inherited(outer: Settings, block: readonly Directive[]): Settings {
  const has = (name: string): boolean => block.some((each) => each.name === name);
  return {
    ...outer,
    ...(has("add_header") ? { headers: [] } : {}),
    ...(has("proxy_set_header") ? { proxyHeaders: [] } : {}),
  };
}

function apply(settings: Settings, directive: Directive): Settings {
  const { name, words } = directive;
  const [first = "", second] = words;
  for (const variable of words.flatMap(variablesIn))
    if (!isKnownVariable(variable))
      throw nginxError(`the variable "$${variable}" is not known to the stand-in`, directive);
  switch (name) {
    case "root":
      return { ...settings, root: first };
    case "alias":
      return { ...settings, alias: first };
    case "index":
      return { ...settings, index: words };
    case "try_files":
      if (words.length < 2) throw nginxError('"try_files" takes a file and what else', directive);
      return { ...settings, tryFiles: words };
    case "error_page": {
      const page = words.at(-1) ?? "";
      const codes = words.slice(0, -1);
      const odd = codes.find((code) => !/^[345]\d\d$/.test(code)) ?? (page.startsWith("/") ? undefined : page);
      if (odd !== undefined) throw nginxError(`"error_page" has "${odd}", which is not understood`, directive);
      const pages = Object.fromEntries(codes.map((code) => [Number(code), page]));
      return { ...settings, errorPages: { ...settings.errorPages, ...pages } };
    }
    case "add_header": {
      const header = { name: first, value: second ?? "", always: words[2] === "always" };
      return { ...settings, headers: [...settings.headers, header] };
    }
    case "return": {
      const isCode = /^\d{3}$/.test(first);
      const answer = isCode ? { code: Number(first), text: second ?? "" } : { code: 302, text: first };
      return { ...settings, answer };
    }
    case "proxy_set_header":
      return { ...settings, proxyHeaders: [...settings.proxyHeaders, [first, second ?? ""]] };
    case "proxy_pass":
      return { ...settings, proxy: proxyOf(first, directive) };
    default:
      return { ...settings, mostBody: sizeOf(first, directive) };
  }
}

function proxyOf(text: string, directive: Directive): Proxy {
  const match = /^http:\/\/([\w.-]+)(?::(\d{1,5}))?(\/[^?#]*)?$/.exec(text);
  if (match?.[1] === undefined)
    throw nginxError(`"proxy_pass ${text}" is not understood`, directive, "write proxy_pass http://SERVICE:PORT");
  const [, host, port = "80", path] = match;
  return { host, port: Number(port), ...(path === undefined ? {} : { path }) };
}

function sizeOf(text: string, directive: Directive): number {
  const match = /^(\d+)([kmg]?)$/i.exec(text);
  if (match === null) throw nginxError(`"client_max_body_size ${text}" is no size`, directive, "write 10m");
  const unit = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(match[2] ?? "").toLowerCase()] ?? 1;
  return Number(match[1]) * unit;
}
