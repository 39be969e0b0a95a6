import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { defaultGrants, type Grants } from "../capabilities/index.ts";
import { directNetwork, type NetworkBackend } from "../host/index.ts";

/** Grants to listen everywhere and to connect on loopback. */
export const loopbackGrants: Partial<Grants> = {
  net: {
    ...defaultGrants.net,
    connect: ["127.0.0.0", "::1"].map((address) => ({
      host: { kind: "cidr", address, prefix: address === "::1" ? 128 : 8 },
      ports: { first: 0, last: 65_535 },
    })),
    listen: [{ ports: { first: 0, last: 65_535 } }],
  },
};

/** Grants to listen on one port, which a guest of preview 1 alone then has a socket of. */
export function listenOn(port: number): Partial<Grants> {
  return { net: { ...defaultGrants.net, listen: [{ ports: { first: port, last: port } }] } };
}

/** The machine's own network, where each place that a guest takes is on a free port of loopback's. */
export class Loopback {
  readonly network: NetworkBackend;
  readonly #ports = new Map<number, number>();

  constructor() {
    const direct = directNetwork();
    this.network = {
      name: "loopback",
      connect: (to) => direct.connect(to),
      resolve: (name) => direct.resolve(name),
      bindDatagrams: (address, options) => direct.bindDatagrams(address, options),
      bindStream: (address) => {
        if (address.family === "unix") return direct.bindStream(address);
        const local = address.family === "ipv4" ? "127.0.0.1" : "::1";
        const bound = direct.bindStream({ ...address, address: local, port: 0 });
        assert.ok(bound.address.family !== "unix");
        this.#ports.set(address.port, bound.address.port);
        return bound;
      },
    };
  }

  /** A connection to what listens on a port of the guest's. */
  async connect(port: number): Promise<Socket> {
    const socket = connect({
      port: this.#ports.get(port) ?? assert.fail(`nobody listens on ${port}`),
      host: "127.0.0.1",
    });
    await once(socket, "connect");
    return socket;
  }
}

/** All that comes from a socket until its end. */
export async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}
