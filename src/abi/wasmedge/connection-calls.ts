import { failure } from "../../base/index.ts";
import type { Socket, SocketAddress } from "../../host/index.ts";
import { call, type CallDocs, type NamedParameter, type Result } from "../bind.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { fd, resultU32, type Room, u32 } from "../preview1-types.ts";
import { acceptOn, socketOf } from "../socket-calls.ts";
import {
  addressBytes,
  addressOf,
  addressRoom,
  checkRoom,
  families,
  portOf,
  showAddress,
  taggedSize,
  writeAddress,
} from "./addresses.ts";
import { familyNames, kindNames, named } from "./types.ts";

/** Where version 1 says the family: the numbers of the protocols, which are not those of {@link families}. */
const protocolVersions = { ipv4: 4, ipv6: 6 } as const;

const addressErrors = ["badf", "fault", "inval", "notsock"];

/** `sock_open`, the same in both versions. */
export const openCall = call(
  { effect: "Makes a socket: IPv4, IPv6 or Unix, stream or datagram.", errors: ["afnosupport", "inval", "mfile"] },
  {
    params: [
      ["af", named(familyNames)],
      ["socktype", named(kindNames)],
    ],
    result: resultU32,
    run(context: Preview1Context, familyNumber, kindNumber): number {
      const family = familyNames[familyNumber];
      const kind = kindNames[kindNumber];
      if (family === undefined || family === "unspec") throw failure("afnosupport");
      if (kind === undefined || kind === "any") throw failure("inval");
      const { host } = context;
      host.descriptors.reserve();
      return host.descriptors.insert(host.sockets.create(family, kind));
    },
  },
);

/** `sock_bind`. */
export const bindAddressCall = call(
  {
    effect: "Gives a socket an address of its own; what it may be, grants to listen say. Ports are the guest's own.",
    errors: [...addressErrors, "addrinuse", "afnosupport", "acces"],
  },
  {
    params: [
      ["fd", fd],
      ["addr", addressBytes],
      ["port", u32],
    ],
    mayWait: true,
    run: (context: Preview1Context, number, bytes, port) => socketOf(context, number).bind(addressOf(bytes, port)),
  },
);

/** `sock_listen`. */
export const listenCall = call(
  { effect: "Lets a bound socket accept connections.", errors: ["badf", "inval", "notsock", "acces"] },
  {
    params: [
      ["fd", fd],
      ["backlog", u32],
    ],
    mayWait: true,
    run: (context: Preview1Context, number, backlog) => socketOf(context, number).listen(backlog),
  },
);

/** `sock_connect`. */
export const connectCall = call(
  {
    effect:
      "Connects a socket, where a grant to connect covers the address; one that does not wait answers inprogress.",
    errors: [...addressErrors, "connrefused", "inprogress", "isconn", "acces"],
  },
  {
    params: [
      ["fd", fd],
      ["addr", addressBytes],
      ["port", u32],
    ],
    mayWait: true,
    run: (context: Preview1Context, number, bytes, port) => socketOf(context, number).connect(addressOf(bytes, port)),
  },
);

/** `sock_accept` of version 1: without flags. */
export const acceptCall = call(
  { effect: "Accepts a connection, without flags.", errors: ["again", "badf", "inval", "mfile", "notsock"] },
  {
    params: [["fd", fd]],
    result: resultU32,
    mayWait: true,
    run: (context: Preview1Context, number) => acceptOn(context, number, 0),
  },
);

type Ask = (socket: Socket) => SocketAddress;
const local: Ask = (socket) => socket.localAddress;
const peer: Ask = (socket) => socket.remoteAddress;

const addressParameters = [
  ["fd", fd],
  ["addr", addressRoom],
] as const satisfies readonly NamedParameter[];

function showWithPort(address: SocketAddress): string {
  return address.family === "unix" ? showAddress(address) : `${showAddress(address)},${address.port}`;
}

/** Version 1's results beside the address: 4 or 6 for its family, and the port. */
const resultTypeAndPort: Result<Preview1Context, SocketAddress> = {
  pointers: 2,
  lower({ memory }, address, at, secondAt) {
    memory.setU32(at, address.family === "unix" ? families.unix : protocolVersions[address.family]);
    memory.setU32(secondAt, portOf(address));
  },
  show: showWithPort,
};

const resultPort: Result<Preview1Context, SocketAddress> = {
  pointers: 1,
  lower: ({ memory }, address, at) => memory.setU32(at, portOf(address)),
  show: showWithPort,
};

function tell(context: Preview1Context, { number, room, ask }: { number: number; room: Room; ask: Ask }) {
  const socket = socketOf(context, number);
  checkRoom(context.memory, room, socket.family);
  const address = ask(socket);
  writeAddress(context.memory, room, address);
  return address;
}

function addressDocs(whose: string, which: string, more: readonly string[]): CallDocs {
  return { effect: `The address of ${whose} ${which}.`, errors: [...addressErrors, ...more] };
}

/** `sock_getlocaladdr` and `sock_getpeeraddr` of one version. */
export function addressCalls(version: 1 | 2) {
  const make = (whose: string, ask: Ask, more: readonly string[]) =>
    version === 1
      ? call(addressDocs(whose, "as 4 or 16 bytes, its family as 4 or 6, and the port", more), {
          params: addressParameters,
          result: resultTypeAndPort,
          run: (context: Preview1Context, number, room) => tell(context, { number, room, ask }),
        })
      : call(addressDocs(whose, "with its family in 128 bytes, and the port", more), {
          params: addressParameters,
          result: resultPort,
          run(context: Preview1Context, number, room) {
            const isWhole = room.length === taggedSize;
            return tell(context, { number, room: isWhole ? room : { ...room, length: 0 }, ask });
          },
        });
  return { local: make("a socket", local, []), peer: make("whom a socket is connected to,", peer, ["notconn"]) };
}
