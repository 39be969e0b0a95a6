import { parseAddress } from "../../capabilities/index.ts";
import { type Authority, parseAuthority } from "./fields.ts";

/** A proxy that requests go through. */
export interface Proxy extends Authority {
  readonly isSecure: boolean;
  /** The value of `proxy-authorization`. */
  readonly credentials?: string | undefined;
}

/** Variables of the operator's environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The operator's proxies: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, those in lower case first. NO_PROXY is a list of names
 * (with all names below them), addresses, each with a port or without, and `*`.
 */
export class Proxies {
  readonly #proxies: Readonly<Record<"http" | "https", Proxy | undefined>>;
  readonly #exceptions: readonly Authority[];
  readonly #isOff: boolean;

  constructor(environment: Environment) {
    const value = (name: string): string => environment[name] || environment[name.toUpperCase()] || "";
    const all = value("all_proxy");
    this.#proxies = {
      http: parseProxy(value("http_proxy") || all),
      https: parseProxy(value("https_proxy") || all),
    };
    const exceptions = value("no_proxy")
      .split(/[\s,]+/)
      .filter((each) => each !== "");
    this.#isOff = exceptions.includes("*");
    this.#exceptions = exceptions.flatMap((each) => {
      const isBare = parseAddress(each)?.family === 6;
      return parseAuthority(isBare ? `[${each}]` : each.replace(/^\*?\./, ""), 0) ?? [];
    });
  }

  /** The proxy for a target, undefined where it is reached directly. */
  for(scheme: "http" | "https", { host, port }: Authority): Proxy | undefined {
    const proxy = this.#proxies[scheme];
    if (proxy === undefined || this.#isOff) return undefined;
    // Whoever means this machine does not mean the proxy's.
    if (host === "localhost" || host === "::1" || host.startsWith("127.")) return undefined;
    const isExcepted = this.#exceptions.some(
      (each) => (host === each.host || host.endsWith(`.${each.host}`)) && (each.port === 0 || each.port === port),
    );
    return isExcepted ? undefined : proxy;
  }
}

function parseProxy(text: string): Proxy | undefined {
  if (text === "") return undefined;
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  const isSecure = url.protocol === "https:";
  const place = parseAuthority(url.host, isSecure ? 443 : 80);
  if (place === undefined) return undefined;
  const words = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const credentials = words === ":" ? undefined : `Basic ${Buffer.from(words).toString("base64")}`;
  return { ...place, isSecure, credentials };
}
