import type { Errno } from "../../../base/index.ts";
import { Buffers } from "../../filesystem/file-calls.ts";
import type { ConnectionHandlers, MessageConnection, SocketAddress } from "../backend.ts";
import { gather, type Message, messageOf } from "./message.ts";
import { epollBit, type Watcher } from "./native-loop.ts";
import { type NativeSockets, shortMessage } from "./native-sockets.ts";
import { type MemoryPiece, mostPieces, SocketCalls } from "./socket-calls.ts";

/** Chunks of so many bytes are handed over where they were received; shorter ones are copied out. */
const largeChunk = 4096;
const chunkSize = BigInt(SocketCalls.chunk);
/** Room for short ones is no less than this. */
const leastShort = 256;
/** So few are copied byte by byte. */
const fewBytes = 64;
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
export class NativeConnection implements MessageConnection, Watcher {
  readonly #sockets: NativeSockets;
  readonly #fd: number;
  #state: State;
  #handlers: ConnectionHandlers | undefined;
  /** Whether there may be something to receive that was not told yet. */
  #isReadable = false;
  #hasEnd = false;
  #wantsRead = false;
  #isPrompted = false;
  /** Whether somebody keeps the chunk that is told at present. */
  #isKept = false;
  readonly #rest: Uint8Array[] = [];
  #pending = 0;
  #endsBehind = false;
  #closed: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Where short chunks lie for a receiver that gives them back. */
  #short: Uint8Array | undefined;
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
    this.#queue(sent === 0 ? bytes : bytes.subarray(sent));
    return false;
  }

  #queue(bytes: Uint8Array): void {
    this.#rest.push(bytes);
    this.#pending += bytes.length;
  }

  writeFrom(from: Buffers, count: number): void {
    if (this.#state === "over" || count === 0) return;
    const isFirst = this.#state === "open" && this.#rest.length === 0;
    const sent = isFirst ? this.#sendPieces(from, count) : 0;
    if (sent === count || sent < 0) return;
    const part = new Buffers();
    part.takePart(from, sent, count - sent);
    const rest = new Uint8Array(count - sent);
    part.gather(rest, rest.length);
    this.#queue(rest);
  }

  send(before: string, pieces: readonly Uint8Array[], behind: string): boolean {
    const message = messageOf(before, pieces, behind);
    const { length } = message;
    if (this.#state === "over" || length === 0) return true;
    const sent = this.#state === "open" && this.#rest.length === 0 ? this.#sendMessage(message) : 0;
    if (sent === length || sent < 0) return true;
    const rest = Buffer.allocUnsafeSlow(length);
    gather(rest, message);
    this.#queue(rest.subarray(sent));
    return false;
  }

  keep(): boolean {
    if (this.#isKept) return false;
    this.#isKept = true;
    return true;
  }

  giveBack(bytes: Uint8Array): void {
    this.#sockets.chunks.give(bytes);
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
    const count = calls.receive(this.#fd, chunk.address, chunkSize);
    if (typeof count !== "number") {
      chunks.back(chunk);
      this.#isReadable = false;
      if (count !== undefined) this.#fail(count);
      return;
    }
    this.#wantsRead = false;
    if (count === 0) {
      chunks.back(chunk);
      this.#isReadable = false;
      this.#handlers?.ended();
      return;
    }
    // With less than there was room for, nothing is left: what comes next is told anew. An end is told but once.
    this.#isReadable = count === SocketCalls.chunk || this.#hasEnd;
    let bytes: Uint8Array;
    if (this.#handlers?.takesAtOnce === true) {
      this.#isKept = false;
      const goesOn = this.#handlers.data(chunk.bytes.subarray(0, count));
      if (!this.#isKept) chunks.back(chunk);
      if (goesOn) this.read();
      return;
    }
    if (count < largeChunk) {
      bytes = this.#shortChunk(chunk.bytes, count);
      chunks.back(chunk);
    } else bytes = chunk.bytes.subarray(0, count);
    if (this.#handlers?.data(bytes) === true) this.read();
  }

  /** The first bytes of a chunk where nothing else is received meanwhile. */
  #shortChunk(chunk: Uint8Array, count: number): Uint8Array {
    if (this.#handlers?.givesBack !== true) return chunk.slice(0, count);
    if (this.#short === undefined || this.#short.length < count)
      this.#short = new Uint8Array(Math.max(leastShort, 2 ** Math.ceil(Math.log2(count))));
    const short = this.#short;
    if (count < fewBytes) for (let at = 0; at < count; at++) short[at] = chunk[at] ?? 0;
    else short.set(chunk.subarray(0, count));
    return short.subarray(0, count);
  }

  /** So many bytes are with the system; -1 where it failed. */
  #send(bytes: Uint8Array): number {
    const { outgoing } = this.#sockets;
    const { length } = bytes;
    if (length > shortMessage) return this.#sendFrom(this.#addressOf(bytes), length);
    outgoing.bytes.set(bytes);
    return this.#sendFrom(outgoing.address, length);
  }

  /** As {@link #send}, from where the bytes are if they are many in one piece. */
  #sendPieces(from: Buffers, count: number): number {
    const { outgoing, loop } = this.#sockets;
    if (count <= shortMessage) {
      from.gather(outgoing.bytes, count);
      return this.#sendFrom(outgoing.address, count);
    }
    const { memory, offsets } = from;
    const offset = memory.byteOffset + (offsets[0] ?? 0);
    if (from.lengths[0] === count) return this.#sendFrom(BigInt(loop.native.addressOf(memory.buffer) + offset), count);
    const bytes = new Uint8Array(count);
    from.gather(bytes, count);
    return this.#send(bytes);
  }

  #sendFrom(from: bigint, length: number): number {
    return this.#sent(this.#sockets.calls.send(this.#fd, from, length));
  }

  /** The same of a message of parts, the long ones from where they are. */
  #sendMessage(message: Message): number {
    const { calls, outgoing } = this.#sockets;
    const { before, pieces, behind, length } = message;
    const texts = before.length + behind.length;
    if (length <= shortMessage) {
      gather(outgoing.bytes, message);
      return this.#sendFrom(outgoing.address, length);
    }
    if (texts > shortMessage || pieces.length + 2 > mostPieces) {
      const whole = Buffer.allocUnsafeSlow(length);
      gather(whole, message);
      return this.#send(whole);
    }
    outgoing.bytes.write(before, 0, "latin1");
    outgoing.bytes.write(behind, before.length, "latin1");
    const parts: MemoryPiece[] = [{ address: outgoing.address, length: before.length }];
    for (const piece of pieces) parts.push({ address: this.#addressOf(piece), length: piece.length });
    parts.push({ address: outgoing.address + BigInt(before.length), length: behind.length });
    return this.#sent(calls.sendPieces(this.#fd, parts));
  }

  #sent(sent: number | Errno | undefined): number {
    if (typeof sent === "number") return sent;
    if (sent === undefined) return 0;
    this.#sockets.loop.later(() => this.#fail(sent));
    this.#drop();
    return -1;
  }

  #addressOf({ buffer, byteOffset }: Uint8Array): bigint {
    return BigInt(this.#sockets.loop.native.addressOf(buffer)) + BigInt(byteOffset);
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
