import { type Errno, failure, failureOfLinux } from "../../../base/index.ts";
import type { Native } from "../../../base/native.ts";
import { formatAddress, parseAddress } from "../../../capabilities/index.ts";
import type { SocketAddress, SocketFamily } from "../backend.ts";
import { closing, opened } from "./descriptors.ts";

const families = { unix: 1, ipv4: 2, ipv6: 10 } as const;
const streamKind = 1;
const closesOnExec = 0o2_000_000;
const nonBlocking = 0o4000;
const options = {
  reuseAddress: [1, 2],
  error: [1, 4],
  keepAlive: [1, 9],
  linger: [1, 13],
  reusePort: [1, 15],
  noDelay: [6, 1],
  onlyV6: [41, 26],
} as const;
const bothHalves = { write: 1 } as const;
const noSignal = 0x4000;
const errno = { again: 11, noMemory: 12, tooManyInSystem: 23, tooMany: 24, noBuffers: 105, inProgress: 115 } as const;
/** What says that nothing can be had now. */
const exhausted: readonly number[] = [errno.noMemory, errno.tooManyInSystem, errno.tooMany, errno.noBuffers];
/** Lengths below this are kept. */
const fewSizes = 1024;
/** Most pieces that one message is sent in. */
export const mostPieces = 16;
const headerBytes = 56;
const pieceBytes = 16;

/** Bytes somewhere in memory. */
export interface MemoryPiece {
  readonly address: bigint;
  readonly length: number;
}

/** Longest address of a socket in bytes: that of a Unix one (unix(7)). */
const longestAddress = 110;
const longestPath = 107;
const wrapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The system's calls for stream sockets that never block. Each throws HostError for what the system says, but where a result tells. */
export class SocketCalls {
  /** Most bytes that one call receives: a message of 64 KiB with what stands before it. */
  static readonly chunk: number = 81_920;
  readonly #native: Native;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #address: bigint;
  readonly #lengthAddress: bigint;
  /** Lengths of short messages as the system takes them. */
  readonly #sizes: (bigint | undefined)[] = [];
  /** The header of a message (sendmsg(2)), and its pieces behind it. */
  readonly #message: BigUint64Array;
  readonly #messageAddress: bigint;

