import { unlinkSync } from "node:fs";
import { failure } from "../../../base/index.ts";
import type { BoundStream, Connection, MessageConnection, SocketAddress } from "../backend.ts";
import { NativeConnection } from "./native-connection.ts";
import { type NativeSockets, nativeSockets } from "./native-sockets.ts";

/** How a place is bound. */
export interface NativeBindOptions {
  /** Whether several sockets may listen there, among which the system shares out what comes. */
  readonly reusesPort?: boolean;
}

/**
 * Binds a place by the system's own calls; undefined where there are none.
 *
 * @throws HostError addrinuse, addrnotavail, acces, mfile, nametoolong
 */
export function bindNative(at: SocketAddress, options?: NativeBindOptions): NativeBound | undefined {
  const sockets = nativeSockets();
  return sockets === undefined ? undefined : new NativeBound(sockets, at, options);
}

/** A place that was bound by the system's own calls. */
export class NativeBound implements BoundStream {
  readonly address: SocketAddress;
  readonly #sockets: NativeSockets;
  #fd: number;
  #isListening = false;
  /** Runs while no descriptor is left for what waits. */
  #pause: NodeJS.Timeout | undefined;

  /** @throws HostError addrinuse, addrnotavail, acces, mfile, nametoolong */
  constructor(sockets: NativeSockets, at: SocketAddress, options: NativeBindOptions = {}) {
    this.#sockets = sockets;
    const { calls } = sockets;
    this.#fd = calls.open(at.family);
    try {
      calls.bind(this.#fd, at, { reusesPort: options.reusesPort === true });
      this.address = at.family === "unix" ? at : calls.local(this.#fd);
    } catch (error) {
      calls.close(this.#fd);
      throw error;
    }
  }

  listen(backlog: number, accepted: (connection: MessageConnection) => void, full?: () => void): void {
    const { calls, loop } = this.#sockets;
    const fd = this.#take();
    this.#fd = fd;
    this.#isListening = true;
    calls.listen(fd, backlog);
    const watcher = {
      ready: () => {
        if (this.#accept(accepted)) return;
        // What waits would be told again and again, and to take it fails until something else is closed.
        loop.remove(fd);
        this.#pause = setTimeout(() => loop.addLevel(fd, watcher), pause);
        full?.();
      },
    };
    loop.addLevel(fd, watcher);
  }

  afterTurn(run: () => void): void {
    this.#sockets.loop.afterTurn(run);
  }

  connect(to: SocketAddress): Connection {
    return NativeConnection.to(this.#sockets, this.#take(), to);
  }

  close(): void {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    clearTimeout(this.#pause);
    if (this.#isListening) this.#sockets.loop.remove(fd);
    if (this.address.family === "unix") unlinkQuietly(this.address.path);
    this.#sockets.calls.close(fd);
  }

  /** False where something waits that cannot be taken. */
  #accept(accepted: (connection: MessageConnection) => void): boolean {
    const { calls } = this.#sockets;
    // So many in one turn: the others have waited as well.
    for (let i = 0; i < mostAccepted && this.#fd >= 0; i++) {
      const one = calls.accept(this.#fd);
      if (one === "full") return false;
      if (one === undefined) return true;
      const { fd, remote } = one;
      if (remote.family !== "unix") calls.setOption(fd, "noDelay", 1);
      accepted(new NativeConnection(this.#sockets, { fd, remote, isConnecting: false }));
    }
    return true;
  }

  #take(): number {
    const fd = this.#fd;
    if (fd < 0 || this.#isListening) throw failure("inval");
    this.#fd = -1;
    return fd;
  }
}

const mostAccepted = 64;
/** How long nothing is taken once descriptors are exhausted, in ms. */
const pause = 50;

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody has removed it, or nobody may.
  }
}
