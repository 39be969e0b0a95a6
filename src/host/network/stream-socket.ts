import { type Errno, failure, type HostError } from "../../base/index.ts";
import { Buffers } from "../filesystem/file-calls.ts";
import type { BoundStream, Connection, SocketAddress, SocketFamily } from "./backend.ts";
import { bindPlace } from "./bind-place.ts";
import { findTarget } from "./connect-target.ts";
import { checkPlace, nowhere, seenFrom } from "./place.ts";
import { Lack } from "./rate.ts";
import type { SocketHost } from "./socket-host.ts";
import type { ReceiveHow, Received, ShutdownHow, SocketOption } from "./socket-types.ts";
import { Socket, type SocketWaits } from "./socket.ts";
import { UsedChunks } from "./used-chunks.ts";

/** Most bytes that a connection keeps for a peer that is slow to read. */
const mostPending = 65_536;
/**
 * A listener's queue holds at least so many: a connection beyond it is dropped, which a kernel would leave to try again.
 */
const leastBacklog = 1024;
const mostBacklog = 4096;

type State = "fresh" | "connecting" | "connected" | "failed" | "listening" | "closed";

/** How a stream socket begins: with nothing, or as a connection that a listener got. */
interface Beginning {
  readonly family: SocketFamily;
  readonly accepted?: { readonly connection: Connection; readonly local: SocketAddress };
}

/** A TCP or Unix stream socket: a listener, or one end of a connection. */
export class StreamSocket extends Socket {
  readonly family: SocketFamily;
  readonly kind = "stream";
  readonly #waiting: SocketWaits;
  readonly #host: SocketHost;
  #state: State = "fresh";
  /** The places on the host, and where the guest thinks that it is. */
  #bound: readonly BoundStream[] = [];
  #place: SocketAddress | undefined;
  #isPortChosen = false;
  #release: (() => void) | undefined;
  #queue: StreamSocket[] = [];
  #backlog = 0;
  #connection: Connection | undefined;
  #peer: SocketAddress | undefined;
  /** One chunk, from `#at` on. */
  #chunk: Uint8Array | undefined;
  #at = 0;
  #isEnded = false;
  #isBroken = false;
  #isShut = { read: false, write: false };
  #error: Errno | undefined;
  readonly #lack = new Lack();

  constructor(waiting: SocketWaits, host: SocketHost, { family, accepted }: Beginning) {
    super(waiting);
    this.#waiting = waiting;
    this.#host = host;
    this.family = family;
    host.opened(this);
    if (accepted === undefined) return;
    this.#state = "connected";
    this.#place = accepted.local;
    this.#peer = seenFrom(family, accepted.connection.remote);
    this.#take(accepted.connection);
  }

  bind(address: SocketAddress): void {
    if (this.#state !== "fresh" || this.#place !== undefined) throw failure("inval");
    checkPlace(address, this.family);
    if (address.family === "unix") {
      this.#host.policy.listen(address);
      this.#bound = [this.#host.backend.bindStream(address)];
      this.#place = address;
      return;
    }
    // A free port is no door: whether the guest may listen there is asked when it does.
    if (address.port !== 0) this.#host.policy.listen(address);
    this.#isPortChosen = address.port === 0;
    const { bound, place, release } = bindPlace(this.#host, {
      kind: "stream",
      address,
      bind: (at) => this.#host.backend.bindStream(at),
    });
    this.#bound = bound;
    this.#place = place;
    this.#release = release;
  }

