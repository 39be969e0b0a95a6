import {
  Descriptor,
  type Clocks,
  type FileStat,
  type FileType,
  type PollEvents,
  type PollList,
} from "../../host/index.ts";
import { WasiTrap } from "./errors.ts";

/** What a {@link WatchedPollable} stands for. */
export interface Waitable {
  /** Whether what is waited for is there now. */
  isReady(): boolean;
  /** Calls `wake` in a later turn once it is, unless what this answers is called before; true where it is already. */
  watch(wake: () => void): true | (() => void);
  /** Blocks the thread for at most `ms` (-1: for ever) and answers whether it is there; left out where nothing comes of a blocked thread. */
  wait?(ms: number): boolean;
}

/** The resource `pollable` of `wasi:io/poll`. */
export interface Pollable {
  isReady(): boolean;
  /** Puts what it waits for at a place of a list. */
  place(list: PollList, index: number): void;
  /** Whether what it put there holds from one wait to the next. */
  readonly isFixed: boolean;
  /** Called where a wait found it ready. */
  found?(): void;
}

/** Ready once an open descriptor can be read or written without waiting. */
export class DescriptorPollable implements Pollable {
  readonly isFixed = true;
  readonly #descriptor: Descriptor;
  readonly #events: PollEvents;

  constructor(descriptor: Descriptor, events: PollEvents) {
    this.#descriptor = descriptor;
    this.#events = events;
  }

  isReady(): boolean {
    return this.#descriptor.wait(this.#events, 0);
  }

  place(list: PollList, index: number): void {
    list.setDescriptor(index, this.#descriptor, this.#events);
  }
}

/** Ready when something of the host's says so. */
export class WatchedPollable implements Pollable {
  readonly isFixed = true;
  readonly #waitable: Waitable;
  #descriptor: WaitableDescriptor | undefined;

  constructor(waitable: Waitable) {
    this.#waitable = waitable;
  }

  isReady(): boolean {
    return this.#waitable.isReady();
  }

  place(list: PollList, index: number): void {
    list.setDescriptor(index, (this.#descriptor ??= new WaitableDescriptor(this.#waitable)), "read");
  }
}

/** Ready once so many nanoseconds have passed. Where the guest's clock stands still, only its sleeping passes time. */
export class TimePollable implements Pollable {
  readonly isFixed = false;
  readonly #clocks: Clocks;
  readonly #after: bigint;
  readonly #start = process.hrtime.bigint();
  #isOver = false;

  constructor(clocks: Clocks, after: bigint) {
    this.#clocks = clocks;
    this.#after = after;
  }

  get #left(): bigint {
    if (this.#isOver) return 0n;
    return this.#clocks.stands ? this.#after : this.#after - (process.hrtime.bigint() - this.#start);
  }

  isReady(): boolean {
    return this.#left <= 0n;
  }

  place(list: PollList, index: number): void {
    list.setTime(index, this.#left);
  }

  found(): void {
    this.#isOver = true;
  }
}

/** What is waited for as a descriptor: the form in which the host waits for the first of many. */
class WaitableDescriptor extends Descriptor {
  readonly access = { read: false, write: false };
  readonly #waitable: Waitable;

  constructor(waitable: Waitable) {
    super();
    this.#waitable = waitable;
  }

  type(): FileType {
    return "unknown";
  }

  stat(out: FileStat): void {
    out.type = "unknown";
    out.values.fill(0n);
  }

  override wait(_events: PollEvents, ms: number): boolean {
    const waitable = this.#waitable;
    if (ms === 0) return waitable.isReady();
    if (waitable.wait !== undefined) return waitable.wait(ms);
    if (waitable.isReady()) return true;
    if (ms < 0) throw new WasiTrap("the guest waits for what cannot come while it blocks its thread: bind it async");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return false;
  }

  override watch(_events: PollEvents, wake: () => void): true | (() => void) {
    return this.#waitable.watch(wake);
  }
}
