import { type Errno, failure, type HostError } from "../../base/index.ts";
import type { Buffers } from "../filesystem/file-calls.ts";
import type { Datagrams, InternetAddress, SocketAddress } from "./backend.ts";
import { bindPlace } from "./bind-place.ts";
import { checkPlace, isLoopback, nowhere, samePlace, seenFrom, unspecified, unwrapped } from "./place.ts";
import { Lack } from "./rate.ts";
import { ResolverDatagrams } from "./resolver-datagrams.ts";
import type { SocketHost } from "./socket-host.ts";
import type { ReceiveHow, Received, ShutdownHow, SocketOption } from "./socket-types.ts";
import { Socket, type SocketWaits } from "./socket.ts";

/** Most bytes that wait to be received; what comes beyond is dropped, as a kernel drops it. */
const mostWaiting = 262_144;
/** What a queued datagram takes besides its bytes, so that empty ones are bounded too. */
const overhead = 256;
/** Most bytes that wait to be sent. */
const mostPending = 65_536;
/** Most bytes that one datagram carries (UDP, RFC 768, over IPv4). */
const mostBytes = 65_507;
/** Most peers whose answers are let through, the latest ones. */
const mostPeers = 1024;

interface Datagram {
  readonly bytes: Uint8Array;
  readonly from: InternetAddress;
}

/**
 * A UDP socket. Without a grant to listen where it is bound it receives from those alone that it has sent to; where its port is
 * neither published nor granted with an address, from the machine itself as well.
 */
export class DatagramSocket extends Socket {
  readonly family: "ipv4" | "ipv6";
  readonly kind = "datagram";
  readonly #host: SocketHost;
  #datagrams: Datagrams | undefined;
  #place: InternetAddress | undefined;
  #release: (() => void) | undefined;
  /** Who may send to it besides those that it has sent to. */
  #openTo: "all" | "machine" | "peers" = "peers";
  #peer: InternetAddress | undefined;
  readonly #allowed = new Set<string>();
  readonly #queue: Datagram[] = [];
  #waitingBytes = 0;
  #isShut = { read: false, write: false };
  #isClosed = false;
  #error: Errno | undefined;
  readonly #lack = new Lack();
  #names: ResolverDatagrams | undefined;

  constructor(waiting: SocketWaits, host: SocketHost, { family }: { readonly family: "ipv4" | "ipv6" }) {
    super(waiting);
    this.#host = host;
    this.family = family;
    host.opened(this);
  }

