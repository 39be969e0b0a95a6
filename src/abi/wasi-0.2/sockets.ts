import { HostError } from "../../base/index.ts";
import type { Wasi02Context } from "./context.ts";
import type { IoError } from "./errors.ts";
import type { InputStream } from "./input-stream.ts";
import type { OutputStream } from "./output-stream.ts";
import type { Pollable } from "./pollable.ts";
import type { Wasi02Interface, Wasi02Row, Wasi02Rows } from "./row.ts";
import { type IpAddress, type IpSocketAddress, networkCode } from "./sockets-addresses.ts";
import { ResolveAddressStream } from "./sockets-names.ts";
import { TcpSocket } from "./sockets-tcp.ts";
import { type Datagram, type IncomingDatagramStream, type OutgoingDatagramStream, UdpSocket } from "./sockets-udp.ts";

/** The resource `network`: what a guest may do is asked of its grants with each call. */
export class Network {}

type Context = Wasi02Context;
type Family = "ipv4" | "ipv6";
type Socket = TcpSocket | UdpSocket;
type Accepted = [TcpSocket, InputStream, OutputStream];

const kept = "kept and answered, and changes nothing";

const drop = (docs: string): Wasi02Row => ({
  docs,
  run: (_: Context, resource: { drop(): void }): void => resource.drop(),
});

const forget: Wasi02Row = { docs: "Forgets it.", run: (): void => {} };

/** `instance-network`. */
const instanceNetwork: Wasi02Interface = {
  rows: {
    "instance-network": {
      docs: "The network of the guest's grants.",
      run: (): Network => new Network(),
    },
  },
};

const network: Wasi02Interface = {
  rows: {
    "[resource-drop]network": forget,
    "network-error-code": {
      feature: "network-error-code",
      docs: "What a stream of a socket failed with.",
      run: (_: Context, { cause }: IoError): string | undefined =>
        cause instanceof HostError ? networkCode(cause) : undefined,
    },
  },
};

/** Buffers and the family, which both kinds of sockets have alike. */
function commonRows(resource: "tcp-socket" | "udp-socket"): Wasi02Rows {
  const size = (option: "receiveBuffer" | "sendBuffer", name: string): Wasi02Rows => ({
    [`[method]${resource}.${name}`]: {
      docs: "Bytes, as they were set.",
      run: (_: Context, { options }: Socket): bigint => options.getBuffer(option),
    },
    [`[method]${resource}.set-${name}`]: {
      docs: `Bytes: ${kept}.`,
      run: (_: Context, { options }: Socket, value: bigint): void => options.setBuffer(option, value),
    },
  });
  return {
    [`[method]${resource}.start-bind`]: {
      docs: "Takes a place, where a grant covers it; port 0 is a free one.",
      run: (_: Context, socket: Socket, _network: Network, address: IpSocketAddress): void => socket.startBind(address),
    },
    [`[method]${resource}.finish-bind`]: {
      docs: "What came of it.",
      run: (_: Context, socket: Socket): void => socket.finishBind(),
    },
    [`[method]${resource}.local-address`]: {
      docs: "Where it is, in the guest's own ports.",
      run: (_: Context, socket: Socket): IpSocketAddress => socket.localAddress,
    },
    [`[method]${resource}.remote-address`]: {
      docs: "Whom it is connected to.",
      run: (_: Context, socket: Socket): IpSocketAddress => socket.remoteAddress,
    },
    [`[method]${resource}.address-family`]: {
      docs: "The family that it was made with.",
      run: (_: Context, { family }: Socket): Family => family,
    },
    ...size("receiveBuffer", "receive-buffer-size"),
    ...size("sendBuffer", "send-buffer-size"),
    [`[method]${resource}.subscribe`]: {
      docs: "Ready once what was started, or an accept, would not block.",
      run: (_: Context, socket: Socket): Pollable => socket.subscribe(),
    },
    [`[resource-drop]${resource}`]: drop("Closes it, once its streams are dropped too."),
  };
}

