import type { Errno } from "../../base/index.ts";
import type { Connection, ConnectionHandlers, SocketAddress } from "./backend.ts";

/** A connection that does not come about. */
export class RefusedConnection implements Connection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly pending = 0;
  readonly #errno: Errno;
  #handlers: ConnectionHandlers | undefined;

  constructor(remote: SocketAddress, errno: Errno) {
    this.local = this.remote = remote;
    this.#errno = errno;
  }

  tell(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    setImmediate(() => this.#handlers?.failed(this.#errno));
  }

  read(): void {}
  write(): boolean {
    return true;
  }
  end(): void {}
  close(done: () => void): void {
    this.reset();
    done();
  }
  reset(): void {
    this.#handlers = undefined;
  }
  setNoDelay(): void {}
  setKeepAlive(): void {}
}
