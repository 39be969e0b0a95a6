/** One line of the table. */
export interface RouteOf<T> {
  /** In lower case: exact, or `*.suffix`; any where it is left out. */
  readonly host?: string | undefined;
  /** `/`, or a prefix of whole segments. */
  readonly path: string;
  readonly target: T;
}

/** Where a route was found. */
export interface Found<T> {
  readonly target: T;
  /** The prefix that covers it, without a slash at its end: empty for `/`. */
  readonly prefix: string;
}

/** The paths of one host, by their number of segments: what is looked up is as many strings as the longest has segments. */
class Paths<T> {
  readonly #found = new Map<string, Found<T>>();
  /** The lengths that prefixes have, in segments, the longest first. */
  #depths: number[] = [];

  add(path: string, target: T): void {
    const prefix = path.endsWith("/") ? path.slice(0, -1) : path;
    this.#found.set(prefix, { target, prefix });
    const depth = prefix.split("/").length - 1;
    if (!this.#depths.includes(depth)) this.#depths = [...this.#depths, depth].toSorted((a, b) => b - a);
  }

  find(path: string): Found<T> | undefined {
    // The way that most tables are: one route for all paths.
    if (this.#found.size === 1 && this.#depths[0] === 0) return this.#found.get("");
    const query = path.indexOf("?");
    const end = query === -1 ? path.length : query;
    for (const depth of this.#depths) {
      const at = endOfSegments(path, depth, end);
      const found = at === -1 ? undefined : this.#found.get(path.slice(0, at));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Where so many segments end, -1 where the path has fewer. */
function endOfSegments(path: string, count: number, end: number): number {
  let at = 0;
  for (let segment = 0; segment < count; segment++) {
    if (at >= end) return -1;
    const next = path.indexOf("/", at + 1);
    at = next === -1 || next > end ? end : next;
  }
  return at;
}

/**
 * Finds what a request is for: an exact host before a wildcard, the longest wildcard first, then any host; of the host that is
 * found the longest prefix of whole segments, and where none covers the path, the next host's. Paths are compared as they come.
 */
export class RouteTable<T> {
  readonly #exact = new Map<string, Paths<T>>();
  readonly #wild = new Map<string, Paths<T>>();
  readonly #any = new Paths<T>();

  constructor(routes: readonly RouteOf<T>[]) {
    for (const { host, path, target } of routes) this.#pathsOf(host).add(path, target);
  }

  /** `authority` is a Host field's: the port does not count. */
  find(authority: string | undefined, path: string): Found<T> | undefined {
    if (authority !== undefined && (this.#exact.size > 0 || this.#wild.size > 0)) {
      const host = hostOf(authority);
      const found = this.#exact.get(host)?.find(path) ?? this.#findWild(host, path);
      if (found !== undefined) return found;
    }
    return this.#any.find(path);
  }

  #findWild(host: string, path: string): Found<T> | undefined {
    if (this.#wild.size === 0) return undefined;
    for (let dot = host.indexOf("."); dot !== -1; dot = host.indexOf(".", dot + 1)) {
      const found = this.#wild.get(host.slice(dot + 1))?.find(path);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #pathsOf(host: string | undefined): Paths<T> {
    if (host === undefined) return this.#any;
    const isWild = host.startsWith("*.");
    const table = isWild ? this.#wild : this.#exact;
    const name = isWild ? host.slice(2) : host;
    let paths = table.get(name);
    if (paths === undefined) table.set(name, (paths = new Paths()));
    return paths;
  }
}

/** The host of an authority in lower case, without its port and the dot that ends a whole name. */
export function hostOf(authority: string): string {
  const end = authority.charCodeAt(0) === 0x5b ? authority.indexOf("]") + 1 : authority.indexOf(":");
  const host = end <= 0 ? authority : authority.slice(0, end);
  return (host.endsWith(".") ? host.slice(0, -1) : host).toLowerCase();
}
