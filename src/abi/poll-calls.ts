import { failure, HostError, errnoTable } from "../base/index.ts";
import {
  type Descriptor,
  FileStat,
  type HostInstance,
  isSame,
  type PollEvents,
  PollList,
  Socket,
} from "../host/index.ts";
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
/** What differs is looked for in pieces of so many words: that they are the same is found out some times faster. */
const wordsAtOnce = 1536;
const eventTypes = ["clock", "read", "write"] as const;

/**
 * A guest's list of subscriptions, kept from one poll to the next: a server with a thousand connections hands over nearly the
 * same one each time, and only what differs is read.
 */
class Subscriptions {
  readonly list = new PollList();
  readonly #layout: SubscriptionLayout;
  readonly #host: HostInstance;
  /** The guest's list as it was, in words. */
  #words = new Int32Array(0);
  #generation = -1;
  readonly #errors = new Map<number, HostError>();
  /** Places of clocks, whose times are counted from the present. */
  readonly #clocks = new Set<number>();

  constructor(host: HostInstance, layout: SubscriptionLayout) {
    this.#host = host;
    this.#layout = layout;
  }

  /** Whether it can take up a list of this instance. */
  isFor(host: HostInstance, layout: SubscriptionLayout): boolean {
    return this.#host === host && this.#layout === layout;
  }

  /** Takes the list up. @throws HostError inval for a type that there is none of */
  read(context: Preview1Context, from: number, count: number): void {
    const words = wordsAt(context.memory, from, count * this.#layout.size);
    const isKnown = this.#generation === context.host.descriptors.generation;
    // A list that cannot be read to its end is read anew next time.
    this.#generation = -1;
    if (this.list.count > count) this.list.shorten(count);
    const known = isKnown ? this.list.count : 0;
    this.#readChanges(context, words, known);
    for (const index of Array.from(this.#clocks)) if (index < known) this.#readEntry(context, index);
    for (let index = known; index < count; index++) this.#take(context, words, index);
    this.#generation = context.host.descriptors.generation;
  }

  /** Reads those of the first entries again that differ from what they were. */
  #readChanges(context: Preview1Context, words: Int32Array, known: number): void {
    const size = this.#layout.size / 4;
    const end = known * size;
    for (let from = 0; from < end; from += wordsAtOnce) {
      const length = Math.min(wordsAtOnce, end - from);
      if (isSame(words, this.#words, { from, length })) continue;
      for (let at = from; at < from + length; at++) {
        if (words[at] === this.#words[at]) continue;
        const index = Math.floor(at / size);
        this.#take(context, words, index);
        at = (index + 1) * size - 1;
      }
    }
  }

  #take(context: Preview1Context, words: Int32Array, index: number): void {
    const size = this.#layout.size / 4;
    const from = index * size;
    if (this.#words.length < from + size) {
      const more = new Int32Array(Math.max(from + size, 2 * this.#words.length));
      more.set(this.#words);
      this.#words = more;
    }
    for (let at = from; at < from + size; at++) this.#words[at] = words[at] ?? 0;
    this.#readEntry(context, index);
  }

  #readEntry(context: Preview1Context, index: number): void {
    this.#errors.delete(index);
    this.#clocks.delete(index);
    const events = eventTypes[this.#type(index)];
    if (events === undefined) throw failure("inval");
    try {
      if (events === "clock") {
        this.#clocks.add(index);
        this.list.setTime(index, this.#timeOf(context, index));
      } else {
        this.list.setDescriptor(index, context.descriptor(this.#word(index, this.#layout.fd) >>> 0), events);
      }
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.#errors.set(index, error);
      // What is over before it began: a subscription with an error is told at once.
      this.list.setTime(index, 0n);
    }
  }

  /** The nanoseconds from now on that a subscription to a clock asks for. @throws HostError inval, notsup, perm */
  #timeOf({ host }: Preview1Context, index: number): bigint {
    const { clockId, timeout, flags } = this.#layout;
    const id = clockOf(this.#word(index, clockId) >>> 0);
    if (id !== "realtime" && id !== "monotonic") throw failure("notsup");
    const low = BigInt(this.#word(index, timeout) >>> 0);
    const time = (BigInt(this.#word(index, timeout + 4) >>> 0) << 32n) | low;
    const isAbsolute = (this.#word(index, flags) & abstime) !== 0;
    return isAbsolute ? time - host.clocks.now(id) : time;
  }

  /** Writes the events of what is ready, in the order of the list, and answers how many. */
  write(memory: GuestMemory, to: number): number {
    const { ready } = this.list;
    if (ready.length > 1) ready.sort((a, b) => a - b);
    let at = to;
    for (const index of ready) {
      this.#writeEvent(memory, index, at);
      at += eventSize;
    }
    return ready.length;
  }

  #writeEvent(memory: GuestMemory, index: number, at: number): void {
    for (let offset = 0; offset < eventSize; offset += 4) memory.setU32(at + offset, 0);
    memory.setU32(at, this.#word(index, 0));
    memory.setU32(at + 4, this.#word(index, 4));
    const error = this.#errors.get(index);
    memory.setU16(at + 8, error === undefined ? 0 : errnoTable[error.errno].preview1);
    memory.setU8(at + 10, this.#type(index));
    const descriptor = this.list.descriptor(index);
    if (descriptor === undefined) return;
    const events = this.list.events(index);
    memory.setU64(at + 16, bytesReady(descriptor, events));
    if (descriptor instanceof Socket && isHungUp(descriptor, events)) memory.setU16(at + 24, hangup);
  }

  #type(index: number): number {
    return this.#word(index, 8) & 0xff;
  }

  /** The word at an offset in bytes of an entry. */
  #word(index: number, offset: number): number {
    return this.#words[(index * this.#layout.size + offset) / 4] ?? 0;
  }
}

/** The words of a guest's list, copied where it does not lie on a word's boundary. */
function wordsAt(memory: GuestMemory, at: number, length: number): Int32Array {
  const bytes = memory.slice(at, length);
  const isAligned = bytes.byteOffset % 4 === 0;
  return isAligned ? new Int32Array(bytes.buffer, bytes.byteOffset, length / 4) : new Int32Array(bytes.slice().buffer);
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
        const { host } = context;
        const kept = spare.get(context);
        const isKept = kept?.isFor(host, layout) === true;
        if (!isKept) kept?.list.close();
        const subscriptions = isKept ? kept : new Subscriptions(host, layout);
        // Threads of one instance poll at the same time: each has its own.
        spare.delete(context);
        const tell = (): number => {
          const told = subscriptions.write(context.memory, to);
          if (spare.has(context)) subscriptions.list.close();
          else spare.set(context, subscriptions);
          return told;
        };
        subscriptions.read(context, from, count);
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
