import { nativeLoop, type NativeLoop } from "./native-loop.ts";
import { ChunkPool } from "./chunk-pool.ts";
import { SocketCalls } from "./socket-calls.ts";

/** What native sockets of one thread have in common. */
export interface NativeSockets {
  readonly loop: NativeLoop;
  readonly calls: SocketCalls;
  readonly chunks: ChunkPool;
  /** What short messages are sent from. */
  readonly outgoing: { readonly bytes: Buffer; readonly address: bigint };
}

/** Most bytes that are copied to be sent; longer ones are sent from where they are. */
export const shortMessage = 16_384;

let ofThread: NativeSockets | undefined;

/** The native sockets of this thread, if any were made. */
export function keptSockets(): NativeSockets | undefined {
  return ofThread;
}

/** The native sockets of this thread; undefined where the system or Node has no such calls, and Node's own serve. */
export function nativeSockets(): NativeSockets | undefined {
  if (ofThread !== undefined) return ofThread;
  const loop = nativeLoop();
  if (loop === undefined) return undefined;
  const { native } = loop;
  const { bytes, address } = native.allocate(shortMessage);
  ofThread = {
    loop,
    calls: new SocketCalls(native),
    chunks: new ChunkPool(native),
    outgoing: { bytes: Buffer.from(bytes.buffer), address },
  };
  return ofThread;
}
