import { Buffers } from "../filesystem/file-calls.ts";
import type { Socket } from "../network/socket.ts";
import { type Duplex, httpModules } from "./node-modules.ts";

/** Bytes that one read may bring. */
const readSize = 65_536;
/** A piece of at most so many bytes does not keep the whole room alive that it came in. */
const smallPiece = 8192;

function piece(bytes: Uint8Array): Buffers {
  const buffers = new Buffers();
  buffers.reset(bytes);
  buffers.add(0, bytes.length);
  return buffers;
}

/** Calls back with what came of an operation, at once or later. */
function settle<T>(operate: () => T | Promise<T>, done: (error: Error | undefined, value?: T) => void): void {
  // The host's failures are shared and frozen: a stream marks those it gets.
  const fail = (cause: unknown): void => done(new Error("The connection failed", { cause }));
  try {
    const value = operate();
    if (value instanceof Promise) value.then((came) => done(undefined, came), fail);
    else done(undefined, value);
  } catch (error) {
    fail(error);
  }
}

/** A host's socket, connected, in the form in which Node's modules for TLS and HTTP take one. */
export function duplexOf(socket: Socket): Duplex {
  const duplex: Duplex = new httpModules.stream.Duplex({
    allowHalfOpen: true,
    read: () => {
      const room = Buffer.allocUnsafeSlow(readSize);
      settle(
        () => socket.read(piece(room)),
        (error, count = 0) => {
          if (duplex.destroyed) return;
          if (error !== undefined) duplex.destroy(error);
          else if (count === 0) duplex.push(null);
          else duplex.push(count > smallPiece ? room.subarray(0, count) : Buffer.from(room.subarray(0, count)));
        },
      );
    },
    write: (chunk: Uint8Array, _encoding, done) =>
      settle(
        () => socket.write(piece(chunk)),
        (error) => done(error),
      ),
    final: (done) =>
      settle(
        () => socket.shutdown("write"),
        (error) => done(error),
      ),
    destroy: (error, done) => {
      socket.close();
      done(error);
    },
  });
  // What an agent asks of sockets that it keeps: a host's socket has no say in how long its process lives.
  return Object.assign(duplex, {
    setKeepAlive: () => duplex,
    setNoDelay: () => duplex,
    setTimeout: () => duplex,
    ref: () => duplex,
    unref: () => duplex,
  });
}
