import type { Scratch } from "../channel-stream.ts";
import type { Connection, InternetAddress, NetworkBackend, SocketAddress, SocketKind } from "./backend.ts";
import type { NetworkPolicy } from "./policy.ts";
import type { Rate } from "./rate.ts";
import type { Socket } from "./socket.ts";
import type { StreamSocket } from "./stream-socket.ts";
import type { UsedChunks } from "./used-chunks.ts";

/** What the sockets of one instance have in common. */
export interface SocketHost {
  readonly backend: NetworkBackend;
  readonly policy: NetworkPolicy;
  /** Connections begun and accepted. */
  readonly connections: Rate;
  /** Bytes moved. */
  readonly bytes: Rate;
  /** Bytes to write from: replaced where a connection goes on with them. */
  readonly scratch: Scratch;
  /** Where chunks go that the guest has read. */
  readonly used: UsedChunks;
  /** @throws HostError mfile where no further socket may be open */
  reserve(): void;
  opened(socket: Socket): void;
  closed(socket: Socket): void;
  /**
   * Counts a closed connection that has so many bytes on their way; `drop` ends it at once. Call what this answers when it is
   * over.
   */
  leave(drop: () => void, bytes: number): () => void;
  /**
   * Takes a port of the guest's own; what this answers gives it back.
   *
   * @throws HostError addrinuse where a socket of the instance has it
   */
  claim(kind: SocketKind, at: InternetAddress): () => void;
  /** Says where on the host a listener is. */
  listens(socket: StreamSocket, places: readonly SocketAddress[]): void;
  /** Where on the host a listener of the instance's own is that the address means. */
  ownListener(to: InternetAddress): SocketAddress | undefined;
  isNameServer(to: InternetAddress): boolean;
  connectNameServer(to: InternetAddress): Connection;
  /** Rejects as {@link NetworkBackend.resolve}, and with acces. */
  resolve(name: string): Promise<readonly string[]>;
}
