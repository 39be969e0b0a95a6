import type { HostLimits } from "../../workload.ts";
import type { NetFlags } from "../network-fixture.ts";
import type { Target } from "./target.ts";
import type { World } from "./world.ts";

/** One attack: what is granted, what the guest tries, and whether it got through. */
export interface NetworkAttack {
  readonly name: string;
  readonly flags: NetFlags;
  readonly limits?: HostLimits;
  prepare?(world: World): void;
  /** Answers whether it got through, where that is not told by what the world was asked for. */
  attempt(target: Target, world: World): Promise<boolean | void>;
}

const port = 80;

/** Addresses that no name and no grant for public ones opens. */
export const insideAddresses: Readonly<Record<string, string>> = {
  loopback: "127.0.0.1",
  "another loopback address": "127.8.7.6",
  "this machine's unspecified address": "0.0.0.0",
  "a link-local address": "169.254.7.7",
  "a metadata address": "169.254.169.254",
  "a private address": "10.0.0.1",
  "loopback of IPv6": "::1",
  "a link-local address of IPv6": "fe80::1",
  "a unique local address": "fd00::1",
  "loopback, wrapped in IPv6": "::ffff:127.0.0.1",
  "a metadata address, wrapped in IPv6": "::ffff:169.254.169.254",
  "loopback, carried through NAT64": "64:ff9b::7f00:1",
};

async function connectTo(target: Target, address: string): Promise<void> {
  const family = address.includes(":") ? "ipv6" : "ipv4";
  await target.connect(await target.open(family, "stream"), { family, address, port });
}

async function connectToName(target: Target, name: string): Promise<void> {
  for (const address of await target.resolve(name)) await connectTo(target, address);
}

const addresses = Object.entries(insideAddresses).flatMap(([what, address]): NetworkAttack[] => [
  {
    name: `connecting to ${what} through a granted name`,
    flags: { connect: ["named.test"] },
    prepare: (world) => void (world.names["named.test"] = [[address]]),
    attempt: (target) => connectToName(target, "named.test"),
  },
  {
    name: `connecting to ${what} where every public address is granted`,
    flags: { connect: ["*"] },
    attempt: (target) => connectTo(target, address),
  },
  {
    name: `sending a datagram to ${what} where every public address is granted`,
    flags: { connect: ["*"] },
    attempt: async (target) => {
      const family = address.includes(":") ? "ipv6" : "ipv4";
      await target.send(await target.open(family, "datagram"), 4, { family, address, port });
    },
  },
]);

const answers: NetworkAttack[] = [
  {
    name: "a name whose answer changes to loopback between two questions",
    flags: { connect: ["rebind.test"] },
    prepare: (world) => void (world.names["rebind.test"] = [["192.0.2.1"], ["127.0.0.1"]]),
    attempt: async (target) => {
      await connectToName(target, "rebind.test");
      await connectToName(target, "rebind.test");
    },
  },
  {
    name: "a name that has an inside address among public ones",
    flags: { connect: ["mixed.test"] },
    prepare: (world) => void (world.names["mixed.test"] = [["192.0.2.1", "10.0.0.1"]]),
    attempt: (target) => connectToName(target, "mixed.test"),
  },
  ...["2130706433", "0177.0.0.1", "0x7f.0.0.1", "127.1", "0x7f000001"].map((spelled): NetworkAttack => ({
    name: `loopback spelled "${spelled}", which a resolver reads as the address`,
    flags: { connect: ["*"], dns: true },
    prepare: (world) => void (world.names[spelled] = [["127.0.0.1"]]),
    attempt: (target) => connectToName(target, spelled),
  })),
];

const places = (
  [
    ["below the grant", "127.0.0.1", 7999],
    ["above the grant", "127.0.0.1", 8011],
    ["a privileged port", "0.0.0.0", 80],
    ["every address where one is granted", "0.0.0.0", 8000],
    ["another address than is granted", "127.0.0.2", 8000],
    ["a free port", "127.0.0.1", 0],
  ] as const
).map(([what, address, number]): NetworkAttack => ({
  name: `listening on ${what}`,
  flags: { listen: ["127.0.0.1:8000-8010"] },
  attempt: async (target, world) => {
    const fd = await target.open("ipv4", "stream");
    await target.bind(fd, { family: "ipv4", address, port: number });
    await target.listen(fd);
    return world.listened.length > 0;
  },
}));

async function listening(target: Target): Promise<number> {
  const fd = await target.open("ipv4", "stream");
  await target.bind(fd, { family: "ipv4", address: "127.0.0.1", port: 8000 });
  await target.listen(fd);
  return fd;
}

const most = 100;

const resources: NetworkAttack[] = [
  {
    name: "thousands of connections that never send, accepted as they come",
    flags: { listen: ["8000"] },
    limits: { maxConnections: most },
    attempt: async (target, world) => {
      const fd = await listening(target);
      for (let i = 0; i < 3000; i++) {
        world.arrive();
        await target.accept(fd);
      }
      return world.connections.filter(({ isClosed }) => !isClosed).length > most;
    },
  },
  {
    name: "thousands of connections that are never accepted",
    flags: { listen: ["8000"] },
    limits: { maxConnections: most },
    attempt: async (target, world) => {
      await listening(target);
      for (let i = 0; i < 3000; i++) world.arrive();
      return world.connections.filter(({ isClosed }) => !isClosed).length > most;
    },
  },
  {
    name: "a peer that never reads",
    flags: { listen: ["8000"] },
    attempt: async (target, world) => {
      const fd = await listening(target);
      const peer = world.arrive();
      const accepted = await target.accept(fd);
      if (typeof accepted !== "number") return true;
      for (let i = 0; i < 200; i++) await target.send(accepted, 0x1_0000);
      return peer.pending > 0x4_0000;
    },
  },
  {
    name: "closing twice",
    flags: { listen: ["8000"] },
    attempt: async (target) => {
      const fd = await listening(target);
      await target.close(fd);
      return (await target.close(fd)) === "ok";
    },
  },
  {
    name: "using a connection's number once it was closed and is another's",
    flags: { listen: ["8000"] },
    attempt: async (target, world) => {
      const fd = await listening(target);
      const first = world.arrive();
      const old = await target.accept(fd);
      if (typeof old !== "number") return true;
      await target.close(old);
      world.arrive();
      await target.accept(fd);
      await target.send(old, 16);
      return first.pending > 0;
    },
  },
  {
    name: "closing in each state, and what the peers keep then",
    flags: { listen: ["8000"] },
    attempt: async (target, world) => {
      await target.close(await target.open("ipv4", "stream"));
      await target.close(await target.open("ipv4", "datagram"));
      const fd = await listening(target);
      world.arrive();
      const accepted = await target.accept(fd);
      if (typeof accepted === "number") await target.close(accepted);
      world.arrive();
      await target.close(fd);
      world.arrive();
      return world.connections.slice(0, 2).some(({ isClosed }) => !isClosed);
    },
  },
];

/** Every attack. */
export const networkAttacks: readonly NetworkAttack[] = [...addresses, ...answers, ...places, ...resources];

/** Addresses of the inside, as a world notes them. */
export function isInside(address: string): boolean {
  return !address.startsWith("192.0.2.");
}