  bind(address: SocketAddress): void {
    if (this.#datagrams !== undefined) throw failure("inval");
    this.#bindAt(this.#checked(address));
  }

  listen(): void {
    throw failure("notsup");
  }

  /** Sends to one peer from now on, and receives from it alone. */
  connect(address: SocketAddress): void {
    const to = this.#checked(address);
    this.#allow(to);
    this.#bindAnywhere();
    this.#peer = to;
    this.#queue.splice(0);
    this.#waitingBytes = 0;
  }

  /** Has no peer any more. */
  override disconnect(): void {
    this.#peer = undefined;
  }

  override accept(): Socket {
    throw failure("notsup");
  }

  override read(into: Buffers): number | Promise<number> {
    const received = this.receive(into);
    return received instanceof Promise ? received.then(({ count }) => count) : received.count;
  }

  override receive(into: Buffers, { peek = false }: ReceiveHow = {}): Received | Promise<Received> {
    return this.operate("read", () => this.#receiveNow(into, peek), into);
  }

  override write(from: Buffers): number | Promise<number> {
    return this.send(from);
  }

  override send(from: Buffers, to?: SocketAddress): number | Promise<number> {
    if (this.#isShut.write) throw failure("pipe");
    const peer = to === undefined ? this.#peer : this.#checked(to);
    if (peer === undefined || peer.port === 0) throw failure("destaddrreq");
    if (from.total > mostBytes) throw failure("msgsize");
    this.#allow(peer);
    this.#bindAnywhere();
    return this.operate("write", () => this.#sendNow(from, peer), from);
  }

  override shutdown(how: ShutdownHow): void {
    if (this.#peer === undefined) throw failure("notconn");
    if (how !== "write") this.#isShut.read = true;
    if (how !== "read") this.#isShut.write = true;
    this.wake("both");
  }

  override close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#lack.stop();
    this.#datagrams?.close();
    this.#release?.();
    this.#names?.close();
    this.#queue.splice(0);
    this.#host.closed(this);
    this.wake("both");
  }

  get localAddress(): SocketAddress {
    return this.#place ?? nowhere(this.family);
  }

  get remoteAddress(): SocketAddress {
    if (this.#peer === undefined) throw failure("notconn");
    return this.#peer;
  }

  takeError(): HostError | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? undefined : failure(error);
  }

  isReady(events: "read" | "write"): boolean {
    if (this.#isClosed || this.#error !== undefined) return true;
    if (events === "write")
      return (this.#datagrams?.pending ?? 0) < mostPending && this.#lack.available(this.#host.bytes, 1) > 0;
    return this.#isShut.read || (this.#queue.length > 0 && this.#lack.available(this.#host.bytes, 1) > 0);
  }

  get bytesReady(): number {
    return this.#queue[0]?.bytes.length ?? 0;
  }

  get room(): number {
    return Math.max(0, mostPending - (this.#datagrams?.pending ?? 0));
  }

  protected ask(): void {
    this.#lack.ask(() => this.wake("both"));
  }

  protected apply(option: SocketOption, value: number): void {
    if (option === "broadcast") this.#datagrams?.setBroadcast(value !== 0);
  }

  #checked(address: SocketAddress): InternetAddress {
    checkPlace(address, this.family);
    if (address.family === "unix") throw failure("afnosupport");
    return address;
  }

  #bindAt(address: InternetAddress): void {
    const { policy, backend } = this.#host;
    if (address.port !== 0) policy.listen(address);
    const { isExact } = policy.hostPlaces(unwrapped(address));
    const isGranted = address.port !== 0 || policy.mayListen(address);
    this.#openTo = !isGranted ? "peers" : isExact ? "all" : "machine";
    const reusesAddress = this.getOption("reuseAddress") !== 0;
    const { bound, place, release } = bindPlace(this.#host, {
      kind: "datagram",
      address,
      // Sending goes out from every address: what comes from outside is kept away when it comes.
      bind: (at) => backend.bindDatagrams(isExact ? at : { ...at, address: unspecified(at.family) }, { reusesAddress }),
    });
    const [datagrams] = bound;
    if (datagrams === undefined) throw failure("addrnotavail");
    this.#datagrams = datagrams;
    this.#place = place;
    this.#release = release;
    if (this.getOption("broadcast") !== 0) datagrams.setBroadcast(true);
    datagrams.tell({
      message: (bytes, from) => this.#arrive(bytes, from),
      drained: () => this.wake("write"),
      failed: (errno) => {
        this.#error = errno;
        this.wake("both");
      },
    });
  }

  #bindAnywhere(): void {
    if (this.#isClosed) throw failure("badf");
    if (this.#datagrams !== undefined) return;
    this.#bindAt({ family: this.family, address: unspecified(this.family), port: 0 });
  }

  /** Lets what is sent to a place, and what it answers, through. @throws HostError acces */
  #allow(to: InternetAddress): void {
    const key = `${to.port} ${to.address}`;
    const real = unwrapped(to);
    if (!this.#host.isNameServer(real)) this.#host.policy.connect(real);
    this.#allowed.delete(key);
    this.#allowed.add(key);
    const [oldest] = this.#allowed;
    if (this.#allowed.size > mostPeers && oldest !== undefined) this.#allowed.delete(oldest);
  }

  #arrive(bytes: Uint8Array, sender: InternetAddress): void {
    const from = seenFrom(this.family, sender);
    if (from.family === "unix" || this.#isShut.read || this.#isClosed) return;
    const isExpected =
      this.#peer === undefined
        ? this.#openTo === "all" ||
          (this.#openTo === "machine" && isLoopback(from.address)) ||
          this.#allowed.has(`${from.port} ${from.address}`)
        : samePlace(this.#peer, from);
    if (!isExpected || this.#waitingBytes + bytes.length + overhead > mostWaiting) return;
    this.#queue.push({ bytes, from });
    this.#waitingBytes += bytes.length + overhead;
    this.wake("read");
  }

  #receiveNow(into: Buffers, isPeek: boolean): Received | undefined {
    if (this.#isClosed) throw failure("badf");
    const [first] = this.#queue;
    if (first === undefined) {
      const error = this.takeError();
      if (error !== undefined) throw error;
      if (this.#isShut.read) return { count: 0, isTruncated: false, from: this.#peer ?? nowhere(this.family) };
      // Datagrams come to a place: one that is nowhere has none to wait for, and says so.
      if (this.#datagrams === undefined) this.#bindAnywhere();
      return undefined;
    }
    const count = Math.min(first.bytes.length, into.total);
    if (this.#lack.available(this.#host.bytes, 1) < 1) return undefined;
    into.scatter(first.bytes, count);
    if (!isPeek) {
      this.#host.bytes.spend(first.bytes.length);
      this.#queue.shift();
      this.#waitingBytes -= first.bytes.length + overhead;
    }
    return { count, isTruncated: first.bytes.length > into.total, from: first.from };
  }

  #sendNow(from: Buffers, to: InternetAddress): number | undefined {
    if (this.#isClosed) throw failure("badf");
    const error = this.takeError();
    if (error !== undefined) throw error;
    const datagrams = this.#datagrams;
    if (datagrams === undefined || datagrams.pending >= mostPending) return undefined;
    if (this.#lack.available(this.#host.bytes, 1) < 1) return undefined;
    this.#host.bytes.spend(from.total);
    const bytes = new Uint8Array(from.total);
    from.gather(bytes, from.total);
    const real = unwrapped(to);
    if (this.#host.isNameServer(real)) this.#askNames(bytes, to);
    else datagrams.send(bytes, to);
    return from.total;
  }

  #askNames(query: Uint8Array, server: InternetAddress): void {
    this.#names ??= new ResolverDatagrams((name) => this.#host.resolve(name));
    this.#names.ask(query, (answer) => this.#arrive(answer, server));
  }
}
