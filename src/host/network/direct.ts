import { failure, failureOfNode } from "../../base/index.ts";
import type { BoundStream, Connection, Datagrams, InternetAddress, NetworkBackend, SocketAddress } from "./backend.ts";
import { NodeBound } from "./node-bound.ts";
import { connectionOptions, NodeConnection } from "./node-connection.ts";
import { NodeDatagrams } from "./node-datagrams.ts";

/** The machine's own network, by Node. Its modules are loaded when a guest first uses them: a start costs them nothing. */
export function directNetwork(): NetworkBackend {
  return new DirectNetwork();
}

class DirectNetwork implements NetworkBackend {
  readonly name = "direct";

  bindStream(address: SocketAddress): BoundStream {
    return new NodeBound(process.getBuiltinModule("node:net"), address);
  }

  connect(to: SocketAddress): Connection {
    const net = process.getBuiltinModule("node:net");
    return NodeConnection.to(new net.Socket(connectionOptions), to);
  }

  bindDatagrams(address: InternetAddress, options: { readonly reusesAddress: boolean }): Datagrams {
    return new NodeDatagrams(process.getBuiltinModule("node:dgram"), address, options);
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
