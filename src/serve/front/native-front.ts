import { chmodSync } from "node:fs";
import { bindNative, hasRequestParser, type MessageConnection, type NativeBound } from "../../engine/index.ts";
import { parseAddress } from "../../capabilities/index.ts";
import { HostError } from "../../base/index.ts";
import type { Front, FrontOptions, MakeFront } from "./front.ts";
import { type ConnectionHome, NativeFrontConnection } from "./native-front-connection.ts";
import type { NativeExchange } from "./native-front-exchange.ts";
import { listenError, makeNodeFront, removeSocket } from "./node-front.ts";

const backlog = 1024;
/** What Node calls errors of listening. */
const codes: Partial<Record<string, string>> = { addrinuse: "EADDRINUSE", acces: "EACCES" };

/**
 * A front of our own on the system's calls for sockets and Node's parser: half of what Node's server takes for a small request.
 * Node's own serves TLS, names in place of addresses, and systems without such calls.
 */
export const makeNativeFront: MakeFront = async (options) => {
  const { host, port, path, reusePort, tls } = options;
  const address = parseAddress(host);
  if (tls !== undefined || !hasRequestParser() || (path === undefined && address === undefined))
    return makeNodeFront(options);
  let bound: NativeBound | undefined;
  try {
    if (path !== undefined) removeSocket(path);
    const family = host.includes(":") ? "ipv6" : "ipv4";
    const at = path === undefined ? ({ family, address: host, port } as const) : ({ family: "unix", path } as const);
    bound = bindNative(at, { reusesPort: reusePort });
    if (path !== undefined && bound !== undefined) chmodSync(path, 0o600);
    return bound === undefined ? await makeNodeFront(options) : new NativeFront(options, bound);
  } catch (error) {
    bound?.close();
    if (!(error instanceof HostError)) throw error;
    throw listenError(options, { code: codes[error.errno], message: error.message });
  }
};

class NativeFront implements Front, ConnectionHome {
  options: FrontOptions;
  readonly address: { readonly host: string; readonly port: number };
  now: number = performance.now();
  date = "";
  isDraining = false;
  readonly #bound: NativeBound;
  readonly #connections = new Set<NativeFrontConnection>();
  #timer: NodeJS.Timeout;
  readonly #late: NativeExchange[] = [];
  #dated = 0;
  #onEmpty: (() => void) | undefined;

  constructor(options: FrontOptions, bound: NativeBound) {
    this.options = options;
    this.#bound = bound;
    const { address } = bound;
    this.address =
      address.family === "unix" ? { host: address.path, port: 0 } : { host: address.address, port: address.port };
    this.#tick();
    this.#timer = this.#ticking();
    const full = (): void => options.onRefused("cannot take a connection: no descriptor is left for it");
    bound.listen(backlog, (connection) => this.#accept(connection), full);
  }

  get connections(): number {
    return this.#connections.size;
  }

  change({ limits }: Pick<FrontOptions, "limits">): void {
    this.options = { ...this.options, limits };
    clearInterval(this.#timer);
    this.#timer = this.#ticking();
  }

  closed(connection: NativeFrontConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  async drain(ms: number): Promise<void> {
    this.isDraining = true;
    this.#bound.close();
    for (const connection of Array.from(this.#connections)) connection.drain();
    if (this.#connections.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      this.#onEmpty = resolve;
      await promise;
      clearTimeout(timer);
    }
    await this.close();
  }

  close(): Promise<void> {
    this.#bound.close();
    clearInterval(this.#timer);
    for (const connection of Array.from(this.#connections)) connection.end();
    return Promise.resolve();
  }

  later(exchange: NativeExchange): void {
    this.#late.push(exchange);
    if (this.#late.length > 1) return;
    const flush = (): void => {
      for (const each of this.#late.splice(0)) each.flush();
    };
    this.#bound.afterTurn(flush);
  }

  #ticking(): NodeJS.Timeout {
    const { headerTimeout, idleTimeout, bodyTimeout } = this.options.limits;
    const least = Math.min(headerTimeout, idleTimeout, bodyTimeout);
    return setInterval(() => this.#tick(), Math.max(10, Math.min(500, least / 4))).unref();
  }

  #accept(connection: MessageConnection): void {
    const { maxConnections } = this.options.limits;
    if (this.#connections.size >= maxConnections) {
      this.options.onRefused(`more than ${maxConnections} connections`, "connections");
      connection.reset();
      return;
    }
    this.#connections.add(new NativeFrontConnection(this, connection));
  }

  #tick(): void {
    this.now = performance.now();
    const present = Date.now();
    if (present - this.#dated >= 1000) {
      this.#dated = present - (present % 1000);
      this.date = new Date(present).toUTCString();
    }
    for (const connection of this.#connections) connection.look(this.now);
  }
}
