import { failure, type HostError, SampanError } from "../../base/index.ts";
import { Descriptor, type DescriptorAccess } from "../descriptor.ts";
import type { Buffers, FileStat, FileType } from "../filesystem/file-calls.ts";
import type { Waits } from "../waits.ts";
import type { SocketAddress, SocketFamily, SocketKind } from "./backend.ts";
import type { ReceiveHow, Received, ShutdownHow, SocketOption } from "./socket-types.ts";
import type { Turns } from "./turns.ts";

const initialOptions: Readonly<Record<SocketOption, number>> = {
  reuseAddress: 0,
  dontRoute: 0,
  broadcast: 0,
  sendBuffer: 65_536,
  receiveBuffer: 65_536,
  keepAlive: 0,
  outOfBandInline: 0,
  linger: -1,
  receiveLowWater: 1,
  receiveTimeout: 0,
  sendTimeout: 0,
  acceptsConnections: 0,
  bindToDevice: 0,
  // No call of preview 1 or WasmEdge sets it, and programs for them take it to be on.
  noDelay: 1,
  ipv6Only: 0,
};

const readOnlyOptions: ReadonlySet<SocketOption> = new Set(["acceptsConnections"]);

/** What a socket has while nobody waited for it yet: most of many connections. */
const noWaiters: { readonly read: Set<() => void>; readonly write: Set<() => void> } = {
  read: new Set(),
  write: new Set(),
};

/** What a socket needs of its instance to wait. */
export interface SocketWaits {
  /** Undefined in an instance that blocks its thread: there a socket that has to wait is an error. */
  readonly waits: Waits | undefined;
  readonly turns: Turns;
  /** Called whenever any socket of the instance may have become ready: one poll of many sockets asks all of them then. */
  readonly changes: Set<(socket: Socket) => void>;
}

/**
 * A socket that a guest has open. Operations follow `flags.nonblock` (HostError again, inprogress), answer at once where they
 * can and else a promise; an instance that blocks its thread gets NETWORK_WAITS instead. All throw HostError.
 */
export abstract class Socket extends Descriptor {
  readonly access: DescriptorAccess = { read: true, write: true };
  abstract readonly family: SocketFamily;
  abstract readonly kind: SocketKind;
  /** What the list of polls that had it first knows of it: so it finds that without looking it up. */
  watched: object | undefined;
  readonly #waiting: SocketWaits;
  #waiters = noWaiters;
  #options: Record<SocketOption, number> | undefined;

  constructor(waiting: SocketWaits) {
    super();
    this.#waiting = waiting;
  }

  /** Takes a place. Port 0 is a free one. @throws HostError acces without a grant, addrinuse, inval where it is bound */
  abstract bind(address: SocketAddress): void;
  /** @throws HostError acces without a grant, notsup for datagrams */
  abstract listen(backlog: number): void;
  /** @throws HostError acces without a grant; inprogress where it does not wait, isconn, already, connrefused, … */
  abstract connect(address: SocketAddress): void | Promise<void>;
  /** Forgets whom a datagram socket is connected to. @throws HostError notsup for streams */
  disconnect(): void {
    throw failure("notsup");
  }

  /** The next connection of a listener; it does not wait with `nonblock` nor inherits it. @throws HostError again, inval */
  abstract override accept(): Socket | Promise<Socket>;
  abstract override receive(into: Buffers, how?: ReceiveHow): Received | Promise<Received>;
  /** Sends, to `to` where a datagram socket is not connected. @throws HostError pipe, destaddrreq, msgsize, acces */
  abstract override send(from: Buffers, to?: SocketAddress): number | Promise<number>;
  /** @throws HostError notconn */
  abstract override shutdown(how: ShutdownHow): void;
  /** Where it is, in the guest's own ports; the unspecified address and port 0 where it is nowhere yet. */
  abstract get localAddress(): SocketAddress;
  /** @throws HostError notconn */
  abstract get remoteAddress(): SocketAddress;
  /** The error that came up since it was last asked, which is then forgotten (SO_ERROR). */
  abstract takeError(): HostError | undefined;
  /** Whether a read (or accept) or write would not wait now. */
  abstract isReady(events: "read" | "write"): boolean;
  /** Bytes that a read has at once. */
  abstract get bytesReady(): number;
  /** Bytes that a write takes at once, as far as the peer is concerned. */
  abstract get room(): number;
  /** Lets bytes come in, because the guest wants to hear of them. */
  protected abstract ask(events: "read" | "write"): void;
  /** What has to be done to an option besides keeping its value. */
  protected abstract apply(option: SocketOption, value: number): void;

