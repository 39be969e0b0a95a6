import { HostError } from "../../base/index.ts";
import type { InternetAddress, Socket } from "../../host/index.ts";
import { attempted } from "./attempts.ts";
import type { Wasi02Context } from "./context.ts";
import { WasiError } from "./errors.ts";
import type { InputStream } from "./input-stream.ts";
import type { OutputStream } from "./output-stream.ts";
import { type Pollable, WatchedPollable } from "./pollable.ts";
import { type IpSocketAddress, placeToWasi, remotePlace, unicastPlace } from "./sockets-addresses.ts";
import { SocketOptions } from "./sockets-options.ts";
import { SharedSocket } from "./sockets-streams.ts";

type Family = "ipv4" | "ipv6";
type Streams = [InputStream, OutputStream];

/** States of a socket as `wasi:sockets/tcp` has them; those that are `…-started` wait for their `finish-…`. */
type State =
  | "unbound"
  | "bind-started"
  | "bound"
  | "listen-started"
  | "listening"
  | "connect-started"
  | "connected"
  | "closed";

const defaultBacklog = 1024;
const mostBacklog = 4096;

const directions = { receive: "read", send: "write", both: "both" } as const;

/** The resource `tcp-socket` of `wasi:sockets/tcp`. Operations throw WasiError and HostError. */
export class TcpSocket {
  readonly family: Family;
  readonly options: SocketOptions;
  readonly #context: Wasi02Context;
  readonly #shared: SharedSocket;
  #state: State;
  /** What the operation that was started came to, once it is known. */
  #outcome: { readonly error?: unknown } | undefined;
  readonly #waiters = new Set<() => void>();
  #backlog = defaultBacklog;

  /** A new socket, or one that a listener accepted. */
  constructor(
    context: Wasi02Context,
    family: Family,
    accepted?: { readonly socket: Socket; readonly from: TcpSocket },
  ) {
    this.#context = context;
    this.family = family;
    const socket = accepted?.socket ?? context.host.sockets.create(family, "stream");
    this.#shared = new SharedSocket(socket);
    this.#state = accepted === undefined ? "unbound" : "connected";
    this.options = new SocketOptions(socket, accepted?.from.options);
    if (accepted === undefined) socket.setOption("reuseAddress", 1);
  }

  startBind(address: IpSocketAddress): void {
    this.#begins(["unbound"]);
    const place = unicastPlace(address, this.family);
    this.#start("bind-started", () => this.#socket.bind(place));
  }

  finishBind(): void {
    this.#finish("bind-started", { failed: "unbound", done: "bound" });
  }

  startConnect(address: IpSocketAddress): void {
    this.#begins(["unbound", "bound"]);
    const place = remotePlace(address, this.family);
    this.#start("connect-started", () => this.#connect(place));
  }

  /** The streams of the connection. @throws WasiError would-block while it is not there yet */
  finishConnect(): Streams | Promise<Streams> {
    if (this.#state !== "connect-started") throw new WasiError("not-in-progress");
    return attempted(this.#context, () => {
      if (this.#outcome === undefined) return undefined;
      this.#finish("connect-started", { failed: "closed", done: "connected" });
      return this.#shared.streams(this.#context);
    });
  }

  startListen(): void {
    this.#begins(["bound"]);
    this.#start("listen-started", () => this.#socket.listen(this.#backlog));
  }

  finishListen(): void {
    this.#finish("listen-started", { failed: "bound", done: "listening" });
  }

  /** The next connection and its streams. @throws WasiError would-block while there is none */
  accept(): [TcpSocket, InputStream, OutputStream] | Promise<[TcpSocket, InputStream, OutputStream]> {
    if (this.#state !== "listening") throw new WasiError("invalid-state");
    const accepted = attempted<Socket>(this.#context, () =>
      this.#socket.wait("read", 0) ? this.#socket.accept() : undefined,
    );
    const made = (socket: Socket): [TcpSocket, InputStream, OutputStream] => {
      const connection = new TcpSocket(this.#context, this.family, { socket, from: this });
      return [connection, ...connection.#shared.streams(this.#context)];
    };
    return accepted instanceof Promise ? accepted.then(made) : made(accepted);
  }

  get localAddress(): IpSocketAddress {
    if (["unbound", "bind-started", "closed"].includes(this.#state)) throw new WasiError("invalid-state");
    return placeToWasi(this.#socket.localAddress, this.family);
  }

  get remoteAddress(): IpSocketAddress {
    if (this.#state !== "connected") throw new WasiError("invalid-state");
    return placeToWasi(this.#socket.remoteAddress, this.family);
  }

  get isListening(): boolean {
    return this.#state === "listening";
  }

  set backlog(value: bigint) {
    if (value === 0n) throw new WasiError("invalid-argument");
    if (!["unbound", "bound", "bind-started", "listening"].includes(this.#state)) throw new WasiError("invalid-state");
    this.#backlog = value < BigInt(mostBacklog) ? Number(value) : mostBacklog;
    if (this.isListening) this.#socket.listen(this.#backlog);
  }

  shutdown(how: keyof typeof directions): void {
    if (this.#state !== "connected") throw new WasiError("invalid-state");
    this.#shared.shutdown(directions[how]);
  }

  subscribe(): Pollable {
    return new WatchedPollable({ isReady: () => this.#isReady(), watch: (wake) => this.#watch(wake) });
  }

  /** Gives the guest's handle up: a connection goes on while it has streams. */
  drop(): void {
    this.#shared.release();
  }

  get #socket(): Socket {
    return this.#shared.socket;
  }

  #isReady(): boolean {
    if (this.#state === "connect-started") return this.#outcome !== undefined;
    return this.#state !== "listening" || this.#socket.wait("read", 0);
  }

  #watch(wake: () => void): true | (() => void) {
    if (this.#isReady()) return true;
    if (this.#state === "listening") return this.#socket.watch("read", wake);
    const own = (): void => wake();
    this.#waiters.add(own);
    return () => void this.#waiters.delete(own);
  }

  #begins(states: readonly State[]): void {
    if (this.#state.endsWith("-started")) throw new WasiError("concurrency-conflict");
    if (!states.includes(this.#state)) throw new WasiError("invalid-state");
  }

  /** Begins an operation. What a grant does not cover is told at once, and all else when it is finished. */
  #start(state: State, operate: () => void | Promise<void>): void {
    this.#outcome = undefined;
    try {
      const begun = operate();
      if (begun === undefined) this.#outcome = {};
    } catch (error) {
      if (!(error instanceof HostError) || error.errno === "acces") throw error;
      this.#outcome = { error };
    }
    this.#state = state;
  }

  #connect(place: InternetAddress): void | Promise<void> {
    const connecting = this.#socket.connect(place);
    if (connecting === undefined) return undefined;
    const settle = (outcome: { readonly error?: unknown }): void => {
      this.#outcome = outcome;
      for (const wake of Array.from(this.#waiters)) wake();
    };
    return connecting.then(
      () => settle({}),
      (error: unknown) => settle({ error }),
    );
  }

  #finish(state: State, { failed, done }: { readonly failed: State; readonly done: State }): void {
    const outcome = this.#outcome;
    if (this.#state !== state || outcome === undefined) throw new WasiError("not-in-progress");
    this.#outcome = undefined;
    this.#state = "error" in outcome ? failed : done;
    if ("error" in outcome) throw outcome.error as Error;
  }
}