const tcpRows = {
  "[method]tcp-socket.start-connect": {
    docs: "Begins to connect, where a grant covers the place.",
    run: (_: Context, socket: TcpSocket, _network: Network, address: IpSocketAddress): void =>
      socket.startConnect(address),
  },
  "[method]tcp-socket.finish-connect": {
    docs: "The streams of the connection.",
    mayWait: true,
    run: (_: Context, socket: TcpSocket): unknown => socket.finishConnect(),
  },
  "[method]tcp-socket.start-listen": {
    docs: "Begins to listen, where a grant covers the place.",
    run: (_: Context, socket: TcpSocket): void => socket.startListen(),
  },
  "[method]tcp-socket.finish-listen": {
    docs: "What came of it.",
    run: (_: Context, socket: TcpSocket): void => socket.finishListen(),
  },
  "[method]tcp-socket.accept": {
    docs: "The next connection with its streams; its options are the listener's.",
    mayWait: true,
    run: (_: Context, socket: TcpSocket): Accepted | Promise<Accepted> => socket.accept(),
  },
  "[method]tcp-socket.is-listening": {
    docs: "Whether it listens.",
    run: (_: Context, { isListening }: TcpSocket): boolean => isListening,
  },
  "[method]tcp-socket.set-listen-backlog-size": {
    docs: "How many connections wait to be accepted: 1024 at least, 4096 at most.",
    run(_: Context, socket: TcpSocket, value: bigint): void {
      socket.backlog = value;
    },
  },
  "[method]tcp-socket.keep-alive-enabled": {
    docs: "Whether a silent connection is probed.",
    run: (_: Context, { options }: TcpSocket): boolean => options.keepAlive,
  },
  "[method]tcp-socket.set-keep-alive-enabled": {
    docs: "Has a silent connection probed, at the system's pace.",
    run(_: Context, { options }: TcpSocket, value: boolean): void {
      options.keepAlive = value;
    },
  },
  "[method]tcp-socket.keep-alive-idle-time": {
    docs: "Nanoseconds, as they were set.",
    run: (_: Context, { options }: TcpSocket): bigint => options.get("keepAliveIdleTime"),
  },
  "[method]tcp-socket.set-keep-alive-idle-time": {
    docs: `Nanoseconds: ${kept}.`,
    run: (_: Context, { options }: TcpSocket, value: bigint): void => options.set("keepAliveIdleTime", value),
  },
  "[method]tcp-socket.keep-alive-interval": {
    docs: "Nanoseconds, as they were set.",
    run: (_: Context, { options }: TcpSocket): bigint => options.get("keepAliveInterval"),
  },
  "[method]tcp-socket.set-keep-alive-interval": {
    docs: `Nanoseconds: ${kept}.`,
    run: (_: Context, { options }: TcpSocket, value: bigint): void => options.set("keepAliveInterval", value),
  },
  "[method]tcp-socket.keep-alive-count": {
    docs: "Probes, as they were set.",
    run: (_: Context, { options }: TcpSocket): number => options.get("keepAliveCount"),
  },
  "[method]tcp-socket.set-keep-alive-count": {
    docs: `Probes: ${kept}.`,
    run: (_: Context, { options }: TcpSocket, value: number): void => options.set("keepAliveCount", value),
  },
  "[method]tcp-socket.hop-limit": {
    docs: "Hops, as they were set.",
    run: (_: Context, { options }: TcpSocket): number => options.get("hopLimit"),
  },
  "[method]tcp-socket.set-hop-limit": {
    docs: `Hops: ${kept}.`,
    run: (_: Context, { options }: TcpSocket, value: number): void => options.set("hopLimit", value),
  },
  "[method]tcp-socket.shutdown": {
    docs: "Ends one direction or both, behind what was written.",
    run: (_: Context, socket: TcpSocket, how: "receive" | "send" | "both"): void => socket.shutdown(how),
  },
} satisfies Wasi02Rows;

type Incoming = Datagram<IpSocketAddress>[];

