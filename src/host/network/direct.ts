import { failure, failureOfNode } from "../../base/index.ts";
import type { BoundStream, Connection, Datagrams, InternetAddress, NetworkBackend, SocketAddress } from "./backend.ts";
import { NodeBound } from "./node-bound.ts";
import { connectionOptions, NodeConnection } from "./node-connection.ts";
import { NodeDatagrams } from "./node-datagrams.ts";

/** The machine's own network, by Node. Its modules are loaded when a guest first uses them: a start costs them nothing. */
export function directNetwork(): NetworkBackend {
  return new DirectNetwork();
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

  bindStream(address: SocketAddress): BoundStream {
    return new NodeBound(socketModules.net, address);
  }

  connect(to: SocketAddress): Connection {
    return NodeConnection.to(new socketModules.net.Socket(connectionOptions), to);
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
