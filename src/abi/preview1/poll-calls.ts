import { failure, HostError, errnoTable } from "../../base/index.ts";
import { type Descriptor, FileStat } from "../../host/index.ts";
import { call } from "../bind.ts";
import type { Preview1Context } from "./context.ts";
import { clockOf, pointer, resultU32, u32 } from "./types.ts";

/** Where the fields of a `subscription` lie, in bytes; the two ABIs differ. */
export interface SubscriptionLayout {
  readonly size: number;
  readonly clockId: number;
  readonly timeout: number;
  readonly flags: number;
  readonly fd: number;
}

export const subscriptionLayout: SubscriptionLayout = { size: 48, clockId: 16, timeout: 24, flags: 40, fd: 16 };
/** `wasi_unstable` repeats the user data in front of the clock. */
export const unstableSubscriptionLayout: SubscriptionLayout = { size: 56, clockId: 24, timeout: 32, flags: 48, fd: 16 };

const eventSize = 32;
/** Each subscription takes memory of the host, which a guest cannot be given without a bound. */
const mostSubscriptions = 65_536;
const abstime = 1;
const eventTypes = ["clock", "read", "write"] as const;
/** The longest single wait while several descriptors are watched, in ms. */
const longestTurn = 10;

interface Subscription {
  readonly userdata: bigint;
  readonly type: (typeof eventTypes)[number];
  readonly error?: HostError;
  /** Clock: when it is due on the monotonic clock of the host, in nanoseconds. */
  readonly due?: bigint;
  readonly descriptor?: Descriptor;
}

/** `poll_oneoff` with one ABI's layout of subscriptions. */
export function pollCall(layout: SubscriptionLayout) {
  return call(
    {
      effect: "Waits until one of the subscriptions is due: clocks, and descriptors that can be read or written.",
      errors: ["fault", "inval"],
      instead: "Without node:ffi the readiness of a pipe is not known before it is read: it counts as ready.",
    },
    {
      params: [
        ["in", pointer],
        ["out", pointer],
        ["nsubscriptions", u32],
      ],
      result: resultU32,
      run(context: Preview1Context, from, to, count) {
        if (count === 0 || count > mostSubscriptions) throw failure("inval");
        context.memory.check(from, count * layout.size);
        context.memory.check(to, count * eventSize);
        const subscriptions = Array.from({ length: count }, (_, index) =>
          readSubscription(context, layout, from + index * layout.size),
        );
        const ready = waitForAny(subscriptions);
        for (const [index, subscription] of ready.entries()) {
          writeEvent(context, subscription, to + index * eventSize);
        }
        return ready.length;
      },
    },
  );
}

function readSubscription(context: Preview1Context, layout: SubscriptionLayout, at: number): Subscription {
  const { memory } = context;
  const userdata = memory.getU64(at);
  const type = eventTypes[memory.getU8(at + 8)];
  if (type === undefined) throw failure("inval");
  try {
    if (type !== "clock") return { userdata, type, descriptor: context.descriptor(memory.getU32(at + layout.fd)) };
    const id = clockOf(memory.getU32(at + layout.clockId));
    if (id !== "realtime" && id !== "monotonic") throw failure("notsup");
    const timeout = memory.getU64(at + layout.timeout);
    const isAbsolute = (memory.getU16(at + layout.flags) & abstime) !== 0;
    const now = process.hrtime.bigint();
    if (!isAbsolute) return { userdata, type, due: now + timeout };
    const guestNow = context.host.clocks.now(id);
    return { userdata, type, due: timeout > guestNow ? now + (timeout - guestNow) : now };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return { userdata, type, error };
  }
}

/** Blocks the thread until at least one subscription is due; answers those that are, in order. */
function waitForAny(subscriptions: readonly Subscription[]): Subscription[] {
  const watched = subscriptions.filter(({ descriptor }) => descriptor !== undefined);
  for (;;) {
    const now = process.hrtime.bigint();
    const ready = subscriptions.filter(
      ({ error, due, descriptor, type }) =>
        error !== undefined ||
        (due !== undefined && due <= now) ||
        (descriptor !== undefined && type !== "clock" && descriptor.wait(type, 0)),
    );
    if (ready.length > 0) return ready;
    const next = subscriptions.reduce<bigint | undefined>(
      (least, { due }) => (due !== undefined && (least === undefined || due < least) ? due : least),
      undefined,
    );
    const left = next === undefined ? -1 : Number(next - now) / 1e6;
    const [first] = watched;
    if (first?.descriptor === undefined || first.type === "clock") sleep(left);
    else if (watched.length === 1) first.descriptor.wait(first.type, left);
    else first.descriptor.wait(first.type, left < 0 ? longestTurn : Math.min(left, longestTurn));
  }
}

function sleep(ms: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, ms < 0 ? Number.POSITIVE_INFINITY : ms);
}

function writeEvent({ memory }: Preview1Context, subscription: Subscription, at: number): void {
  const { userdata, type, error, descriptor } = subscription;
  for (let offset = 0; offset < eventSize; offset += 8) memory.setU64(at + offset, 0n);
  memory.setU64(at, userdata);
  memory.setU16(at + 8, error === undefined ? 0 : errnoTable[error.errno].preview1);
  memory.setU8(at + 10, eventTypes.indexOf(type));
  if (descriptor !== undefined && error === undefined) memory.setU64(at + 16, bytesReady(descriptor, type));
}

/** Bytes that are there to read: exact for a file, at least one for what else is ready. */
function bytesReady(descriptor: Descriptor, type: Subscription["type"]): bigint {
  if (type !== "read" || descriptor.type() !== "regular-file") return 1n;
  const stat = new FileStat();
  descriptor.stat(stat);
  try {
    const position = descriptor.seek(0n, "current");
    return stat.size > position ? stat.size - position : 0n;
  } catch (error) {
    // A standard stream that is a file keeps its position to itself.
    if (error instanceof HostError) return stat.size;
    throw error;
  }
}
