import type dgram from "node:dgram";
import type { Socket, SocketType } from "node:dgram";
import { failureOfNode } from "../../base/index.ts";
import type { DatagramHandlers, Datagrams, InternetAddress } from "./backend.ts";

type Dgram = typeof dgram;

/** A UDP socket of Node's. */
export class NodeDatagrams implements Datagrams {
  readonly address: InternetAddress;
  readonly #socket: Socket;
  #handlers: DatagramHandlers | undefined;
  #pending = 0;

  /** @throws HostError */
  constructor(from: Dgram, at: InternetAddress, { reusesAddress }: { readonly reusesAddress: boolean }) {
    const type: SocketType = at.family === "ipv4" ? "udp4" : "udp6";
    const socket = from.createSocket({
      type,
      reuseAddr: reusesAddress,
      // Addresses need no looking up, and are then bound before `bind` returns.
      lookup: (address, _options, found) => found(null, address, at.family === "ipv4" ? 4 : 6),
    });
    this.#socket = socket;
    let failed: Error | undefined;
    socket.on("error", (error) => {
      failed = error;
      this.#handlers?.failed(failureOfNode(error)?.errno ?? "io");
    });
    socket.bind({ port: at.port, address: at.address, exclusive: true });
    if (failed !== undefined) {
      socket.close();
      throw failureOfNode(failed) ?? failed;
    }
    this.address = { ...at, port: socket.address().port };
    socket.on("message", (bytes, { address, family, port }) =>
      this.#handlers?.message(bytes, { family: family === "IPv4" ? "ipv4" : "ipv6", address, port }),
    );
  }

  get pending(): number {
    return this.#pending;
  }

  tell(handlers: DatagramHandlers): void {
    this.#handlers = handlers;
  }

  send(bytes: Uint8Array, { address, port }: InternetAddress): void {
    this.#pending += bytes.length;
    this.#socket.send(bytes, port, address, (error) => {
      this.#pending -= bytes.length;
      if (error !== null) this.#handlers?.failed(failureOfNode(error)?.errno ?? "io");
      this.#handlers?.drained();
    });
  }

  setBroadcast(isOn: boolean): void {
    this.#socket.setBroadcast(isOn);
  }

  close(): void {
    this.#handlers = undefined;
    this.#socket.close();
  }
}
