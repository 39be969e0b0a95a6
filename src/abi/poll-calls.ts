import { failure, HostError, errnoTable } from "../base/index.ts";
import { type Descriptor, FileStat, type PollEvents, PollList, Socket } from "../host/index.ts";
import { call } from "./bind.ts";
import type { GuestMemory } from "./memory.ts";
import type { Preview1Context } from "./preview1-context.ts";
import { clockOf, pointer, resultU32, u32 } from "./preview1-types.ts";

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
/** `eventrwflags`: the other side has hung up. */
const hangup = 1;
const eventTypes = ["clock", "read", "write"] as const;

/** What a list of subscriptions says beside what is waited for; kept from one poll to the next. */
class Subscriptions {
  readonly list = new PollList();
  /** User data, the lower half first. */
  readonly #users: number[] = [];
  readonly #types: number[] = [];
  readonly #errors = new Map<number, HostError>();

  clear(): void {
    this.list.clear();
    this.#errors.clear();
  }

  /** Takes one subscription up. @throws HostError inval for a type that there is none of */
  read(context: Preview1Context, layout: SubscriptionLayout, at: number): void {
    const { memory } = context;
    const index = this.list.count;
    this.#users[index * 2] = memory.getU32(at);
    this.#users[index * 2 + 1] = memory.getU32(at + 4);
    const type = memory.getU8(at + 8);
    const events = eventTypes[type];
    if (events === undefined) throw failure("inval");
    this.#types[index] = type;
    try {
      if (events === "clock") this.list.addTime(timeOf(context, layout, at));
      else this.list.addDescriptor(context.descriptor(memory.getU32(at + layout.fd)), events);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.#errors.set(index, error);
      // What is over before it began: a subscription with an error is told at once.
      this.list.addTime(0n);
    }
  }

  /** Writes the events of what is ready, and answers how many. */
  write(memory: GuestMemory, to: number): number {
    const { list } = this;
    let at = to;
    for (let i = 0; i < list.count; i++) {
      if (!list.isReady(i)) continue;
      this.#writeEvent(memory, i, at);
      at += eventSize;
    }
    this.clear();
    return (at - to) / eventSize;
  }

  #writeEvent(memory: GuestMemory, index: number, at: number): void {
    for (let offset = 0; offset < eventSize; offset += 4) memory.setU32(at + offset, 0);
    memory.setU32(at, this.#users[index * 2] ?? 0);
    memory.setU32(at + 4, this.#users[index * 2 + 1] ?? 0);
    const error = this.#errors.get(index);
    memory.setU16(at + 8, error === undefined ? 0 : errnoTable[error.errno].preview1);
    memory.setU8(at + 10, this.#types[index] ?? 0);
    const descriptor = this.list.descriptor(index);
    if (descriptor === undefined) return;
    const events = this.list.events(index);
    memory.setU64(at + 16, bytesReady(descriptor, events));
    if (descriptor instanceof Socket && isHungUp(descriptor, events)) memory.setU16(at + 24, hangup);
  }
}

/** The nanoseconds from now on that a subscription to a clock asks for. @throws HostError inval, notsup, perm */
function timeOf({ memory, host }: Preview1Context, layout: SubscriptionLayout, at: number): bigint {
  const id = clockOf(memory.getU32(at + layout.clockId));
  if (id !== "realtime" && id !== "monotonic") throw failure("notsup");
  const timeout = memory.getU64(at + layout.timeout);
  const isAbsolute = (memory.getU16(at + layout.flags) & abstime) !== 0;
  return isAbsolute ? timeout - host.clocks.now(id) : timeout;
}

const spare = new WeakMap<Preview1Context, Subscriptions>();

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
        const subscriptions = spare.get(context) ?? new Subscriptions();
        // Threads of one instance poll at the same time: each has its own.
        spare.delete(context);
        const tell = (): number => {
          const told = subscriptions.write(context.memory, to);
          spare.set(context, subscriptions);
          return told;
        };
        subscriptions.clear();
        for (let i = 0; i < count; i++) subscriptions.read(context, layout, from + i * layout.size);
        const waited = context.host.poll(subscriptions.list);
        return waited instanceof Promise ? waited.then(tell) : tell();
      },
    },
  );
}

/** Whether a socket has nothing more to give: the peer sends no more, or the connection is gone. */
function isHungUp(socket: Socket, events: PollEvents): boolean {
  return events === "read" && socket.kind === "stream" && !isListener(socket) && socket.bytesReady === 0;
}

function isListener(socket: Socket): boolean {
  return socket.getOption("acceptsConnections") !== 0;
}

/** Bytes that are there to read: exact for a file or socket, at least one for what else is ready. */
function bytesReady(descriptor: Descriptor, type: PollEvents): bigint {
  if (type === "read" && descriptor instanceof Socket && !isListener(descriptor)) return BigInt(descriptor.bytesReady);
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
