import type { Errno } from "../../../base/index.ts";
import type { Connection, ConnectionHandlers, SocketAddress } from "../backend.ts";
import { epollBit, type Watcher } from "./native-loop.ts";
import { type NativeSockets, shortMessage } from "./native-sockets.ts";
import { SocketCalls } from "./socket-calls.ts";

/** Chunks of so many bytes are handed over where they were received; shorter ones are copied out. */
const largeChunk = 4096;
/** How long in ms a closed connection may take to send what was written before. */
const lingerTime = 60_000;
const anyEnd = epollBit.peerEnded | epollBit.hangUp | epollBit.error;

/** The place of a connection of which none is known. */
const nowhere: SocketAddress = { family: "unix", path: "" };

type State = "connecting" | "open" | "closing" | "over";

/** What a {@link NativeConnection} begins with. */
export interface NativeBeginning {
  readonly fd: number;
  /** Where it connects to, or who it comes from. */
  readonly remote: SocketAddress;
  readonly local?: SocketAddress | undefined;
  readonly isConnecting: boolean;
}

/** A connection by the system's own calls. */
export class NativeConnection implements Connection, Watcher {
  readonly #sockets: NativeSockets;
  readonly #fd: number;
  #state: State;
  #handlers: ConnectionHandlers | undefined;
  /** Whether there may be something to receive that was not told yet. */
  #isReadable = false;
  #hasEnd = false;
  #wantsRead = false;
  #isPrompted = false;
  readonly #rest: Uint8Array[] = [];
  #pending = 0;
  #endsBehind = false;
  #closed: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly remote: SocketAddress;
  #local: SocketAddress | undefined;

  constructor(sockets: NativeSockets, { fd, remote, local, isConnecting }: NativeBeginning) {
    this.#sockets = sockets;
    this.#fd = fd;
    this.remote = remote;
    this.#local = local;
    this.#state = isConnecting ? "connecting" : "open";
    sockets.loop.add(fd, this);
  }

