import type { CallRow } from "../bind.ts";
import { pollCall, subscriptionLayout } from "../poll-calls.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { socketCalls } from "../socket-calls.ts";
import { acceptCall, addressCalls, bindAddressCall, connectCall, listenCall, openCall } from "./connection-calls.ts";
import { receiveFromCall, receiveFromPortCall, sendToCall } from "./message-calls.ts";
import { addressInfoCall } from "./name-calls.ts";
import { getOptionCall, setOptionCall } from "./option-calls.ts";

/** The versions of each call by the name that they share. */
export type CallVersions = Readonly<Record<string, readonly CallRow<Preview1Context>[]>>;

/** The module under which guests import WasmEdge's calls: preview 1's own. */
export const wasmedgeModule = "wasi_snapshot_preview1";

const poll = pollCall(subscriptionLayout);
/**
 * WasmEdge calls it edge-triggered, but takes up each descriptor anew in every call, which then tells all that is ready: so does
 * this.
 */
const epollCall: typeof poll = {
  ...poll,
  docs: {
    ...poll.docs,
    effect: "As `poll_oneoff`: each call tells what is ready by then, whether an earlier one told it or not.",
  },
};

const [first, second] = [addressCalls(1), addressCalls(2)];

/**
 * WasmEdge's socket calls, beside preview 1's: version 1 as it was before WasmEdge 0.12, and version 2. Where both have one
 * name, a guest's import tells them apart by its parameters. Version 2 has names of its own as well, which end in `_v2`.
 */
export const wasmedgeVersions: CallVersions = {
  epoll_oneoff: [epollCall],
  sock_open: [openCall],
  sock_bind: [bindAddressCall],
  sock_connect: [connectCall],
  sock_listen: [listenCall],
  sock_accept: [acceptCall],
  sock_recv_from: [receiveFromCall, receiveFromPortCall],
  sock_send_to: [sendToCall],
  sock_getlocaladdr: [first.local, second.local],
  sock_getpeeraddr: [first.peer, second.peer],
  sock_getsockopt: [getOptionCall],
  sock_setsockopt: [setOptionCall],
  sock_getaddrinfo: [addressInfoCall],
  sock_open_v2: [openCall],
  sock_bind_v2: [bindAddressCall],
  sock_connect_v2: [connectCall],
  sock_listen_v2: [listenCall],
  sock_accept_v2: [socketCalls.sock_accept],
  sock_recv_v2: [socketCalls.sock_recv],
  sock_recv_from_v2: [receiveFromPortCall],
  sock_send_v2: [socketCalls.sock_send],
  sock_send_to_v2: [sendToCall],
  sock_getlocaladdr_v2: [second.local],
  sock_getpeeraddr_v2: [second.peer],
};
