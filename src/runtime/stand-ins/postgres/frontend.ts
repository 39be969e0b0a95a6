/** Most bytes of one message of a client's; PostgreSQL takes a gigabyte, and this one's memory is everybody's. */
export const mostBytes = 256 * 1024 * 1024;
/** Most bytes of one message of somebody's who has not logged in. */
const mostOfStranger = 10_000;

/** A message of a client's: its type, 0 for the ones before the session that have none, and all its bytes. */
export interface FrontMessage {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** The types of messages that clients send (PostgreSQL's protocol 3.0, "Message Formats"). */
export const front = {
  bind: 0x42,
  close: 0x43,
  copyData: 0x64,
  copyDone: 0x63,
  copyFail: 0x66,
  describe: 0x44,
  execute: 0x45,
  flush: 0x48,
  functionCall: 0x46,
  parse: 0x50,
  password: 0x70,
  query: 0x51,
  sync: 0x53,
  terminate: 0x58,
} as const;

/** What a database understands; it ends at another type. */
export const knownTypes: ReadonlySet<number> = new Set(
  Object.values(front).filter((type) => type !== front.password && type !== front.terminate),
);

/** The codes of messages without a type. */
export const startCode = { cancel: 80_877_102, ssl: 80_877_103, gss: 80_877_104, major: 3 } as const;

/** A stream that is not PostgreSQL's protocol. */
export class ProtocolError extends Error {}

/** Cuts a client's bytes into messages. */
export class FrontReader {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #hasTypes = false;
  #most = mostOfStranger;

  /** From now on messages have types. */
  begin(): void {
    this.#hasTypes = true;
  }

  /** From now on messages may be long. */
  trust(): void {
    this.#most = mostBytes;
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  add(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
  }

  /** The next whole message. @throws ProtocolError */
  next(): FrontMessage | undefined {
    const headBytes = this.#hasTypes ? 5 : 4;
    if (this.#size < headBytes) return undefined;
    const head = this.#peek(headBytes);
    const length = head.readInt32BE(headBytes - 4);
    if (length < 4 || length > this.#most) throw new ProtocolError("invalid message length");
    const total = headBytes - 4 + length;
    if (this.#size < total) return undefined;
    return { type: this.#hasTypes ? (head[0] ?? 0) : 0, bytes: this.#take(total) };
  }

  #peek(count: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= count) return Buffer.from(first.buffer, first.byteOffset, count);
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  #take(count: number): Uint8Array {
    const first = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    const all = first ?? new Uint8Array(0);
    this.#chunks = all.length > count ? [all.subarray(count)] : [];
    this.#size -= count;
    return all.subarray(0, count);
  }
}

/** A message of a type: texts end in a zero byte, numbers are one byte. */
export function message(type: number, ...parts: readonly (string | number | Uint8Array)[]): Buffer {
  const body = parts.map((part) =>
    typeof part === "string" ? Buffer.from(`${part}\0`) : typeof part === "number" ? Uint8Array.of(part) : part,
  );
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeInt32BE(4 + body.reduce((sum, { length }) => sum + length, 0), 1);
  return Buffer.concat([head, ...body]);
}

/** A number in 4 bytes. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The text that begins somewhere in a message, and where the rest begins. @throws ProtocolError */
export function textAt(bytes: Uint8Array, at: number): { readonly text: string; readonly end: number } {
  const end = bytes.indexOf(0, at);
  if (end < 0) throw new ProtocolError("invalid string in message");
  return { text: Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString("utf8"), end: end + 1 };
}

/** An error as PostgreSQL sends it (`SQLSTATE` as its code). */
export function errorMessage(severity: "ERROR" | "FATAL", code: string, text: string): Buffer {
  return message(0x45, `S${severity}`, `V${severity}`, `C${code}`, `M${text}`, 0);
}
