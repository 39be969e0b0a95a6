import { failure, HostError } from "../../base/index.ts";
import { Buffers, type InternetAddress, type SocketAddress } from "../../host/index.ts";
import type { Socket } from "../../host/index.ts";
import type { Wasi02Context } from "./context.ts";
import { takeBytes } from "./descriptor-streams.ts";
import { WasiError, WasiTrap } from "./errors.ts";
import { DescriptorPollable, type Pollable, WatchedPollable } from "./pollable.ts";
import { type IpSocketAddress, placeToWasi, remotePlace, unicastPlace } from "./sockets-addresses.ts";
import { SocketOptions } from "./sockets-options.ts";

type Family = "ipv4" | "ipv6";

/** `incoming-datagram` and `outgoing-datagram` of `wasi:sockets/udp`. */
export interface Datagram<Address> {
  readonly data: Uint8Array;
  readonly remoteAddress: Address;
}

/** Most datagrams that one call takes or brings. */
const mostAtOnce = 16;
/** Most bytes of one datagram. */
const mostBytes = 65_536;

/** The resource `udp-socket` of `wasi:sockets/udp`. Operations throw WasiError and HostError. */
export class UdpSocket {
  readonly family: Family;
  readonly options: SocketOptions;
  readonly socket: Socket;
  readonly #context: Wasi02Context;
  #state: "unbound" | "bind-started" | "bound" = "unbound";
  #failure: HostError | undefined;
  #remote: InternetAddress | undefined;
  #users = 1;
  /** The pair of streams that operates: earlier ones do no more. */
  #turn = 0;

  constructor(context: Wasi02Context, family: Family) {
    this.#context = context;
    this.family = family;
    this.socket = context.host.sockets.create(family, "datagram");
    this.options = new SocketOptions(this.socket);
  }

