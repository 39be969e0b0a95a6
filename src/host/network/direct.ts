import { failure, failureOfNode, HostError } from "../../base/index.ts";
import type { BoundStream, Connection, Datagrams, InternetAddress, NetworkBackend, SocketAddress } from "./backend.ts";
import { NodeBound } from "./node-bound.ts";
import { connectionOptions, NodeConnection } from "./node-connection.ts";
import { NativeBound } from "./native/native-bound.ts";
import { NativeConnection } from "./native/native-connection.ts";
import { type NativeSockets, nativeSockets } from "./native/native-sockets.ts";
import { NodeDatagrams } from "./node-datagrams.ts";
import { RefusedConnection } from "./refused-connection.ts";
import { type HeldPath, holdPlace, holdSocket, type UnixRules } from "./unix-place.ts";

const noRules: UnixRules = { writable: [], closed: [], refusesLinks: false };

/**
 * The machine's own network: TCP by the system's own calls where there are any, the rest by Node. Its modules are loaded when a
 * guest first uses them: a start costs them nothing. `rules` say how Unix sockets are looked up.
 */
export function directNetwork(rules: UnixRules = noRules): NetworkBackend {
  return new DirectNetwork(rules);
}

/** Node's modules for sockets, loaded when they are first asked for. */
export const socketModules = {
  get net() {
    return process.getBuiltinModule("node:net");
  },
  get dgram() {
    return process.getBuiltinModule("node:dgram");
  },
};

class DirectNetwork implements NetworkBackend {
  readonly name = "direct";
  readonly #rules: UnixRules;
  #native: NativeSockets | undefined | "unasked" = "unasked";

  constructor(rules: UnixRules) {
    this.#rules = rules;
  }

  bindStream(address: SocketAddress): BoundStream {
    if (address.family !== "unix") {
      const native = this.#sockets();
      return native === undefined ? new NodeBound(socketModules.net, address) : new NativeBound(native, address);
    }
    const held = holdPlace(address.path, this.#rules);
    if (held === undefined) return new NodeBound(socketModules.net, address);
    try {
      return new HeldBound(address, held);
    } catch (error) {
      held.release();
      throw error;
    }
  }

  connect(to: SocketAddress): Connection {
    if (to.family !== "unix") {
      const native = this.#sockets();
      if (native === undefined) return NodeConnection.to(new socketModules.net.Socket(connectionOptions), to);
      try {
        return NativeConnection.to(native, native.calls.open(to.family), to);
      } catch (error) {
        if (error instanceof HostError) return new RefusedConnection(to, error.errno);
        throw error;
      }
    }
    let held: HeldPath | undefined;
    try {
      held = holdSocket(to.path, this.#rules);
      const { path } = held ?? to;
      // The system is asked before this returns: what leads there is needed no longer.
      const seen = { local: { family: "unix", path: "" }, remote: to } as const;
      const socket = new socketModules.net.Socket(connectionOptions);
      return NodeConnection.to(socket, { family: "unix", path }, held === undefined ? undefined : seen);
    } catch (error) {
      if (error instanceof HostError) return new RefusedConnection(to, error.errno);
      throw error;
    } finally {
      held?.release();
    }
  }

  #sockets(): NativeSockets | undefined {
    if (this.#native === "unasked") this.#native = nativeSockets();
    return this.#native;
  }

  bindDatagrams(address: InternetAddress, options: { readonly reusesAddress: boolean }): Datagrams {
    return new NodeDatagrams(socketModules.dgram, address, options);
  }

  async resolve(name: string): Promise<readonly string[]> {
    const { promises } = process.getBuiltinModule("node:dns");
    try {
      const found = await promises.lookup(name, { all: true, order: "verbatim" });
      return [...new Set(found.map(({ address }) => address))];
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (code === "ENOTFOUND" || code === "ENODATA") throw failure("ainoname");
      throw failure(failureOfNode(error)?.errno === "aiagain" ? "aiagain" : "aifail");
    }
  }
}

/** A Unix socket in a folder that is held: the system removes the socket by the way that leads there, when it is closed. */
class HeldBound implements BoundStream {
  readonly address: SocketAddress;
  readonly #bound: NodeBound;
  #held: HeldPath | undefined;

  constructor(address: SocketAddress, held: HeldPath) {
    this.address = address;
    this.#held = held;
    this.#bound = new NodeBound(socketModules.net, { family: "unix", path: held.path });
  }

  listen(backlog: number, accepted: (connection: Connection) => void): void {
    this.#bound.listen(backlog, accepted);
  }

  connect(to: SocketAddress): Connection {
    return this.#bound.connect(to);
  }

  close(): void {
    this.#bound.close();
    this.#held?.release();
    this.#held = undefined;
  }
}
