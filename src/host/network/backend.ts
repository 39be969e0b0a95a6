import type { Errno } from "../../base/index.ts";
import type { Buffers } from "../filesystem/file-calls.ts";

/** The families of addresses that guests have sockets of. */
export type SocketFamily = "ipv4" | "ipv6" | "unix";

/** What a socket carries: a stream of bytes or datagrams. */
export type SocketKind = "stream" | "datagram";

/** An IP address in its usual text form, without brackets, and a port. */
export interface InternetAddress {
  readonly family: "ipv4" | "ipv6";
  readonly address: string;
  readonly port: number;
}

/** Where a socket is bound or connected. A Unix socket's path is empty where it has no name. */
export type SocketAddress = InternetAddress | { readonly family: "unix"; readonly path: string };

/** What a {@link Connection} tells whoever has it. None is called before the call that gave the handlers returned. */
export interface ConnectionHandlers {
  /** Whether {@link data} is done with its bytes when it returns, or says {@link MessageConnection.keep}: then they are not copied for it. */
  readonly takesAtOnce?: true;
  /** Whether it has no use for a chunk any more when it asks for the next: that may then lie in the same place. */
  readonly givesBack?: true;
  /** The connection that was asked for stands. */
  connected(): void;
  /** One chunk, the receiver's to keep; answers whether reading goes on, else the next {@link Connection.read} resumes it. */
  data(bytes: Uint8Array): boolean;
  /** The peer sends no more. */
  ended(): void;
  /** All that was written is with the system. */
  drained(): void;
  /** The connection failed; nothing more is heard of it. */
  failed(errno: Errno): void;
}

/** A stream of bytes to a peer, as a backend makes it. It reads only when asked. */
export interface Connection {
  /** Known once it is connected. */
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Bytes that were written and are not yet with the system. */
  readonly pending: number;
  /** Says who hears of it: called once, in the turn in which it was got. */
  tell(handlers: ConnectionHandlers): void;
  /** Asks for the next chunk. */
  read(): void;
  /** Takes all of the bytes; true where they are with the system already, else they must stay as they are. */
  write(bytes: Uint8Array): boolean;
  /** Takes the first `count` bytes of some pieces, and keeps none of them where they are; not everybody can. */
  writeFrom?(from: Buffers, count: number): void;
  /** Says to the peer that no more comes, behind what was written. */
  end(): void;
  /** Closes it; what was written still goes out, and `done` is called when it has or cannot. */
  close(done: () => void): void;
  /** Drops it with all that was written. */
  reset(): void;
  setNoDelay(isOn: boolean): void;
  setKeepAlive(isOn: boolean): void;
}

/** A connection for whoever sends messages of several parts, and keeps what came without copying it. */
export interface MessageConnection extends Connection {
  /**
   * Sends text, a character for each byte, around pieces; they may change afterwards. False where not all of it is with the system
   * yet.
   */
  send(before: string, pieces: readonly Uint8Array[], behind: string): boolean;
  /**
   * Has the bytes that {@link ConnectionHandlers.data} is told of at present stay as they are until they are given back; false where
   * that was said of them before.
   */
  keep(): boolean;
  /** Says that nobody has bytes any more that were kept. */
  giveBack(bytes: Uint8Array): void;
}

/** A stream socket's place: it can listen or connect from there, once. */
export interface BoundStream {
  readonly address: SocketAddress;
  /** Hands over each connection as it comes; `full` hears where one has to wait for a descriptor, if that can be told. @throws HostError */
  listen(backlog: number, accepted: (connection: Connection) => void, full?: () => void): void;
  /** Runs something when all that the system told in this turn was handled; not everybody can say when that is. */
  afterTurn?(run: () => void): void;
  /** Connects from there. */
  connect(to: SocketAddress): Connection;
  close(): void;
}

/** What {@link Datagrams} tell whoever has them. */
export interface DatagramHandlers {
  /** One datagram, the receiver's to keep. */
  message(bytes: Uint8Array, from: InternetAddress): void;
  /** All that was sent is with the system. */
  drained(): void;
  failed(errno: Errno): void;
}

/** A UDP socket that is bound. */
export interface Datagrams {
  readonly address: InternetAddress;
  /** Bytes that were sent and are not yet with the system. */
  readonly pending: number;
  tell(handlers: DatagramHandlers): void;
  /** Sends one datagram; the bytes must stay as they are. */
  send(bytes: Uint8Array, to: InternetAddress): void;
  setBroadcast(isOn: boolean): void;
  close(): void;
}

/** A network that guests have for themselves besides the machine's: what goes on in it takes no grant. */
export interface OwnNetwork {
  /** Whether an address is in it, in one that is kept apart from it, or the machine's business. */
  standing(address: string): "inside" | "apart" | "outside";
  /** Whether a name is one of its own, or of one that is kept apart. */
  hasName(name: string): boolean;
  /** TCP ports of the guest that are on the machine as well. */
  readonly publishedPorts: readonly number[];
  /** Where it says that its name server is, for guests that resolve by themselves. */
  readonly nameServer: InternetAddress;
  /** Folders of its own, real paths, in which no guest may change anything. */
  readonly folders: readonly string[];
}

/**
 * What guests' sockets are made of: the machine's own network ({@link directNetwork}), or another that an embedder gives.
 * It is asked only for what the grants allow, and decides nothing by itself. Operations throw HostError.
 */
export interface NetworkBackend {
  readonly name: string;
  /** The part of it that takes no grants; a guest's ports are then there, and not on the machine's loopback. */
  readonly own?: OwnNetwork;
  /** Port 0 takes a free one. @throws HostError addrinuse, addrnotavail, acces */
  bindStream(address: SocketAddress): BoundStream;
  /** Begins to connect: `connected` or `failed` tells the rest. */
  connect(to: SocketAddress): Connection;
  /** @throws HostError addrinuse, addrnotavail, acces */
  bindDatagrams(address: InternetAddress, options: { readonly reusesAddress: boolean }): Datagrams;
  /** The addresses of a name, as text. Rejects with HostError noent for no such name, again where asking later may help, io. */
  resolve(name: string): Promise<readonly string[]>;
}
