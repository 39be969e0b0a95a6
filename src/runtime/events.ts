import { type Clock, Stamps, stampOf } from "./clock.ts";

/** What can happen to a container, by the names that `docker events` has for it; `limit` is Sampan's own. */
export type EventAction =
  | "create"
  | "start"
  | "kill"
  | "oom"
  | "limit"
  | "die"
  | "stop"
  | "restart"
  | "rename"
  | "destroy";

/** Something that happened to a container. */
export interface RuntimeEvent {
  readonly type: "container";
  readonly action: EventAction;
  /** The container's id. */
  readonly id: string;
  readonly name: string;
  /** The container's labels and image, and by action `exitCode`, `execDuration` (s), `signal` (number), `error`, `limit`. */
  readonly attributes: Readonly<Record<string, string>>;
  /** RFC 3339 with nine digits; each event's is later than that of the one before. */
  readonly time: string;
}

/** An event as a subscriber gets it. */
export interface ReceivedEvent extends RuntimeEvent {
  /** How many events right before it were dropped because the subscriber did not keep up. */
  readonly lost?: number;
}

/** Which events are wanted: all where a part is left out, each part has to hold. */
export interface EventFilter {
  readonly actions?: readonly EventAction[];
  /** Ids, prefixes of ids, or names. */
  readonly containers?: readonly string[];
  /** Labels that the container has to have; an undefined value stands for any. */
  readonly labels?: Readonly<Record<string, string | undefined>>;
}

/** How {@link Events.subscribe} is asked. */
export interface SubscribeOptions {
  readonly filter?: EventFilter;
  /** Replays what is still kept from then on: ms since 1970 or RFC 3339. Nothing is replayed without it. */
  readonly since?: number | string;
  /** Ends once it is later. */
  readonly until?: number | string;
  /** Ends the subscription. */
  readonly signal?: AbortSignal | undefined;
}

/** How many events are kept for replays, and how many a subscriber may be behind. */
export interface EventLimits {
  readonly kept?: number;
  readonly behind?: number;
}

/** The events of a runtime: one order for all, a bounded past, and subscribers that never slow the runtime. */
export class Events {
  readonly #clock: Clock;
  readonly #stamps: Stamps;
  readonly #limits: Required<EventLimits>;
  readonly #past: RuntimeEvent[] = [];
  readonly #subscriptions = new Set<Subscription>();
  #isClosed = false;

  constructor(clock: Clock, { kept = 256, behind = 1024 }: EventLimits = {}) {
    this.#clock = clock;
    this.#stamps = new Stamps(clock);
    this.#limits = { kept, behind };
  }

  /** Tells all subscribers of an event. */
  emit(event: Omit<RuntimeEvent, "type" | "time">): void {
    const made: RuntimeEvent = { type: "container", ...event, time: this.#stamps.next() };
    this.#past.push(made);
    if (this.#past.length > this.#limits.kept) this.#past.shift();
    for (const subscription of this.#subscriptions) subscription.offer(made);
  }

  /**
   * The events from now on, or since some time. A subscriber that is too far behind loses the oldest ones, and is told
   * how many.
   *
   * @throws TIME_INVALID
   */
  subscribe(options: SubscribeOptions = {}): AsyncIterableIterator<ReceivedEvent, undefined> {
    const subscription = new Subscription(options, {
      most: this.#limits.behind,
      leave: () => void this.#subscriptions.delete(subscription),
    });
    if (options.since !== undefined) {
      const since = stampOf(options.since);
      for (const event of this.#past) if (event.time >= since) subscription.offer(event);
    }
    if (this.#isClosed) subscription.finish();
    else this.#subscriptions.add(subscription);
    subscription.begin(this.#clock);
    return subscription;
  }

  /** Ends all subscriptions once they have what happened so far. */
  close(): void {
    this.#isClosed = true;
    for (const subscription of this.#subscriptions) subscription.finish();
    this.#subscriptions.clear();
  }
}

class Subscription implements AsyncIterableIterator<ReceivedEvent, undefined> {
  readonly #filter: EventFilter;
  readonly #until: string | undefined;
  readonly #most: number;
  readonly #leave: () => void;
  readonly #queue: RuntimeEvent[] = [];
  readonly #waiting: ((result: IteratorResult<ReceivedEvent, undefined>) => void)[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => void this.return();
  #cancelTimer = (): void => {};
  #lost = 0;
  #isFinished = false;

  constructor(options: SubscribeOptions, { most, leave }: { most: number; leave: () => void }) {
    this.#filter = options.filter ?? {};
    this.#until = options.until === undefined ? undefined : stampOf(options.until);
    this.#most = most;
    this.#leave = leave;
    this.#signal = options.signal;
  }

  /** Watches what ends it beside the events. */
  begin(clock: Clock): void {
    if (this.#signal?.aborted === true) this.#abort();
    if (this.#isFinished) {
      this.#leave();
      return;
    }
    this.#signal?.addEventListener("abort", this.#abort);
    if (this.#until === undefined) return;
    const left = Date.parse(this.#until) + 1 - clock.now();
    if (left <= 0) this.finish();
    else this.#cancelTimer = clock.setTimer(left, () => this.finish());
  }

  offer(event: RuntimeEvent): void {
    if (this.#isFinished) return;
    if (this.#until !== undefined && event.time > this.#until) {
      this.finish();
      return;
    }
    if (!matches(event, this.#filter)) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ done: false, value: event });
      return;
    }
    this.#queue.push(event);
    if (this.#queue.length > this.#most) {
      this.#queue.shift();
      this.#lost += 1;
    }
  }

  finish(): void {
    this.#isFinished = true;
    this.#cancelTimer();
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#leave();
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<ReceivedEvent, undefined>> {
    const event = this.#queue.shift();
    if (event !== undefined) {
      const value = this.#lost === 0 ? event : { ...event, lost: this.#lost };
      this.#lost = 0;
      return Promise.resolve({ done: false, value });
    }
    if (this.#isFinished) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<ReceivedEvent, undefined>> {
    this.#queue.length = 0;
    this.finish();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function matches(event: RuntimeEvent, { actions, containers, labels }: EventFilter): boolean {
  if (actions !== undefined && !actions.includes(event.action)) return false;
  if (containers !== undefined && !containers.some((each) => event.name === each || isIdPrefix(event.id, each))) {
    return false;
  }
  return Object.entries(labels ?? {}).every(([key, value]) => {
    return Object.hasOwn(event.attributes, key) && (value === undefined || event.attributes[key] === value);
  });
}

function isIdPrefix(id: string, prefix: string): boolean {
  return prefix.length > 0 && id.startsWith(prefix);
}