  type(): FileType {
    return "socket";
  }

  override stat(out: FileStat): void {
    out.type = "socket";
    out.values.fill(0n);
  }

  getOption(option: SocketOption): number {
    return (this.#options ?? initialOptions)[option];
  }

  /** @throws HostError noprotoopt for what can only be asked, perm for `bindToDevice` */
  setOption(option: SocketOption, value: number): void {
    if (readOnlyOptions.has(option)) throw failure("noprotoopt");
    if (option === "bindToDevice") throw failure("perm");
    this.keepOption(option, value);
    this.apply(option, value);
  }

  /** Answers at once: whoever blocks its thread cannot wait for what goes on in it. */
  override wait(events: "read" | "write", ms: number): boolean {
    if (this.isReady(events)) return true;
    this.ask(events);
    if (ms < 0) throw waitsError();
    if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return false;
  }

  override watch(events: "read" | "write", wake: () => void): true | (() => void) {
    if (this.isReady(events)) return true;
    this.ask(events);
    return this.hear(events, wake);
  }

  protected keepOption(option: SocketOption, value: number): void {
    this.#options ??= { ...initialOptions };
    this.#options[option] = value;
  }

  /** Calls back each time that something changed, until what this answers is called. */
  protected hear(events: "read" | "write", wake: () => void): () => void {
    if (this.#waiters === noWaiters) this.#waiters = { read: new Set(), write: new Set() };
    const waiters = this.#waiters[events];
    // A function of its own for each, because one guest may watch a socket twice by the same function.
    const own = (): void => wake();
    waiters.add(own);
    return () => void waiters.delete(own);
  }

  /** Says to those who wait that something changed. */
  protected wake(events: "read" | "write" | "both"): void {
    const { read, write } = this.#waiters;
    if (events !== "write") callAll(read);
    if (events !== "read") callAll(write);
    for (const changed of this.#waiting.changes) changed(this);
  }

  /**
   * Makes an attempt until it answers something, each time that something changed. `refreshed` are the guest's buffers that it
   * uses, which are taken up anew after a wait.
   */
  protected operate<T>(events: "read" | "write", attempt: () => T | undefined, refreshed?: Buffers): T | Promise<T> {
    return attempt() ?? this.later(events, attempt, refreshed);
  }

  /** What {@link operate} does once a first attempt came to nothing. */
  protected later<T>(events: "read" | "write", attempt: () => T | undefined, refreshed?: Buffers): T | Promise<T> {
    const { waits, turns } = this.#waiting;
    if (this.flags.nonblock) return this.#again(attempt, refreshed);
    if (waits === undefined) throw waitsError();
    turns.reset();
    this.ask(events);
    const timeout = this.getOption(events === "read" ? "receiveTimeout" : "sendTimeout");
    return waits.until((resolve, reject) => {
      const stops: (() => void)[] = [];
      const stop = (): void => {
        for (const each of stops) each();
      };
      const turn = (): void => {
        try {
          refreshed?.refresh();
          const value = attempt();
          if (value === undefined) return this.ask(events);
          stop();
          resolve(value);
        } catch (error) {
          stop();
          reject(error);
        }
      };
      stops.push(this.hear(events, turn));
      const give = (): void => {
        stop();
        reject(failure("again"));
      };
      if (timeout > 0) stops.push(waits.alarms.set(process.hrtime.bigint() + BigInt(timeout) * 1_000_000n, give));
      return stop;
    });
  }

  /** Says again; a guest that asks over and over lets the event loop go on meanwhile, or nothing would ever come. */
  #again<T>(attempt: () => T | undefined, refreshed: Buffers | undefined): Promise<T> {
    const { waits, turns } = this.#waiting;
    if (waits === undefined || !turns.isDue()) throw failure("again");
    return waits.yield().then(() => {
      refreshed?.refresh();
      const value = attempt();
      if (value === undefined) throw failure("again");
      return value;
    });
  }
}

/** Calls those who are there now: one that is woken may come back at once. */
function callAll(all: ReadonlySet<() => void>): void {
  if (all.size === 0) return;
  const now = Array.from(all);
  for (const each of now) each();
}

/** What an instance is told that would have to wait for the network, and blocks its thread. */
export function waitsError(): SampanError {
  const message = "Cannot wait for a socket: the instance blocks its thread, in which the network goes on";
  return new SampanError("NETWORK_WAITS", message, { hint: "bind the instance async" });
}
