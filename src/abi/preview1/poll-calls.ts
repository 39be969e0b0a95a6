import { failure, HostError, errnoTable } from "../../base/index.ts";
import { type Awaited, type Descriptor, FileStat } from "../../host/index.ts";
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

interface Subscription {
  readonly userdata: bigint;
  readonly type: (typeof eventTypes)[number];
  readonly error?: HostError;
  readonly awaited: Awaited;
}

/** What is over before it began: a subscription with an error is told at once. */
const atOnce: Awaited = { after: 0n };

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
      mayWait: true,
      run(context: Preview1Context, from, to, count) {
        if (count === 0 || count > mostSubscriptions) throw failure("inval");
        context.memory.check(from, count * layout.size);
        context.memory.check(to, count * eventSize);
        const subscriptions = Array.from({ length: count }, (_, index) =>
          readSubscription(context, layout, from + index * layout.size),
        );
        const tell = (isReady: readonly boolean[]): number => {
          const ready = subscriptions.filter((_, index) => isReady[index]);
          for (const [index, subscription] of ready.entries()) {
            writeEvent(context, subscription, to + index * eventSize);
          }
          return ready.length;
        };
        const isReady = context.host.poll(subscriptions.map(({ awaited }) => awaited));
        return isReady instanceof Promise ? isReady.then(tell) : tell(isReady);
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
    if (type !== "clock") {
      const descriptor = context.descriptor(memory.getU32(at + layout.fd));
      return { userdata, type, awaited: { descriptor, events: type } };
    }
    const id = clockOf(memory.getU32(at + layout.clockId));
    if (id !== "realtime" && id !== "monotonic") throw failure("notsup");
    const timeout = memory.getU64(at + layout.timeout);
    const isAbsolute = (memory.getU16(at + layout.flags) & abstime) !== 0;
    return { userdata, type, awaited: { after: isAbsolute ? timeout - context.host.clocks.now(id) : timeout } };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return { userdata, type, error, awaited: atOnce };
  }
}

function writeEvent({ memory }: Preview1Context, subscription: Subscription, at: number): void {
  const { userdata, type, error, awaited } = subscription;
  for (let offset = 0; offset < eventSize; offset += 8) memory.setU64(at + offset, 0n);
  memory.setU64(at, userdata);
  memory.setU16(at + 8, error === undefined ? 0 : errnoTable[error.errno].preview1);
  memory.setU8(at + 10, eventTypes.indexOf(type));
  if ("descriptor" in awaited) memory.setU64(at + 16, bytesReady(awaited.descriptor, type));
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
