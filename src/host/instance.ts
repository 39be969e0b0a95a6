import type { Clocks } from "./clocks.ts";
import type { ConfigValues } from "./config/config-values.ts";
import type { DescriptorTable } from "./descriptor.ts";
import type { FileCalls } from "./filesystem/file-calls.ts";
import type { Path } from "./filesystem/path.ts";
import type { HttpClient } from "./http/http-client.ts";
import { HttpSession } from "./http/http-session.ts";
import type { Stores } from "./keyvalue/index.ts";
import type { Log } from "./logging/log.ts";
import type { Sockets } from "./network/sockets.ts";
import type { Observer } from "./observer.ts";
import { waitForFirst } from "./poll.ts";
import type { PollList } from "./poll-list.ts";
import type { Postgres } from "./postgres/postgres.ts";
import type { Random } from "./random.ts";
import type { Waits } from "./waits.ts";

/** What an instance used so far. */
export interface Meter {
  /** Calls of the guest to its host. */
  calls: number;
  /** Bytes that its reads and writes moved, whatever they came from or went to. */
  bytesIn: number;
  bytesOut: number;
}

/** What the instances of one workload have in common. */
export interface SharedParts {
  readonly env: readonly string[];
  readonly clocks: Clocks;
  readonly observer: Observer;
  readonly calls: FileCalls;
  readonly config: ConfigValues;
  readonly stores: Stores;
  /** Path buffers, made when the first is needed: many guests open nothing, and they take room. */
  readonly makePaths: () => readonly [Path, Path];
}

/** What belongs to one instance alone. */
export interface OwnParts {
  readonly createRandom: () => Random;
  readonly createDescriptors: () => DescriptorTable;
  /** How it waits without a thread; without it, it blocks its thread. */
  readonly waits: Waits | undefined;
  readonly createSockets: () => Sockets;
  readonly createLog: () => Log;
  /** Gives it all of its output limit again. */
  readonly renewOutput: () => void;
  /** Makes what connects its sockets to databases. */
  readonly createPostgres: (sockets: Sockets) => Postgres;
  /** The client of its workload. */
  readonly createHttp: () => HttpClient;
  /** Called between the turns in which it blocks its thread. */
  readonly onTurn?: (() => void) | undefined;
}

/** What one instance has of the host: made fresh for each, and gone with it. */
export class HostInstance {
  readonly meter: Meter = { calls: 0, bytesIn: 0, bytesOut: 0 };
  readonly clocks: Clocks;
  readonly #shared: SharedParts;
  readonly #own: OwnParts;
  #random: Random | undefined;
  #descriptors: DescriptorTable | undefined;
  #paths: readonly [Path, Path] | undefined;
  #http: HttpSession | undefined;
  #sockets: Sockets | undefined;
  #log: Log | undefined;
  #postgres: Postgres | undefined;
  #isClosed = false;

  constructor(shared: SharedParts, own: OwnParts) {
    this.#shared = shared;
    this.clocks = shared.clocks;
    this.#own = own;
  }

  /** Its stream of random numbers; made when it is first asked for. */
  get random(): Random {
    return (this.#random ??= this.#own.createRandom());
  }

  /** What it has open; made when it is first asked for, because many guests that serve requests open nothing. */
  get descriptors(): DescriptorTable {
    if (this.#descriptors === undefined) {
      this.#descriptors = this.#own.createDescriptors();
      if (this.#isClosed) this.#descriptors.closeAll();
    }
    return this.#descriptors;
  }

  /** `NAME=value`, each as a C program expects it. */
  get env(): readonly string[] {
    return this.#shared.env;
  }

  get observer(): Observer {
    return this.#shared.observer;
  }

  get calls(): FileCalls {
    return this.#shared.calls;
  }

  /** Path buffers that a call fills and uses before it returns; shared, because no call waits while it holds one. */
  get paths(): readonly [Path, Path] {
    return (this.#paths ??= this.#shared.makePaths());
  }

  /** What it may do on the network; made when it is first asked for. */
  get sockets(): Sockets {
    return (this.#sockets ??= this.#own.createSockets());
  }

  /** What sends its HTTP requests; made when it is first asked for. */
  get http(): HttpSession {
    return (this.#http ??= new HttpSession(this.#own.createHttp));
  }

  /** The configuration values that it may read. */
  get config(): ConfigValues {
    return this.#shared.config;
  }

  /** The stores that it may open. */
  get stores(): Stores {
    return this.#shared.stores;
  }

  /** Where its log lines go; made when it is first asked for. */
  get log(): Log {
    return (this.#log ??= this.#own.createLog());
  }

  /** What connects it to databases, by its own sockets; made when it is first asked for. */
  get postgres(): Postgres {
    return (this.#postgres ??= this.#own.createPostgres(this.sockets));
  }

  /** Waits for the first of several things; then the list tells for each whether it is ready. */
  poll(list: PollList): void | Promise<void> {
    const changes = this.#sockets?.changes;
    const { waits, onTurn } = this.#own;
    return waitForFirst(list, { clocks: this.clocks, waits, changes, onTurn });
  }

  /** Lets others of the thread run. An instance that blocks its thread has none beside it. */
  yield(): void | Promise<void> {
    return this.#own.waits?.yield();
  }

  /** Begins another use of an instance that keeps what it has: its limits are those of a use. */
  beginUse(): void {
    this.#own.renewOutput();
  }

  /** Gives up what the instance waits for: promises of its operations may then stay as they are for ever. */
  cancel(): void {
    this.#own.waits?.cancel();
  }

  /** Closes what the instance has open. */
  close(): void {
    this.#isClosed = true;
    this.cancel();
    this.#descriptors?.closeAll();
    this.#http?.close();
    this.#sockets?.close();
  }

  /**
   * Resolves once what was written to sockets before they were closed is on its way, at once where nothing is left; what takes
   * longer than `ms` is dropped.
   */
  async flushed(ms: number): Promise<void> {
    await this.#sockets?.flushed(ms);
  }
}
