import { chmodSync, lstatSync, rmSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions, type Server as TlsServer } from "node:tls";
import { SampanError } from "../../base/index.ts";
import type { Front, FrontOptions, MakeFront } from "./front.ts";
import type { HeadProblem } from "./head-check.ts";
import { NodeConnection } from "./node-connection.ts";

/** A front of Node's own server: for TLS, and where the quicker one is not to be had. */
export const makeNodeFront: MakeFront = async (options) => {
  const front = new NodeFront(options);
  await front.listen();
  return front;
};

class NodeFront implements Front {
  /** Connections look at them again and again. */
  readonly #options: Writable<FrontOptions>;
  /** Parses and answers. */
  readonly #http: HttpServer;
  /** Takes connections: the same, or one that decrypts in front of it. */
  readonly #listener: Server;
  readonly #tls: TlsServer | undefined;
  readonly #connections = new Map<Socket, NodeConnection>();
  #address = { host: "", port: 0 };
  #onEmpty: (() => void) | undefined;

  constructor(options: FrontOptions) {
    this.#options = { ...options };
    const { limits, tls } = options;
    this.#http = createServer({
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headerTimeout,
      // A request may take as long as bytes of it come.
      requestTimeout: 0,
      keepAliveTimeout: limits.idleTimeout,
      connectionsCheckingInterval: Math.max(10, Math.min(1000, limits.headerTimeout / 4)),
      requireHostHeader: false,
      noDelay: true,
      keepAlive: true,
      shouldUpgradeCallback: () => false,
    });
    this.#http.keepAliveTimeoutBuffer = 0;
    this.#tls = tls === undefined ? undefined : this.#decrypting(tls);
    this.#listener = this.#tls ?? this.#http;
    this.#listener.on("drop", () => {
      const { onRefused, limits: now } = this.#options;
      onRefused(`more than ${now.maxConnections} connections`, "connections");
    });
    this.#limit(limits);
    this.#wire();
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#address;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** @throws SERVE_PORT_TAKEN */
  async listen(): Promise<void> {
    const { host, port, path, reusePort } = this.#options;
    if (path !== undefined) removeSocket(path);
    const listener = this.#listener;
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => reject(listenError(this.#options, error));
      listener.once("error", fail);
      listener.listen(path === undefined ? { host, port, reusePort, backlog: 1024 } : { path, backlog: 1024 }, () => {
        listener.off("error", fail);
        resolve();
      });
    });
    // A failure to take a connection is the system's, such as no descriptor left; the next one may be taken.
    listener.on("error", (error) => this.#options.onRefused(`cannot take a connection: ${error.message}`));
    if (path !== undefined) chmodSync(path, 0o600);
    const address = listener.address() as AddressInfo | string | null;
    this.#address =
      address === null || typeof address === "string"
        ? { host: path ?? "", port: 0 }
        : { host: address.address, port: address.port };
    // Timeouts of heads are looked at from then on.
    if (listener !== this.#http) this.#http.emit("listening");
  }

  change({ limits, tls }: Pick<FrontOptions, "limits" | "tls">): void {
    if (tls !== undefined && this.#tls !== undefined) {
      const { tls: before } = this.#options;
      if (tls.cert !== before?.cert || tls.key !== before.key)
        usable(() => this.#tls?.setSecureContext(contextOf(tls)));
      this.#options.tls = tls;
    }
    this.#limit(limits);
  }

  async drain(ms: number): Promise<void> {
    this.#stopListening();
    for (const connection of this.#connections.values()) connection.drain();
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
    this.#stopListening();
    for (const socket of this.#connections.keys()) socket.destroy();
    return Promise.resolve();
  }

  #stopListening(): void {
    this.#listener.close(() => {});
    if (this.#listener !== this.#http) this.#http.close(() => {});
  }

  #limit(limits: FrontOptions["limits"]): void {
    this.#options.limits = limits;
    const http = this.#http;
    http.timeout = limits.bodyTimeout;
    http.headersTimeout = limits.headerTimeout;
    http.keepAliveTimeout = limits.idleTimeout;
    // Node forgets those that are too many without a word: one more than may be is enough to tell.
    http.maxHeadersCount = limits.maxHeaders + 1;
    // Each connection's parser is made with it.
    Object.assign(http, { maxHeaderSize: limits.maxHeaderBytes });
    this.#listener.maxConnections = limits.maxConnections;
  }

  #decrypting(tls: TlsFiles): TlsServer {
    const handshakeTimeout = this.#options.limits.headerTimeout;
    const options = { ...contextOf(tls), handshakeTimeout, ALPNProtocols: ["http/1.1"] };
    const server = usable(() => createTlsServer(options));
    server.on("secureConnection", (socket) => this.#http.emit("connection", socket));
    server.on("tlsClientError", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET") this.#options.onRefused(`TLS: ${error.code ?? error.message}`);
    });
    return server;
  }

  #wire(): void {
    const http = this.#http;
    http.on("connection", (socket) => {
      this.#connections.set(socket, new NodeConnection(socket, this.#options));
      socket.on("close", () => {
        this.#connections.delete(socket);
        if (this.#connections.size === 0) this.#onEmpty?.();
      });
    });
    for (const event of ["request", "checkContinue", "checkExpectation"] as const)
      http.on(event, (message, response) => this.#connections.get(message.socket)?.take(message, response));
    http.on("connect", (_message, socket) => {
      this.#connections.get(socket as Socket)?.refuse({ status: 405, why: "method CONNECT" });
    });
    http.on("clientError", (error: NodeJS.ErrnoException, stream) => this.#clientError(error, stream as Socket));
    http.on("timeout", (socket) => {
      if (this.#connections.get(socket)?.isStuck() === false) socket.setTimeout(this.#options.limits.bodyTimeout);
      else socket.destroy();
    });
  }

  #clientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const problem = problemOf(error);
    // Who never sent anything, or is gone, is told nothing.
    if (problem === undefined || socket.bytesRead === 0 || !socket.writable) socket.destroy();
    else this.#connections.get(socket)?.refuse(problem);
  }
}

function problemOf({ code, message }: NodeJS.ErrnoException): HeadProblem | undefined {
  // A stream's own failure has none, or one that is no text.
  if (typeof code !== "string") return undefined;
  if (code === "HPE_HEADER_OVERFLOW") return { status: 431, why: "a head that is too large", limit: "headers" };
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return { status: 413, why: "chunk extensions that are too large" };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return { status: 408, why: "a head that took too long", limit: "header-timeout" };
  if (code === "HPE_INVALID_EOF_STATE" || !code.startsWith("HPE_")) return undefined;
  return { status: 400, why: `no HTTP (${message.replace(/^Parse Error: /, "")})` };
}

type TlsFiles = NonNullable<FrontOptions["tls"]>;
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function contextOf({ cert, key }: TlsFiles): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2" };
}

/** @throws SERVE_TLS */
function usable<T>(use: () => T): T {
  try {
    return use();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SampanError("SERVE_TLS", `Cannot use the certificate and its key: ${why}`, {
      hint: "give PEM files that belong together with --tls-cert and --tls-key",
      cause: error,
    });
  }
}

/** Takes away what a process left that listened there before. */
export function removeSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path);
}

/** Says where a front cannot listen. */
export function listenError(
  { host, port, path }: FrontOptions,
  error: { readonly code?: string | undefined; readonly message: string },
): SampanError {
  const where = path ?? `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const { code = "", message } = error;
  const why = code === "EADDRINUSE" ? "somebody else listens there" : code === "EACCES" ? "not permitted" : message;
  return new SampanError("SERVE_PORT_TAKEN", `Cannot listen on "${where}": ${why}`, {
    hint: "choose another address with --addr",
    cause: error,
  });
}