  listen(backlog: number): void {
    if (this.#state === "listening") return this.#setBacklog(backlog);
    if (this.#state !== "fresh") throw failure("inval");
    if (this.#place === undefined) {
      if (this.family === "unix") throw failure("destaddrreq");
      this.bind(nowhere(this.family));
    }
    const place = this.localAddress;
    if (this.#isPortChosen && place.family !== "unix") this.#host.policy.listen({ ...place, port: 0 });
    this.#setBacklog(backlog);
    for (const bound of this.#bound) bound.listen(this.#backlog, (connection) => this.#arrive(connection));
    this.#state = "listening";
    this.keepOption("acceptsConnections", 1);
    this.#host.listens(
      this,
      this.#bound.map(({ address }) => address),
    );
  }

  connect(address: SocketAddress): void | Promise<void> {
    if (this.#state === "connecting") throw failure("already");
    if (this.#state === "connected") throw failure("isconn");
    if (this.#state !== "fresh") throw this.takeError() ?? failure("inval");
    checkPlace(address, this.family);
    const target = findTarget(this.#host, address, this.#bound[0]);
    const begin = (): true | undefined => {
      if (this.#lack.available(this.#host.connections, 1) < 1) return undefined;
      this.#host.connections.spend(1);
      this.#peer = address;
      this.#state = "connecting";
      this.#take(target());
      return true;
    };
    const begun = this.operate("write", begin);
    if (begun === true) return this.#finish();
    return begun.then(() => this.#finish());
  }

  override accept(): Socket | Promise<Socket> {
    if (this.#state !== "listening") throw failure("inval");
    return this.operate("read", () => {
      if (this.#state !== "listening") throw failure("badf");
      if (this.#queue.length === 0 || this.#lack.available(this.#host.connections, 1) < 1) return undefined;
      this.#host.connections.spend(1);
      return this.#queue.shift();
    });
  }

  override read(into: Buffers): number | Promise<number> {
    return this.#readNow(into, false) ?? this.later("read", () => this.#readNow(into, false), into);
  }

  override receive(into: Buffers, { peek = false, waitAll = false }: ReceiveHow = {}): Received | Promise<Received> {
    const count = waitAll && !peek && !this.flags.nonblock ? this.#readAll(into) : this.#readSome(into, peek);
    const from = this.#peer ?? nowhere(this.family);
    if (typeof count === "number") return { count, isTruncated: false, from };
    return count.then((got) => ({ count: got, isTruncated: false, from }));
  }

  #readSome(into: Buffers, isPeek: boolean): number | Promise<number> {
    return this.#readNow(into, isPeek) ?? this.later("read", () => this.#readNow(into, isPeek), into);
  }

  #readAll(into: Buffers): number | Promise<number> {
    let done = 0;
    const part = new Buffers();
    return this.operate(
      "read",
      () => {
        part.takePart(into, done, into.total - done);
        const got = this.#readNow(part, false);
        if (got === undefined) return undefined;
        done += got;
        return got === 0 || done === into.total ? done : undefined;
      },
      into,
    );
  }

  override write(from: Buffers): number | Promise<number> {
    // Most go out in one piece.
    const first = from.total <= mostPending ? this.#writeNow(from) : undefined;
    if (first === from.total) return first;
    let done = first ?? 0;
    const part = new Buffers();
    return this.operate(
      "write",
      () => {
        for (;;) {
          let taken: number | undefined;
          try {
            part.takePart(from, done, mostPending);
            taken = this.#writeNow(part);
          } catch (error) {
            // What went out counts; the error comes with the next write.
            if (done > 0) return done;
            throw error;
          }
          done += taken ?? 0;
          if (done === from.total) return done;
          if (taken === undefined) return done > 0 && this.flags.nonblock ? done : undefined;
        }
      },
      from,
    );
  }

  /** @throws HostError isconn where a connected stream is given an address */
  override send(from: Buffers, to?: SocketAddress): number | Promise<number> {
    if (to !== undefined) throw failure(this.#state === "connected" ? "isconn" : "notconn");
    return this.write(from);
  }

  override shutdown(how: ShutdownHow): void {
    if (this.#state === "listening" && how !== "write") return this.close();
    if (this.#state !== "connected") throw failure("notconn");
    if (how !== "write") {
      this.#isShut.read = true;
      this.#chunk = undefined;
    }
    if (how !== "read" && !this.#isShut.write) {
      this.#isShut.write = true;
      this.#connection?.end();
    }
    this.wake("both");
  }

  override close(): void {
    if (this.#state === "closed") return;
    const isSettled = this.#state === "connected";
    this.#state = "closed";
    this.#lack.stop();
    for (const bound of this.#bound) bound.close();
    this.#release?.();
    for (const waiting of this.#queue.splice(0)) waiting.#drop();
    this.#host.closed(this);
    const connection = this.#connection;
    this.#connection = this.#chunk = undefined;
    if (connection !== undefined && (!isSettled || this.getOption("linger") === 0)) connection.reset();
    else if (connection !== undefined) connection.close(this.#host.leave(() => connection.reset(), connection.pending));
    this.wake("both");
  }

  get localAddress(): SocketAddress {
    const place = this.#place;
    const local = this.#state === "connected" ? this.#connection?.local : undefined;
    if (local === undefined) return place ?? nowhere(this.family);
    const seen = seenFrom(this.family, local);
    // Ports are the guest's own.
    const isOwnPort = place !== undefined && place.family !== "unix" && seen.family !== "unix";
    return isOwnPort ? { ...seen, port: place.port } : seen;
  }

  get remoteAddress(): SocketAddress {
    if (this.#state !== "connected" || this.#peer === undefined) throw failure("notconn");
    return this.#peer;
  }

  takeError(): HostError | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? undefined : failure(error);
  }

  isReady(events: "read" | "write"): boolean {
    if (this.#state === "listening")
      return events === "read" && this.#queue.length > 0 && this.#lack.available(this.#host.connections, 1) > 0;
    if (this.#state === "connecting") return false;
    if (this.#state !== "connected") return true;
    if (events === "read") {
      if (this.#isEnded || this.#isShut.read || this.#isBroken) return true;
      return this.#chunk !== undefined && this.#lack.available(this.#host.bytes, 1) > 0;
    }
    if (this.#isShut.write || this.#isBroken) return true;
    return (this.#connection?.pending ?? 0) < mostPending && this.#lack.available(this.#host.bytes, 1) > 0;
  }

  get bytesReady(): number {
    return this.#chunk === undefined ? 0 : this.#chunk.length - this.#at;
  }

  get room(): number {
    return Math.max(0, mostPending - (this.#connection?.pending ?? 0));
  }

  protected ask(events: "read" | "write"): void {
    if (events === "read" && this.#state === "connected" && this.#chunk === undefined && !this.#isEnded)
      this.#connection?.read();
    this.#lack.ask(() => this.wake("both"));
  }

  protected apply(option: SocketOption, value: number): void {
    if (option === "noDelay") this.#connection?.setNoDelay(value !== 0);
    if (option === "keepAlive") this.#connection?.setKeepAlive(value !== 0);
  }

  #setBacklog(backlog: number): void {
    this.#backlog = Math.min(Math.max(backlog, leastBacklog), mostBacklog);
  }

  #finish(): void | Promise<void> {
    if (this.flags.nonblock && this.#state === "connecting") throw failure("inprogress");
    const done = this.operate("write", () => {
      if (this.#state === "connecting") return undefined;
      if (this.#state === "connected") return true;
      throw this.takeError() ?? failure("connaborted");
    });
    return done === true ? undefined : done.then(() => {});
  }

  #take(connection: Connection): void {
    this.#connection = connection;
    connection.tell({
      givesBack: true,
      connected: () => {
        if (this.#state !== "connecting") return;
        this.#state = "connected";
        if (this.getOption("noDelay") !== 0) connection.setNoDelay(true);
        if (this.getOption("keepAlive") !== 0) connection.setKeepAlive(true);
        this.wake("both");
      },
      data: (bytes) => {
        if (this.#isShut.read || this.#state === "closed") return this.#state !== "closed";
        this.#chunk = bytes;
        this.#at = 0;
        this.wake("read");
        return this.#chunk === undefined;
      },
      ended: () => {
        this.#isEnded = true;
        this.wake("read");
      },
      drained: () => this.wake("write"),
      failed: (errno) => {
        this.#error = errno;
        if (this.#state === "connecting") this.#state = "failed";
        this.#isBroken = true;
        this.wake("both");
      },
    });
  }

  #arrive(connection: Connection): void {
    if (this.#state !== "listening" || this.#queue.length >= this.#backlog) return connection.reset();
    try {
      this.#host.reserve();
    } catch {
      return connection.reset();
    }
    const accepted = { connection, local: this.localAddress };
    this.#queue.push(new StreamSocket(this.#waiting, this.#host, { family: this.family, accepted }));
    this.wake("read");
  }

  #drop(): void {
    this.keepOption("linger", 0);
    this.close();
  }

  #readNow(into: Buffers, isPeek: boolean): number | undefined {
    if (this.#state === "connecting") return undefined;
    if (this.#state === "closed") throw failure("badf");
    if (this.#state !== "connected") throw this.takeError() ?? failure("notconn");
    if (into.total === 0 || this.#isShut.read) return 0;
    const chunk = this.#chunk;
    if (chunk !== undefined) {
      const count = this.#lack.available(this.#host.bytes, Math.min(into.total, chunk.length - this.#at));
      if (count === 0) return undefined;
      into.scatter(this.#at === 0 ? chunk : chunk.subarray(this.#at), count);
      if (isPeek) return count;
      this.#host.bytes.spend(count);
      this.#at += count;
      if (this.#at === chunk.length) {
        this.#chunk = undefined;
        if (chunk.length >= UsedChunks.least) this.#host.used.add(chunk);
      }
      return count;
    }
    if (this.#error !== undefined) throw this.takeError() ?? failure("io");
    if (this.#isEnded || this.#isBroken) return 0;
    this.ask("read");
    return undefined;
  }

  #writeNow(from: Buffers): number | undefined {
    if (this.#state === "connecting") return undefined;
    if (this.#state === "closed") throw failure("badf");
    const connection = this.#connection;
    if (this.#state !== "connected" || connection === undefined) throw this.takeError() ?? failure("notconn");
    if (this.#isShut.write) throw failure("pipe");
    if (this.#isBroken) throw this.takeError() ?? failure("pipe");
    if (from.total === 0) return 0;
    const room = Math.min(from.total, mostPending - connection.pending);
    const count = room <= 0 ? 0 : this.#lack.available(this.#host.bytes, room);
    if (count <= 0) return undefined;
    this.#host.bytes.spend(count);
    if (connection.writeFrom !== undefined) {
      connection.writeFrom(from, count);
      return count;
    }
    const { scratch } = this.#host;
    const bytes = scratch.take(count);
    from.gather(bytes, count);
    if (connection.write(bytes)) scratch.give(bytes);
    return count;
  }
}