  startBind(address: IpSocketAddress): void {
    if (this.#state === "bind-started") throw new WasiError("concurrency-conflict");
    if (this.#state !== "unbound") throw new WasiError("invalid-state");
    const place = unicastPlace(address, this.family);
    try {
      this.socket.bind(place);
    } catch (error) {
      if (!(error instanceof HostError) || error.errno === "acces") throw error;
      this.#failure = error;
    }
    this.#state = "bind-started";
  }

  finishBind(): void {
    if (this.#state !== "bind-started") throw new WasiError("not-in-progress");
    const error = this.#failure;
    this.#failure = undefined;
    this.#state = error === undefined ? "bound" : "unbound";
    if (error !== undefined) throw error;
  }

  /** Streams to and from one place, or every one. */
  stream(address: IpSocketAddress | undefined): [IncomingDatagramStream, OutgoingDatagramStream] {
    if (this.#state !== "bound") throw new WasiError("invalid-state");
    const remote = address === undefined ? undefined : remotePlace(address, this.family);
    if (remote !== undefined) void this.socket.connect(remote);
    else if (this.#remote !== undefined) this.socket.disconnect();
    this.#remote = remote;
    this.#turn += 1;
    this.#users += 2;
    const end = { socket: this, turn: this.#turn, context: this.#context };
    return [new IncomingDatagramStream(end), new OutgoingDatagramStream(end, remote)];
  }

  get localAddress(): IpSocketAddress {
    if (this.#state !== "bound") throw new WasiError("invalid-state");
    return placeToWasi(this.socket.localAddress, this.family);
  }

  get remoteAddress(): IpSocketAddress {
    if (this.#remote === undefined) throw new WasiError("invalid-state");
    return placeToWasi(this.#remote, this.family);
  }

  /** Nothing of it waits. */
  subscribe(): Pollable {
    return new WatchedPollable({ isReady: () => true, watch: () => true });
  }

  /** @throws WasiError invalid-state for streams that later ones took the place of */
  check(turn: number): void {
    if (turn !== this.#turn) throw new WasiError("invalid-state");
  }

  /** Gives one of its handles up. */
  drop(): void {
    this.#users -= 1;
    if (this.#users === 0) this.socket.close();
  }
}

/** What streams of datagrams are made with. */
interface DatagramEnd {
  readonly socket: UdpSocket;
  readonly turn: number;
  readonly context: Wasi02Context;
}

/** The resource `incoming-datagram-stream`. */
export class IncomingDatagramStream {
  readonly #end: DatagramEnd;

  constructor(end: DatagramEnd) {
    this.#end = end;
  }

  /** What came, which may be nothing. */
  receive(most: bigint): Datagram<IpSocketAddress>[] | Promise<Datagram<IpSocketAddress>[]> {
    const { host } = this.#end.context;
    const wanted = most < BigInt(mostAtOnce) ? Number(most) : mostAtOnce;
    const came = this.#receiveNow(wanted);
    if (came.length > 0 || wanted === 0 || !host.sockets.isSpinning()) return came;
    return host.yield()?.then(() => this.#receiveNow(wanted)) ?? came;
  }

  subscribe(): Pollable {
    return new DescriptorPollable(this.#end.socket.socket, "read");
  }

  drop(): void {
    this.#end.socket.drop();
  }

  #receiveNow(most: number): Datagram<IpSocketAddress>[] {
    const { socket: udp, turn, context } = this.#end;
    udp.check(turn);
    const { socket, family } = udp;
    const came: Datagram<IpSocketAddress>[] = [];
    while (came.length < most && socket.wait("read", 0)) {
      try {
        const room = context.scratch(mostBytes);
        const received = socket.receive(takeBytes(new Buffers(), room));
        if (received instanceof Promise) throw failure("again");
        const data = room.slice(0, received.count);
        context.host.meter.bytesIn += data.length;
        came.push({ data, remoteAddress: placeToWasi(received.from, family) });
      } catch (error) {
        if (came.length === 0) throw error;
        break;
      }
    }
    return came;
  }
}

/** The resource `outgoing-datagram-stream`. */
export class OutgoingDatagramStream {
  readonly #end: DatagramEnd;
  readonly #remote: InternetAddress | undefined;
  #permit = 0;

  constructor(end: DatagramEnd, remote: InternetAddress | undefined) {
    this.#end = end;
    this.#remote = remote;
  }

  /** How many datagrams the next send may have. */
  checkSend(): bigint {
    const { socket, turn } = this.#end;
    socket.check(turn);
    this.#permit = socket.socket.wait("write", 0) ? mostAtOnce : 0;
    return BigInt(this.#permit);
  }

  /** Sends the first of them that can be, and answers how many. @throws WasiTrap for more than {@link checkSend} permitted */
  send(datagrams: readonly Datagram<IpSocketAddress | undefined>[]): bigint {
    const { socket: udp, turn, context } = this.#end;
    udp.check(turn);
    if (datagrams.length > this.#permit)
      throw new WasiTrap(`a guest sent ${datagrams.length} datagrams, permitted were ${this.#permit}`);
    let sent = 0;
    try {
      for (const { data, remoteAddress } of datagrams) {
        if (!udp.socket.wait("write", 0)) break;
        const to = this.#target(remoteAddress);
        const count = udp.socket.send(takeBytes(new Buffers(), data), to);
        if (count instanceof Promise) throw failure("again");
        context.host.meter.bytesOut += data.length;
        sent += 1;
      }
    } catch (error) {
      if (sent === 0) throw error;
    }
    this.#permit -= sent;
    return BigInt(sent);
  }

  subscribe(): Pollable {
    return new DescriptorPollable(this.#end.socket.socket, "write");
  }

  drop(): void {
    this.#end.socket.drop();
  }

  #target(address: IpSocketAddress | undefined): SocketAddress {
    const remote = this.#remote;
    const to = address === undefined ? remote : remotePlace(address, this.#end.socket.family);
    const isOther =
      to !== undefined && remote !== undefined && (to.address !== remote.address || to.port !== remote.port);
    if (to === undefined || isOther) throw new WasiError("invalid-argument");
    return to;
  }
}