  /** Connects a socket; where that fails at once, it is told in the next turn. */
  static to(sockets: NativeSockets, fd: number, to: SocketAddress, place: SocketAddress = to): NativeConnection {
    const begun = sockets.calls.connect(fd, place);
    const local = to.family === "unix" ? ({ family: "unix", path: "" } as const) : undefined;
    const connection = new NativeConnection(sockets, { fd, remote: to, local, isConnecting: true });
    if (typeof begun === "string") sockets.loop.later(() => connection.#fail(begun));
    return connection;
  }

  get local(): SocketAddress {
    // The number of its descriptor may be another's since it is over.
    if (this.#state === "over") return this.#local ?? nowhere;
    return (this.#local ??= this.#sockets.calls.local(this.#fd));
  }

  get pending(): number {
    return this.#pending;
  }

  tell(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
  }

  ready(events: number): void {
    if (this.#state === "connecting" && !this.#connect(events)) return;
    if ((events & (epollBit.in | anyEnd)) !== 0) {
      this.#isReadable = true;
      if ((events & anyEnd) !== 0) this.#hasEnd = true;
      if (this.#wantsRead) this.#receive();
    }
    if ((events & (epollBit.out | anyEnd)) !== 0 && this.#rest.length > 0) this.#sendRest();
  }

  read(): void {
    this.#wantsRead = true;
    if (this.#isReadable) this.#prompt();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state === "over" || bytes.length === 0) return true;
    const sent = this.#state === "open" && this.#rest.length === 0 ? this.#send(bytes) : 0;
    if (sent === bytes.length || sent < 0) return true;
    this.#rest.push(sent === 0 ? bytes : bytes.subarray(sent));
    this.#pending += bytes.length - sent;
    return false;
  }

  end(): void {
    if (this.#state === "over") return;
    this.#endsBehind = true;
    if (this.#state === "open" && this.#rest.length === 0) this.#sockets.calls.end(this.#fd);
  }

  close(done: () => void): void {
    this.#handlers = undefined;
    if (this.#state === "over") return done();
    if (this.#rest.length === 0 && this.#state === "open") {
      this.#release();
      return done();
    }
    this.#closed = done;
    if (this.#state === "open") this.#state = "closing";
    this.#timer = setTimeout(() => this.reset(), lingerTime);
    this.#timer.unref();
  }

  reset(): void {
    this.#handlers = undefined;
    if (this.#state === "over") return;
    const isInternet = this.remote.family !== "unix" && this.#state !== "connecting";
    this.#over();
    if (isInternet) this.#sockets.calls.reset(this.#fd);
    else this.#sockets.calls.close(this.#fd);
    this.#tellClosed();
  }

  setNoDelay(isOn: boolean): void {
    if (this.#state !== "over" && this.remote.family !== "unix")
      this.#sockets.calls.setOption(this.#fd, "noDelay", isOn ? 1 : 0);
  }

  setKeepAlive(isOn: boolean): void {
    if (this.#state !== "over") this.#sockets.calls.setOption(this.#fd, "keepAlive", isOn ? 1 : 0);
  }

  /** Whether it stands now. */
  #connect(events: number): boolean {
    if ((events & (epollBit.out | anyEnd)) === 0) return false;
    const error = this.#sockets.calls.error(this.#fd);
    if (error !== undefined) {
      this.#fail(error);
      return false;
    }
    this.#state = this.#closed === undefined ? "open" : "closing";
    this.#handlers?.connected();
    if (this.#rest.length > 0) this.#sendRest();
    else if (this.#closed !== undefined) this.#finish();
    else if (this.#endsBehind) this.#sockets.calls.end(this.#fd);
    return this.#isOpen();
  }

  #isOpen(): boolean {
    return this.#state === "open" || this.#state === "closing";
  }

  /** What is there already is told in the next turn: nobody hears of it within their own call. */
  #prompt(): void {
    if (this.#isPrompted) return;
    this.#isPrompted = true;
    this.#sockets.loop.later(() => {
      this.#isPrompted = false;
      if (this.#wantsRead && this.#isReadable && this.#state === "open") this.#receive();
    });
  }

  #receive(): void {
    if (this.#state !== "open") return;
    const { calls, chunks } = this.#sockets;
    const chunk = chunks.take();
    const count = calls.receive(this.#fd, chunk.address, BigInt(SocketCalls.chunk));
    if (typeof count !== "number") {
      chunks.give(chunk.bytes);
      this.#isReadable = false;
      if (count !== undefined) this.#fail(count);
      return;
    }
    this.#wantsRead = false;
    if (count === 0) {
      chunks.give(chunk.bytes);
      this.#isReadable = false;
      this.#handlers?.ended();
      return;
    }
    // With less than there was room for, nothing is left: what comes next is told anew. An end is told but once.
    this.#isReadable = count === SocketCalls.chunk || this.#hasEnd;
    let bytes: Uint8Array;
    if (this.#handlers?.takesAtOnce === true) {
      const goesOn = this.#handlers.data(chunk.bytes.subarray(0, count));
      chunks.give(chunk.bytes);
      if (goesOn) this.read();
      return;
    }
    if (count < largeChunk) {
      bytes = chunk.bytes.slice(0, count);
      chunks.give(chunk.bytes);
    } else bytes = chunk.bytes.subarray(0, count);
    if (this.#handlers?.data(bytes) === true) this.read();
  }

  /** So many bytes are with the system; -1 where it failed. */
  #send(bytes: Uint8Array): number {
    const { calls, outgoing, loop } = this.#sockets;
    const { length } = bytes;
    let from = outgoing.address;
    if (length <= shortMessage) outgoing.bytes.set(bytes);
    else from = BigInt(loop.native.addressOf(bytes.buffer)) + BigInt(bytes.byteOffset);
    const sent = calls.send(this.#fd, from, length);
    if (typeof sent === "number") return sent;
    if (sent === undefined) return 0;
    loop.later(() => this.#fail(sent));
    this.#drop();
    return -1;
  }

  #sendRest(): void {
    for (let bytes = this.#rest[0]; bytes !== undefined; bytes = this.#rest[0]) {
      const sent = this.#send(bytes);
      if (sent < 0) return;
      this.#pending -= sent;
      if (sent < bytes.length) {
        this.#rest[0] = bytes.subarray(sent);
        return;
      }
      this.#rest.shift();
    }
    if (this.#state === "closing") {
      this.#finish();
      return;
    }
    if (this.#endsBehind) this.#sockets.calls.end(this.#fd);
    this.#handlers?.drained();
  }

  #finish(): void {
    this.#release();
    this.#tellClosed();
  }

  #fail(errno: Errno): void {
    if (this.#state === "over") return;
    const handlers = this.#handlers;
    this.#release();
    handlers?.failed(errno);
    this.#tellClosed();
  }

  #release(): void {
    if (this.#state === "over") return;
    // Places are asked for later as well.
    if (this.#isOpen()) this.#keepLocal();
    this.#over();
    this.#sockets.calls.close(this.#fd);
  }

  #keepLocal(): void {
    try {
      this.#local ??= this.#sockets.calls.local(this.#fd);
    } catch {
      this.#local = nowhere;
    }
  }

  #over(): void {
    this.#state = "over";
    this.#sockets.loop.remove(this.#fd);
    clearTimeout(this.#timer);
    this.#drop();
  }

  #drop(): void {
    this.#rest.length = 0;
    this.#pending = 0;
  }

  #tellClosed(): void {
    const done = this.#closed;
    this.#closed = undefined;
    done?.();
  }
}
