import type { Socket as NodeSocket } from "node:net";
import type { SecureContext } from "node:tls";
import { failure, HostError } from "../../base/index.ts";
import { parseAddress } from "../../capabilities/index.ts";
import type { InternetAddress, NetworkBackend } from "../network/backend.ts";
import { familyOf } from "../network/place.ts";
import type { NetworkPolicy } from "../network/policy.ts";
import type { Sockets } from "../network/sockets.ts";
import { HttpFailure, plainFailure } from "./errors.ts";
import type { Authority } from "./fields.ts";
import { type Duplex, httpModules } from "./node-modules.ts";
import type { Proxy } from "./proxies.ts";
import { duplexOf } from "./socket-duplex.ts";

/** Where a request goes. */
export interface Target extends Authority {
  readonly scheme: "http" | "https";
  readonly proxy: Proxy | undefined;
}

/** What connections are made of. */
export interface ConnectorOptions {
  readonly backend: NetworkBackend;
  readonly policy: NetworkPolicy;
  /** Sockets that the guest's grants hold for. */
  readonly sockets: Sockets;
  /** Sockets to the operator's proxies: none of the guest's business. */
  readonly proxySockets: Sockets;
  readonly trusted: () => SecureContext;
}

/** Connects to targets, as far as a guest's grants go. */
export class Connector {
  readonly #options: ConnectorOptions;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /**
   * A connection that a request can be written to. A name is resolved first, and then each of its addresses has to be allowed; behind
   * a proxy nobody here knows the addresses, and the name alone has to be.
   *
   * @throws HttpFailure, HostError
   */
  async connect(target: Target, signal: AbortSignal): Promise<Duplex> {
    const plain = target.proxy === undefined ? await this.#direct(target, signal) : await this.#toProxy(target, signal);
    return target.scheme === "https" ? this.#secured(plain, target.host, signal) : plain;
  }

  async #direct({ host, port }: Target, signal: AbortSignal): Promise<Duplex> {
    const { policy, sockets } = this.#options;
    // A guest that asks for a name means to connect: where no look-up is granted, that is what it lacks.
    if (parseAddress(host) === undefined && !policy.mayResolve(host)) policy.connectByName(host, port);
    const addresses = await until(signal, sockets.resolve(host));
    const places = addresses.map((address) => placeOf(address, port));
    for (const place of places) this.#check(place, host);
    // Many names share an address: that one of them is granted says nothing of the others.
    if (parseAddress(host) === undefined) policy.connectByName(host, port, { addresses });
    return this.#toFirst(sockets, places, signal);
  }

  /** @throws HttpFailure that says whether the target is not granted, or its address is not what the grant opens */
  #check(place: InternetAddress, host: string): void {
    const isLiteral = parseAddress(host) !== undefined;
    // What others of the workload got for its names opens no address to who asks for that: it would tell of them.
    const policy = isLiteral ? this.#options.policy.fork() : this.#options.policy;
    try {
      policy.connect(place);
    } catch (error) {
      const isNamed = !isLiteral && policy.isNamed(host, place.port);
      throw isNamed ? plainFailure("destination-IP-prohibited") : error;
    }
  }

  async #toFirst(sockets: Sockets, places: readonly InternetAddress[], signal: AbortSignal): Promise<Duplex> {
    let last: unknown = failure("ainodata");
    for (const place of places) {
      const socket = sockets.create(place.family, "stream");
      try {
        await until(signal, Promise.resolve(socket.connect(place)));
        return duplexOf(socket);
      } catch (error) {
        socket.close();
        if (!(error instanceof HostError) || error.errno === "acces") throw error;
        last = error;
      }
    }
    throw last;
  }

  async #toProxy(target: Target, signal: AbortSignal): Promise<Duplex> {
    const { backend, policy, proxySockets } = this.#options;
    const { host, port, proxy } = target;
    policy.connectByName(host, port);
    if (proxy === undefined) throw new TypeError("There is no proxy");
    const literal = parseAddress(proxy.host) === undefined ? undefined : [proxy.host];
    const addresses = literal ?? (await until(signal, backend.resolve(proxy.host)));
    const places = addresses.map((address) => placeOf(address, proxy.port));
    const plain = await this.#toFirst(proxySockets, places, signal);
    const toProxy = proxy.isSecure ? await this.#secured(plain, proxy.host, signal) : plain;
    return target.scheme === "https" ? tunnel(toProxy, target, signal) : toProxy;
  }

  #secured(plain: Duplex, host: string, signal: AbortSignal): Promise<Duplex> {
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
    const servername = parseAddress(host) === undefined ? host.replace(/\.$/, "") : "";
    const secured = httpModules.tls.connect({
      socket: plain,
      host,
      servername,
      secureContext: this.#options.trusted(),
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: true,
    });
    secured.once("secureConnect", () => {
      secured.off("error", reject);
      resolve(secured);
    });
    secured.once("error", reject);
    // What TLS itself has to say of it comes a turn later.
    plain.once("close", () => setImmediate(reject, failure("connreset")));
    return until(signal, promise).catch((error: unknown) => {
      secured.destroy();
      plain.destroy();
      throw error;
    });
  }
}

function placeOf(address: string, port: number): InternetAddress {
  return { family: familyOf(address), address, port };
}

/** Has a proxy pass on what is said to a target (RFC 9110, section 9.3.6). */
function tunnel(toProxy: Duplex, { host, port, proxy }: Target, signal: AbortSignal): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const request = httpModules.http.request({
    method: "CONNECT",
    path: authority,
    createConnection: () => toProxy as NodeSocket,
    headers: {
      host: authority,
      ...(proxy?.credentials === undefined ? {} : { "proxy-authorization": proxy.credentials }),
    },
  });
  request.on("connect", ({ statusCode = 0 }, socket, head) => {
    if (statusCode !== 200) return refuse();
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  request.on("response", () => refuse());
  request.on("error", reject);
  request.end();
  const refuse = (): void => {
    reject(new HttpFailure({ tag: "destination-unavailable" }));
    request.destroy();
  };
  return until(signal, promise).catch((error: unknown) => {
    request.destroy();
    toProxy.destroy();
    throw error;
  });
}

/** What a promise answers, unless the signal comes first. @throws the signal's reason */
function until<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason as Error);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", abort));
}
