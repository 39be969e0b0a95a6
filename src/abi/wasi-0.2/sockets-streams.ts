import { HostError } from "../../base/index.ts";
import type { Socket } from "../../host/index.ts";
import type { Wasi02Context } from "./context.ts";
import { DescriptorSink, DescriptorSource } from "./descriptor-streams.ts";
import { closed } from "./errors.ts";
import { InputStream } from "./input-stream.ts";
import { OutputStream } from "./output-stream.ts";

/** A connection that a guest has up to three handles of: it is closed with the last of them. */
export class SharedSocket {
  readonly socket: Socket;
  #users = 1;
  #writing: Promise<unknown> | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** The streams of a connection: each is a handle more. */
  streams(context: Wasi02Context): [InputStream, OutputStream] {
    this.#users += 2;
    return [
      new InputStream(context, new SocketSource(this)),
      new OutputStream(context, new SocketSink(this, (writing) => this.#writes(writing))),
    ];
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.socket.close();
  }

  /** Ends one direction or both, behind what was written. @throws HostError */
  shutdown(how: "read" | "write" | "both"): void {
    const writing = this.#writing;
    if (how === "read" || writing === undefined) return this.socket.shutdown(how);
    if (how === "both") this.socket.shutdown("read");
    const end = (): void => {
      try {
        this.socket.shutdown("write");
      } catch {
        // The connection is gone: there is nothing to end.
      }
    };
    writing.then(end, end);
  }

  #writes(writing: Promise<unknown>): void {
    const over = (): void => {
      if (this.#writing === writing) this.#writing = undefined;
    };
    this.#writing = writing;
    writing.then(over, over);
  }
}

class SocketSource extends DescriptorSource {
  readonly #shared: SharedSocket;

  constructor(shared: SharedSocket) {
    super(shared.socket);
    this.#shared = shared;
  }

  close(): void {
    this.#shared.release();
  }
}

class SocketSink extends DescriptorSink {
  readonly #shared: SharedSocket;
  readonly #tell: (writing: Promise<unknown>) => void;

  constructor(shared: SharedSocket, tell: (writing: Promise<unknown>) => void) {
    super(shared.socket);
    this.#shared = shared;
    this.#tell = tell;
  }

  /** What a guest is permitted never waits behind its back. */
  get room(): number {
    return this.#shared.socket.room;
  }

  override write(bytes: Uint8Array): number | Promise<number> {
    const written = super.write(bytes);
    if (written instanceof Promise) this.#tell(written);
    return written;
  }

  close(): void {
    this.#shared.release();
  }

  /** A direction that was ended is closed, and no failure. */
  errorOf(error: unknown): unknown {
    return error instanceof HostError && error.errno === "pipe" ? closed : undefined;
  }
}
