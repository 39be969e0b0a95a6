import type { CallTable } from "../bind.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { descriptorCalls, filestatCall, seekCall } from "./descriptor-calls.ts";
import { pathCalls, pathFilestatCall } from "./path-calls.ts";
import { pollCall, subscriptionLayout, unstableSubscriptionLayout } from "../poll-calls.ts";
import { processCalls } from "./process-calls.ts";
import { socketCalls } from "../socket-calls.ts";
import { unstableFilestat } from "./stat.ts";
import { transferCalls } from "./transfer-calls.ts";

export { type GuestOutcome, type GuestWaits, Preview1Context, type Preview1Options } from "../preview1-context.ts";

/** The 46 calls of `wasi_snapshot_preview1`. */
export const preview1: CallTable<Preview1Context> = {
  ...processCalls,
  ...descriptorCalls,
  ...transferCalls,
  ...pathCalls,
  poll_oneoff: pollCall(subscriptionLayout),
  ...socketCalls,
};

const { sock_accept: _acceptCameLater, ...olderSocketCalls } = socketCalls;

/** The 45 calls of `wasi_unstable` (snapshot 0): other layouts, another order of whence, no `sock_accept`. */
export const unstable: CallTable<Preview1Context> = {
  ...processCalls,
  ...descriptorCalls,
  ...transferCalls,
  fd_filestat_get: filestatCall(unstableFilestat),
  fd_seek: seekCall(["current", "end", "start"]),
  ...pathCalls,
  path_filestat_get: pathFilestatCall(unstableFilestat),
  poll_oneoff: pollCall(unstableSubscriptionLayout),
  ...olderSocketCalls,
};

/** The tables by the module name under which a guest imports them. */
export const preview1Modules: Readonly<Record<string, CallTable<Preview1Context>>> = {
  wasi_snapshot_preview1: preview1,
  wasi_unstable: unstable,
};
