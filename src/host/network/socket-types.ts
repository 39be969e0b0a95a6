import type { SocketAddress } from "./backend.ts";

/** How bytes are received. */
export interface ReceiveHow {
  /** Leaves them to be received again. */
  readonly peek?: boolean;
  /** Waits for all that there is room for, unless the stream ends. */
  readonly waitAll?: boolean;
}

/** What came. */
export interface Received {
  readonly count: number;
  /** Whether a datagram had more than there was room for; the rest is gone. */
  readonly isTruncated: boolean;
  /** Who sent it; for a stream its peer. */
  readonly from: SocketAddress;
}

/** Which directions of a connection are closed. */
export type ShutdownHow = "read" | "write" | "both";

/**
 * Options of sockets. Values are numbers: switches 0 or 1, sizes in bytes, timeouts in ms (0: none), `linger` in seconds (-1:
 * off). Options that Node cannot set are kept and answered as they were set, and change nothing: `dontRoute`, `sendBuffer`,
 * `receiveBuffer` of streams, `outOfBandInline`, `receiveLowWater`. `bindToDevice` is refused with perm.
 */
export type SocketOption =
  | "reuseAddress"
  | "dontRoute"
  | "broadcast"
  | "sendBuffer"
  | "receiveBuffer"
  | "keepAlive"
  | "outOfBandInline"
  | "linger"
  | "receiveLowWater"
  | "receiveTimeout"
  | "sendTimeout"
  | "acceptsConnections"
  | "bindToDevice"
  | "noDelay"
  | "ipv6Only";