const udpRows = {
  "[method]udp-socket.stream": {
    docs: "Streams of datagrams, to and from one place or all; earlier streams operate no more.",
    run: (_: Context, socket: UdpSocket, address: IpSocketAddress | undefined): unknown => socket.stream(address),
  },
  "[method]udp-socket.unicast-hop-limit": {
    docs: "Hops, as they were set.",
    run: (_: Context, { options }: UdpSocket): number => options.get("hopLimit"),
  },
  "[method]udp-socket.set-unicast-hop-limit": {
    docs: `Hops: ${kept}.`,
    run: (_: Context, { options }: UdpSocket, value: number): void => options.set("hopLimit", value),
  },
  "[method]incoming-datagram-stream.receive": {
    docs: "What came, which may be nothing; at most 16 datagrams.",
    mayWait: true,
    run: (_: Context, stream: IncomingDatagramStream, most: bigint): Incoming | Promise<Incoming> =>
      stream.receive(most),
  },
  "[method]incoming-datagram-stream.subscribe": {
    docs: "Ready once a datagram is there.",
    run: (_: Context, stream: IncomingDatagramStream): Pollable => stream.subscribe(),
  },
  "[resource-drop]incoming-datagram-stream": drop("Forgets it."),
  "[method]outgoing-datagram-stream.check-send": {
    docs: "How many datagrams the next send may have: 16, or 0 while earlier ones are on their way.",
    run: (_: Context, stream: OutgoingDatagramStream): bigint => stream.checkSend(),
  },
  "[method]outgoing-datagram-stream.send": {
    docs: "Sends datagrams, each where a grant covers its place, and answers how many; more than permitted traps.",
    run: (_: Context, stream: OutgoingDatagramStream, datagrams: Datagram<IpSocketAddress | undefined>[]): bigint =>
      stream.send(datagrams),
  },
  "[method]outgoing-datagram-stream.subscribe": {
    docs: "Ready once check-send permits some.",
    run: (_: Context, stream: OutgoingDatagramStream): Pollable => stream.subscribe(),
  },
  "[resource-drop]outgoing-datagram-stream": drop("Forgets it."),
} satisfies Wasi02Rows;

const names: Wasi02Interface = {
  errorOf: networkCode,
  rows: {
    "resolve-addresses": {
      docs: "Asks for the addresses of a name, where a grant covers it; an address is its own.",
      run: (context: Context, _network: Network, name: string): ResolveAddressStream =>
        new ResolveAddressStream(context, name),
    },
    "[method]resolve-address-stream.resolve-next-address": {
      docs: "The next address, or that there are no more.",
      mayWait: true,
      run: (_: Context, stream: ResolveAddressStream): IpAddress | undefined | Promise<IpAddress | undefined> =>
        stream.resolveNextAddress(),
    },
    "[method]resolve-address-stream.subscribe": {
      docs: "Ready once the answer is there.",
      run: (_: Context, stream: ResolveAddressStream): Pollable => stream.subscribe(),
    },
    "[resource-drop]resolve-address-stream": forget,
  },
};

/** The interfaces of `wasi:sockets` by their names. */
export const socketInterfaces: Readonly<Record<string, Wasi02Interface>> = {
  "wasi:sockets/instance-network": instanceNetwork,
  "wasi:sockets/network": network,
  "wasi:sockets/tcp": { errorOf: networkCode, rows: { ...commonRows("tcp-socket"), ...tcpRows } },
  "wasi:sockets/tcp-create-socket": {
    errorOf: networkCode,
    rows: {
      "create-tcp-socket": {
        docs: "A new socket.",
        run: (context: Context, family: Family): TcpSocket => new TcpSocket(context, family),
      },
    },
  },
  "wasi:sockets/udp": { errorOf: networkCode, rows: { ...commonRows("udp-socket"), ...udpRows } },
  "wasi:sockets/udp-create-socket": {
    errorOf: networkCode,
    rows: {
      "create-udp-socket": {
        docs: "A new socket.",
        run: (context: Context, family: Family): UdpSocket => new UdpSocket(context, family),
      },
    },
  },
  "wasi:sockets/ip-name-lookup": names,
};
