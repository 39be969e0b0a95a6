import { failure } from "../base/index.ts";
import { type Buffers, type Received, Socket } from "../host/index.ts";
import { call, type CallTable, type Result } from "./bind.ts";
import type { Preview1Context } from "./preview1-context.ts";
import { bits, fd, fdflags, iovecs, resultU32, u32 } from "./preview1-types.ts";

/** Bits of `riflags`, `roflags` and `sdflags` (preview 1, "Types"). */
export const riflags = { peek: 1, waitall: 2 } as const;
export const roflags = { truncated: 1 } as const;
export const sdflags = { rd: 1, wr: 2 } as const;

/** The socket of a descriptor. @throws HostError badf, notsock */
export function socketOf(context: Preview1Context, number: number): Socket {
  const descriptor = context.descriptor(number);
  if (!(descriptor instanceof Socket)) throw failure("notsock");
  return descriptor;
}

/** Receives with `riflags`; what is only looked at does not count among the bytes that came in. @throws HostError inval */
export function receiveOn(
  context: Preview1Context,
  socket: Socket,
  { buffers, flags }: { buffers: Buffers; flags: number },
): Received | Promise<Received> {
  if ((flags & ~(riflags.peek | riflags.waitall)) !== 0) throw failure("inval");
  const peek = (flags & riflags.peek) !== 0;
  const received = socket.receive(buffers, { peek, waitAll: (flags & riflags.waitall) !== 0 });
  return followed(received, (what) => {
    if (!peek) context.meter.bytesIn += what.count;
    return what;
  });
}

/** Accepts a connection under a number of its own. @throws HostError badf, notsock, inval, again, mfile */
export function acceptOn(context: Preview1Context, number: number, flags: number): number | Promise<number> {
  const listener = socketOf(context, number);
  if ((flags & ~fdflags.nonblock) !== 0) throw failure("inval");
  const { descriptors } = context.host;
  // Asked before a connection is taken from the queue, where it would be lost.
  descriptors.reserve();
  const take = (socket: Socket): number => {
    socket.flags.nonblock = (flags & fdflags.nonblock) !== 0;
    try {
      return descriptors.insert(socket);
    } catch (error) {
      socket.close();
      throw error;
    }
  };
  const accepted = listener.accept();
  return accepted instanceof Promise ? accepted.then(take) : take(accepted);
}

/** Goes on with what an operation answers, now or later. */
export function followed<T, U>(answer: T | Promise<T>, go: (value: T) => U): U | Promise<U> {
  return answer instanceof Promise ? answer.then(go) : go(answer);
}

/** How many bytes came, behind the first pointer, and `roflags`, 16 bits behind the second. */
export const resultReceived: Result<Preview1Context, Received> = {
  pointers: 2,
  lower({ memory }, { count, isTruncated }, at, secondAt) {
    memory.check(at, 4);
    memory.check(secondAt, 2);
    memory.setU32(at, count);
    memory.setU16(secondAt, isTruncated ? roflags.truncated : 0);
  },
  show: ({ count, isTruncated }) => `${count},${isTruncated ? "truncated" : 0}`,
};

/** The four socket calls of preview 1. */
export const socketCalls = {
  sock_accept: call(
    {
      effect: "Accepts a connection on a listening socket, which a grant to listen opened before the guest began.",
      errors: ["again", "badf", "inval", "mfile", "notsock"],
    },
    {
      params: [
        ["fd", fd],
        ["flags", bits(fdflags)],
      ],
      result: resultU32,
      mayWait: true,
      run: acceptOn,
    },
  ),
  sock_recv: call(
    {
      effect: "Receives from a socket, or looks at what is there; can wait until the buffers are full.",
      errors: ["again", "badf", "fault", "inval", "notconn", "notsock"],
    },
    {
      params: [
        ["fd", fd],
        ["ri_data", iovecs],
        ["ri_flags", bits(riflags)],
      ],
      result: resultReceived,
      mayWait: true,
      run: (context: Preview1Context, number, buffers, flags) =>
        receiveOn(context, socketOf(context, number), { buffers, flags }),
    },
  ),
  sock_send: call(
    {
      effect: "Sends on a socket as much as it takes.",
      errors: ["again", "badf", "fault", "inval", "notconn", "notsock", "pipe"],
    },
    {
      params: [
        ["fd", fd],
        ["si_data", iovecs],
        ["si_flags", u32],
      ],
      result: resultU32,
      moves: "out",
      mayWait: true,
      run(context: Preview1Context, number, buffers, flags) {
        const socket = socketOf(context, number);
        if (flags !== 0) throw failure("inval");
        return socket.send(buffers);
      },
    },
  ),
  sock_shutdown: call(
    { effect: "Ends one or both directions of a socket.", errors: ["badf", "inval", "notconn", "notsock"] },
    {
      params: [
        ["fd", fd],
        ["how", bits(sdflags)],
      ],
      run(context: Preview1Context, number, how) {
        const descriptor = context.descriptor(number);
        const what = ([undefined, "read", "write", "both"] as const)[how];
        if (what === undefined && descriptor instanceof Socket) throw failure("inval");
        return descriptor.shutdown(what ?? "both");
      },
    },
  ),
} satisfies CallTable<Preview1Context>;