  constructor(native: Native) {
    this.#native = native;
    const message = native.allocate(headerBytes + mostPieces * pieceBytes);
    this.#message = new BigUint64Array(message.bytes.buffer);
    this.#messageAddress = message.address;
    const { bytes, address } = native.allocate(256);
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer);
    this.#address = address;
    this.#lengthAddress = address + 128n;
  }

  /** A new socket. @throws HostError mfile, afnosupport */
  open(family: SocketFamily): number {
    const fd = this.#check(this.#native.c.socket(families[family], streamKind | nonBlocking | closesOnExec, 0));
    opened(fd);
    return fd;
  }

  /** @throws HostError addrinuse, addrnotavail, acces */
  bind(fd: number, at: SocketAddress, { reusesPort = false } = {}): void {
    if (at.family !== "unix") this.setOption(fd, "reuseAddress", 1);
    if (reusesPort) this.setOption(fd, "reusePort", 1);
    if (at.family === "ipv6") this.setOption(fd, "onlyV6", 0);
    this.#check(this.#native.c.bind(fd, this.#address, this.#write(at)));
  }

  listen(fd: number, backlog: number): void {
    this.#check(this.#native.c.listen(fd, backlog));
  }

  /** Begins to connect; answers what it failed with at once, and otherwise whether it stands. */
  connect(fd: number, to: SocketAddress): Errno | boolean {
    if (this.#native.c.connect(fd, this.#address, this.#write(to)) >= 0) return true;
    const error = this.#native.errno();
    return error === errno.inProgress ? false : failureOfLinux(error).errno;
  }

  /** The next connection that waits, and whose it is; undefined where none does, `full` where there is no descriptor or memory for it. */
  accept(fd: number): { readonly fd: number; readonly remote: SocketAddress } | "full" | undefined {
    this.#words[32] = longestAddress;
    const made = this.#native.c.accept4(fd, this.#address, this.#lengthAddress, nonBlocking | closesOnExec);
    if (made < 0) return exhausted.includes(this.#native.errno()) ? "full" : undefined;
    opened(made);
    return { fd: made, remote: this.#read() };
  }

  local(fd: number): SocketAddress {
    this.#words[32] = longestAddress;
    this.#check(this.#native.c.getsockname(fd, this.#address, this.#lengthAddress));
    return this.#read();
  }

  remote(fd: number): SocketAddress {
    this.#words[32] = longestAddress;
    this.#check(this.#native.c.getpeername(fd, this.#address, this.#lengthAddress));
    return this.#read();
  }

  /** What went wrong with it since it was asked last. */
  error(fd: number): Errno | undefined {
    const [level, name] = options.error;
    this.#words[32] = 4;
    this.#check(this.#native.c.getsockopt(fd, level, name, this.#address, this.#lengthAddress));
    const number = this.#words[0] ?? 0;
    return number === 0 ? undefined : failureOfLinux(number).errno;
  }

  setOption(
    fd: number,
    option: "keepAlive" | "noDelay" | "onlyV6" | "reuseAddress" | "reusePort",
    value: number,
  ): void {
    const [level, name] = options[option];
    this.#words[0] = value;
    this.#native.c.setsockopt(fd, level, name, this.#address, 4);
  }

  /** So many bytes came, 0 at the end; undefined where nothing is there, or what it failed with. */
  receive(fd: number, to: bigint, length: bigint): number | Errno | undefined {
    const count = this.#native.c.recv(fd, to, length, 0);
    return count < 0 ? this.#failed() : count;
  }

  /** So many bytes went; undefined where there is no room, or what it failed with. */
  send(fd: number, from: bigint, length: number): number | Errno | undefined {
    // Made anew for each call they cost as much as what is around them.
    const size = length < fewSizes ? (this.#sizes[length] ??= BigInt(length)) : BigInt(length);
    const count = this.#native.c.send(fd, from, size, noSignal);
    return count < 0 ? this.#failed() : count;
  }

  /** The same of pieces of memory in turn, at most {@link mostPieces}. */
  sendPieces(fd: number, pieces: readonly MemoryPiece[]): number | Errno | undefined {
    const words = this.#message;
    // Places of 64 bits: 2 is where the pieces are, 3 how many.
    words[2] = this.#messageAddress + BigInt(headerBytes);
    words[3] = BigInt(pieces.length);
    let at = headerBytes / 8;
    for (const { address, length } of pieces) {
      words[at] = address;
      words[at + 1] = BigInt(length);
      at += 2;
    }
    const count = this.#native.c.sendmsg(fd, this.#messageAddress, noSignal);
    return count < 0 ? this.#failed() : count;
  }

  /** Says to the peer that no more comes. */
  end(fd: number): void {
    this.#native.c.shutdown(fd, bothHalves.write);
  }

  close(fd: number): void {
    closing(fd);
    this.#native.c.close(fd);
  }

  /** Closes it so that the peer hears that what was under way is lost. */
  reset(fd: number): void {
    const [level, name] = options.linger;
    this.#words[0] = 1;
    this.#words[1] = 0;
    this.#native.c.setsockopt(fd, level, name, this.#address, 8);
    this.close(fd);
  }

  #failed(): Errno | undefined {
    const error = this.#native.errno();
    return error === errno.again ? undefined : failureOfLinux(error).errno;
  }

  #check(result: number): number {
    if (result < 0) throw failureOfLinux(this.#native.errno());
    return result;
  }

  /** Writes an address where calls take it from, and answers its length. @throws HostError nametoolong, inval */
  #write(at: SocketAddress): number {
    const bytes = this.#bytes;
    bytes.fill(0, 0, longestAddress);
    bytes[0] = families[at.family];
    if (at.family === "unix") {
      const path = new TextEncoder().encode(at.path);
      if (path.length > longestPath) throw failure("nametoolong");
      bytes.set(path, 2);
      return 2 + path.length + 1;
    }
    const parsed = parseAddress(at.address);
    if (parsed === undefined) throw failure("inval");
    bytes[2] = at.port >> 8;
    bytes[3] = at.port & 255;
    if (at.family === "ipv4") {
      writeBits(bytes, 4, parsed.bits, 4);
      return 16;
    }
    if (parsed.family === 4) bytes.set(wrapped, 8);
    writeBits(bytes, parsed.family === 4 ? 20 : 8, parsed.bits, parsed.family === 4 ? 4 : 16);
    return 28;
  }

  #read(): SocketAddress {
    const bytes = this.#bytes;
    const family = bytes[0];
    const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
    if (family === families.ipv4) return { family: "ipv4", address: v4Text(bytes, 4), port };
    if (family === families.ipv6) {
      const isWrapped = wrapped.every((byte, at) => bytes[8 + at] === byte);
      const address = isWrapped ? `::ffff:${v4Text(bytes, 20)}` : formatAddress({ family: 6, bits: bitsOf(bytes, 8) });
      return { family: "ipv6", address, port };
    }
    const length = this.#words[32] ?? 2;
    const end = bytes.indexOf(0, 2);
    return { family: "unix", path: length <= 2 ? "" : new TextDecoder().decode(bytes.subarray(2, end)) };
  }
}

function v4Text(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

function bitsOf(bytes: Uint8Array, at: number): bigint {
  let bits = 0n;
  for (let i = 0; i < 16; i++) bits = (bits << 8n) | BigInt(bytes[at + i] ?? 0);
  return bits;
}

function writeBits(bytes: Uint8Array, at: number, bits: bigint, count: number): void {
  let rest = bits;
  for (let i = count - 1; i >= 0; i--) {
    bytes[at + i] = Number(rest & 255n);
    rest >>= 8n;
  }
}
