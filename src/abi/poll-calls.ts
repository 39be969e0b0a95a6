import { failure, HostError, errnoTable } from "../base/index.ts";
import {
  type Descriptor,
  FileStat,
  type HostInstance,
  isSame,
  Places,
  type PollEvents,
  PollList,
  Socket,
  type Words,
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
/** Entries that are compared in one go where there are so many: that they are the same is found out some times faster. */
const entriesAtOnce = 128;
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
  /** Places of clocks whose times are moments, which are ever nearer. */
  readonly #moments = new Set<number>();
  /** Places that are to be read. */
  readonly #changed = new Places();

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
    const { list } = this;
    const { generation } = context.host.descriptors;
    const isKnown = this.#generation === generation;
    // A list that cannot be read to its end is read anew next time.
    this.#generation = -1;
    if (list.count > count) this.#shorten(count);
    this.#findChanges(context.memory, { from, count, known: isKnown ? list.count : 0 });
    const changed = this.#changed;
    // An entry that only moved has left its old place before it gets its new one.
    for (let turn = 0; turn < changed.count; turn++) this.#clear(changed.at(turn));
    for (let turn = 0; turn < changed.count; turn++) this.#readEntry(context, changed.at(turn));
    if (this.#moments.size > 0) for (const index of this.#moments) this.#readEntry(context, index);
    if (!isKnown) list.sweep();
    this.#generation = generation;
  }

  /** Copies the entries that differ from what they were, and notes their places; behind the known ones all do. */
  #findChanges(
    memory: GuestMemory,
    { from, count, known }: { readonly from: number; readonly count: number; readonly known: number },
  ): void {
    const size = this.#layout.size / 4;
    const list = wordsAt(memory, from, count * size);
    if (this.#words.length < count * size) {
      const more = new Int32Array(Math.max(count * size, 2 * this.#words.length));
      more.set(this.#words);
      this.#words = more;
    }
    const before = { words: this.#words, at: 0 };
    this.#changed.clear();
    // Most polls of many connections are as they were throughout.
    const isAsBefore = known > entriesAtOnce && isSame(list, before, known * size);
    for (let index = isAsBefore ? known : 0; index < known; index += entriesAtOnce) {
      const end = Math.min(known, index + entriesAtOnce);
      const place = { words: list.words, at: list.at + index * size };
      before.at = index * size;
      if (end < entriesAtOnce || !isSame(place, before, (end - index) * size)) this.#compare(list, index, end);
    }
    for (let index = known; index < count; index++) this.#take(list, index);
  }

  #compare(list: Words, from: number, end: number): void {
    const size = this.#layout.size / 4;
    const { words, at } = list;
    const before = this.#words;
    for (let index = from; index < end; index++) {
      let place = index * size;
      const last = place + size;
      while (place < last && before[place] === words[at + place]) place++;
      if (place < last) this.#take(list, index);
    }
  }

  #take({ words, at }: Words, index: number): void {
    const size = this.#layout.size / 4;
    this.#changed.add(index);
    for (let place = index * size; place < (index + 1) * size; place++) this.#words[place] = words[at + place] ?? 0;
  }

  #shorten(count: number): void {
    this.list.shorten(count);
    for (const index of this.#errors.keys()) if (index >= count) this.#errors.delete(index);
    for (const index of this.#moments) if (index >= count) this.#moments.delete(index);
  }

  #clear(index: number): void {
    this.list.clear(index);
    if (this.#errors.size > 0) this.#errors.delete(index);
    if (this.#moments.size > 0) this.#moments.delete(index);
  }

  #readEntry(context: Preview1Context, index: number): void {
    const events = eventTypes[this.#type(index)];
    if (events === undefined) throw failure("inval");
    try {
      if (events === "clock") {
        this.list.setTime(index, this.#timeOf(context, index));
        if (this.#isMoment(index)) this.#moments.add(index);
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
    const { clockId, timeout } = this.#layout;
    const id = clockOf(this.#word(index, clockId) >>> 0);
    if (id !== "realtime" && id !== "monotonic") throw failure("notsup");
    const [low, high] = [this.#word(index, timeout) >>> 0, this.#word(index, timeout + 4) >>> 0];
    const number = high * 2 ** 32 + low;
    const time = Number.isSafeInteger(number) ? BigInt(number) : (BigInt(high) << 32n) | BigInt(low);
    return this.#isMoment(index) ? time - host.clocks.now(id) : time;
  }

  #isMoment(index: number): boolean {
    return (this.#word(index, this.#layout.flags) & abstime) !== 0;
  }

  /** Writes the events of what is ready, in the order of the list, and answers how many. */
  write(memory: GuestMemory, to: number): number {
    const { ready } = this.list;
    const { count } = ready;
    if (count > 1) ready.sort();
    for (let turn = 0; turn < count; turn++) this.#writeEvent(memory, ready.at(turn), to + turn * eventSize);
    return count;
  }

  #writeEvent(memory: GuestMemory, index: number, at: number): void {
    const error = this.#errors.size === 0 ? undefined : this.#errors.get(index);
    const errno = error === undefined ? 0 : errnoTable[error.errno].preview1;
    memory.setU32(at, this.#word(index, 0));
    memory.setU32(at + 4, this.#word(index, 4));
    memory.setU32(at + 8, errno | (this.#type(index) << 16));
    memory.setU32(at + 12, 0);
    const descriptor = this.list.descriptor(index);
    const events = this.list.events(index);
    let flags = 0;
    if (descriptor instanceof Socket) {
      const bytes = events === "read" && !isListener(descriptor) ? descriptor.bytesReady : 1;
      memory.setU32(at + 16, bytes);
      memory.setU32(at + 20, 0);
      if (bytes === 0 && descriptor.kind === "stream") flags = hangup;
    } else memory.setU64(at + 16, descriptor === undefined ? 0n : bytesReady(descriptor, events));
    memory.setU32(at + 24, flags);
    memory.setU32(at + 28, 0);
  }

  #type(index: number): number {
    return this.#word(index, 8) & 0xff;
  }

  /** The word at an offset in bytes of an entry. */
  #word(index: number, offset: number): number {
    return this.#words[(index * this.#layout.size + offset) / 4] ?? 0;
  }
}

/** Where a guest's list has its words: in its memory, or in a copy where it does not lie on a word's boundary. */
function wordsAt(memory: GuestMemory, at: number, length: number): Words {
  memory.check(at, length * 4);
  if (at % 4 === 0) return { words: memory.words, at: at / 4 };
  return { words: new Int32Array(memory.slice(at, length * 4).slice().buffer), at: 0 };
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

function isListener(socket: Socket): boolean {
  return socket.getOption("acceptsConnections") !== 0;
}

/** Bytes that are there to read in what is no socket: exact for a file, at least one for what else is ready. */
function bytesReady(descriptor: Descriptor, type: PollEvents): bigint {
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
