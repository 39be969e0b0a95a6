import { call, type CallTable } from "../bind.ts";
import type { Preview1Context } from "./context.ts";
import { bits, fd, fdflags, iovecs, resultPair, resultU32, u32 } from "./types.ts";

const notSocket = "No grant opens a socket yet: every descriptor answers notsock.";

/** The four socket calls of preview 1. */
export const socketCalls = {
  sock_accept: call(
    { effect: "Accepts a connection on a listening socket.", errors: ["badf", "notsock"], instead: notSocket },
    {
      params: [
        ["fd", fd],
        ["flags", bits(fdflags)],
      ],
      result: resultU32,
      run: (context: Preview1Context, number): number => context.descriptor(number).accept(),
    },
  ),
  sock_recv: call(
    { effect: "Receives from a socket.", errors: ["badf", "fault", "notsock"], instead: notSocket },
    {
      params: [
        ["fd", fd],
        ["ri_data", iovecs],
        ["ri_flags", u32],
      ],
      result: resultPair,
      run: (context: Preview1Context, number, buffers) => [context.descriptor(number).receive(buffers), 0] as const,
    },
  ),
  sock_send: call(
    { effect: "Sends on a socket.", errors: ["badf", "fault", "notsock"], instead: notSocket },
    {
      params: [
        ["fd", fd],
        ["si_data", iovecs],
        ["si_flags", u32],
      ],
      result: resultU32,
      run: (context: Preview1Context, number, buffers) => context.descriptor(number).send(buffers),
    },
  ),
  sock_shutdown: call(
    { effect: "Ends one or both directions of a socket.", errors: ["badf", "notsock"], instead: notSocket },
    {
      params: [
        ["fd", fd],
        ["how", u32],
      ],
      run: (context: Preview1Context, number) => context.descriptor(number).shutdown(),
    },
  ),
} satisfies CallTable<Preview1Context>;
