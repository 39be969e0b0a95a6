import type { Connection, ConnectionHandlers, InternetAddress, SocketAddress } from "./backend.ts";
import { answerQuery, type Lookup } from "./name-server.ts";

/** Most bytes of one query by TCP, and of queries that are not yet answered (RFC 1035, section 4.2.2). */
const mostBytes = 65_537;

/**
 * A connection to the name server that the guest thinks it has: what it asks there is answered by Sampan's own resolver, under
 * the guest's grants.
 */
export class ResolverConnection implements Connection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly #lookup: Lookup;
  #handlers: ConnectionHandlers | undefined;
  #input: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
  #output: Uint8Array[] = [];
  #isAnswering = false;
  #isWanted = false;
  #isEnded = false;
  #isClosed = false;

  constructor(remote: InternetAddress, lookup: Lookup) {
    this.remote = remote;
    this.local = { family: remote.family, address: remote.family === "ipv4" ? "127.0.0.1" : "::1", port: 53 };
    this.#lookup = lookup;
  }

  /** What is not yet answered counts as on its way, so that a guest that only asks is held up. */
  get pending(): number {
    return this.#input.length;
  }

  tell(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    queueMicrotask(() => {
      if (!this.#isClosed) handlers.connected();
    });
  }

  read(): void {
    this.#isWanted = true;
    queueMicrotask(() => this.#deliver());
  }

  write(bytes: Uint8Array): boolean {
    const input = new Uint8Array(this.#input.length + bytes.length);
    input.set(this.#input);
    input.set(bytes, this.#input.length);
    this.#input = input;
    if (!this.#isAnswering) void this.#answer();
    return true;
  }

  end(): void {
    this.#isEnded = true;
    this.read();
  }

  close(done: () => void): void {
    this.reset();
    queueMicrotask(done);
  }

  reset(): void {
    this.#isClosed = true;
    this.#input = new Uint8Array(0);
    this.#output = [];
  }

  setNoDelay(): void {}
  setKeepAlive(): void {}

  /** Answers one query after the other, in their order. */
  async #answer(): Promise<void> {
    this.#isAnswering = true;
    for (;;) {
      const query = this.#nextQuery();
      if (query === undefined) break;
      const answer = await answerQuery(query, this.#lookup);
      if (this.#isClosed) return;
      this.#handlers?.drained();
      if (answer === undefined) {
        this.#handlers?.failed("connreset");
        return;
      }
      this.#output.push(framed(answer));
      this.#deliver();
    }
    this.#isAnswering = false;
    this.#deliver();
  }

  #nextQuery(): Uint8Array | undefined {
    const [high, low] = this.#input;
    if (high === undefined || low === undefined) return undefined;
    const end = 2 + high * 256 + low;
    if (this.#input.length < end || end > mostBytes) return undefined;
    const query = this.#input.slice(2, end);
    this.#input = this.#input.slice(end);
    return query;
  }

  #deliver(): void {
    while (this.#isWanted && !this.#isClosed) {
      const next = this.#output.shift();
      if (next === undefined) {
        if (this.#isEnded && !this.#isAnswering) {
          this.#isWanted = false;
          this.#handlers?.ended();
        }
        return;
      }
      this.#isWanted = this.#handlers?.data(next) ?? false;
    }
  }
}

function framed(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(2 + message.length);
  new DataView(framed.buffer).setUint16(0, message.length);
  framed.set(message, 2);
  return framed;
}
