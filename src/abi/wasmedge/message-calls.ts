import { failure } from "../../base/index.ts";
import type { Received } from "../../host/index.ts";
import { call, type Result } from "../bind.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { bits, fd, iovecs, pointer, resultU32, u32 } from "../preview1-types.ts";
import { followed, receiveOn, resultReceived, riflags, socketOf } from "../socket-calls.ts";
import { addressBytes, addressOf, addressRoom, checkRoom, portOf, showAddress, writeAddress } from "./addresses.ts";

const receiveErrors = ["again", "badf", "fault", "inval", "notconn", "notsock"];

const resultReceivedFrom: Result<Preview1Context, Received> = {
  ...resultReceived,
  show: (received) => `${resultReceived.show(received)} from ${showAddress(received.from)}`,
};

/** `sock_recv_from` of version 1, which tells no port. */
export const receiveFromCall = call(
  { effect: "Receives from a socket and tells the sender's address, but not its port.", errors: receiveErrors },
  {
    params: [
      ["fd", fd],
      ["ri_data", iovecs],
      ["addr", addressRoom],
      ["ri_flags", bits(riflags)],
    ],
    result: resultReceivedFrom,
    mayWait: true,
    run(context: Preview1Context, number, buffers, room, flags) {
      const socket = socketOf(context, number);
      checkRoom(context.memory, room, socket.family);
      return followed(receiveOn(context, socket, { buffers, flags }), (received) => {
        writeAddress(context.memory, room, received.from);
        return received;
      });
    },
  },
);

/** `sock_recv_from` of version 2: 16 bits of port stand between the flags and the count. */
export const receiveFromPortCall = call(
  { effect: "Receives from a socket and tells the sender's address and port.", errors: receiveErrors },
  {
    params: [
      ["fd", fd],
      ["ri_data", iovecs],
      ["addr", addressRoom],
      ["ri_flags", bits(riflags)],
      ["port", pointer],
    ],
    result: resultReceivedFrom,
    mayWait: true,
    run(context: Preview1Context, number, buffers, room, flags, portAt) {
      const { memory } = context;
      const socket = socketOf(context, number);
      checkRoom(memory, room, socket.family);
      memory.check(portAt, 2);
      return followed(receiveOn(context, socket, { buffers, flags }), (received) => {
        writeAddress(memory, room, received.from);
        memory.setU16(portAt, portOf(received.from));
        return received;
      });
    },
  },
);

/** `sock_send_to`, the same in both versions. */
export const sendToCall = call(
  {
    effect: "Sends a datagram to an address that a grant to connect covers.",
    errors: ["again", "badf", "fault", "inval", "notsock", "acces"],
  },
  {
    params: [
      ["fd", fd],
      ["si_data", iovecs],
      ["addr", addressBytes],
      ["port", u32],
      ["si_flags", u32],
    ],
    result: resultU32,
    moves: "out",
    mayWait: true,
    run(context: Preview1Context, number, buffers, bytes, port, flags) {
      const socket = socketOf(context, number);
      if (flags !== 0) throw failure("inval");
      return socket.send(buffers, addressOf(bytes, port));
    },
  },
);
