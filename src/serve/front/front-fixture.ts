import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import type { Front, FrontExchange, FrontLimits, FrontOptions, MakeFront } from "./front.ts";
import type { ClientLimit } from "./head-check.ts";
import { makeNativeFront } from "./native-front.ts";
import { makeNodeFront } from "./node-front.ts";

/** Every front that there is: all of them pass the same tests. */
export const fronts: readonly (readonly [name: string, make: MakeFront])[] = [
  ["makeNodeFront()", makeNodeFront],
  ["makeNativeFront()", makeNativeFront],
];

/** Limits that no test meets which does not mean to. */
export const wideLimits: FrontLimits = {
  maxHeaderBytes: 16_384,
  maxHeaders: 100,
  maxBody: 1 << 30,
  maxConnections: 1000,
  headerTimeout: 60_000,
  idleTimeout: 60_000,
  bodyTimeout: 60_000,
};

/** A front of a test's, and what it said. */
export interface TestFront {
  readonly front: Front;
  readonly refused: string[];
  /** The limits that those were past. */
  readonly past: ClientLimit[];
  readonly connect: () => RawClient;
}

/** Starts a front that ends with the test. */
export async function testFront(
  t: TestContext,
  make: MakeFront,
  onExchange: (exchange: FrontExchange) => void,
  { limits, ...options }: Partial<Omit<FrontOptions, "limits">> & { readonly limits?: Partial<FrontLimits> } = {},
): Promise<TestFront> {
  const refused: string[] = [];
  const past: ClientLimit[] = [];
  const front = await make({
    host: "127.0.0.1",
    port: 0,
    reusePort: false,
    onRefused: (why, limit) => {
      refused.push(why);
      if (limit !== undefined) past.push(limit);
    },
    ...options,
    limits: { ...wideLimits, ...limits },
    onExchange,
  });
  t.after(() => front.close());
  const { path, tls } = options;
  const open = (): Socket => {
    if (path !== undefined) return connect(path);
    const { port } = front.address;
    return tls === undefined
      ? connect(port, "127.0.0.1")
      : connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  };
  const client = (): RawClient => {
    const made = new RawClient(open());
    t.after(() => made.close());
    return made;
  };
  return { front, refused, past, connect: client };
}

/** One answer, as it came. */
export interface RawReply {
  readonly status: number;
  /** Names in lower case and values, in turn. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/** The first value of a field. */
export function fieldOf({ fields }: RawReply, name: string): string | undefined {
  return fields.find(([each]) => each === name)?.[1];
}

/** A client that sends what it is told, byte by byte, and reads what comes back. Characters stand for bytes. */
export class RawClient {
  readonly socket: Socket;
  #text = "";
  #isEnded = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.setNoDelay(true);
    socket.on("data", (text: string) => {
      this.#text += text;
      this.#wake();
    });
    const end = (): void => {
      this.#isEnded = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    socket.on("error", end);
  }

  /** Bytes that came and were not read as a reply. */
  get rest(): string {
    return this.#text;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  send(...pieces: readonly string[]): void {
    for (const piece of pieces) if (this.socket.writable) this.socket.write(piece, "latin1");
  }

  /** Resolves once the connection is closed by the other side, with everything that came and was not read. */
  async ended(): Promise<string> {
    while (!this.#isEnded) await this.#more();
    return this.#text;
  }

  /** Resolves once `text` came. @throws where the connection ends before that */
  async until(text: string): Promise<void> {
    while (!this.#text.includes(text)) {
      if (this.#isEnded) throw new Error(`The connection ended before ${JSON.stringify(text)}: ${this.#text}`);
      await this.#more();
    }
  }

  /** The next answer. @throws where the connection ends before it is whole, unless its end is the body's */
  async reply({ isBodiless = false }: { readonly isBodiless?: boolean } = {}): Promise<RawReply> {
    await this.until("\r\n\r\n");
    const end = this.#text.indexOf("\r\n\r\n");
    const [line = "", ...lines] = this.#text.slice(0, end).split("\r\n");
    this.#text = this.#text.slice(end + 4);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
    const fields = fieldsOf(lines);
    const length = fields.find(([name]) => name === "content-length")?.[1];
    const isChunked = fields.some(([name, value]) => name === "transfer-encoding" && value === "chunked");
    if (isBodiless || status < 200 || status === 204 || status === 304)
      return { status, fields, body: "", trailers: [] };
    if (isChunked) return { status, fields, ...(await this.#chunks()) };
    if (length === undefined) return { status, fields, body: await this.#toEnd(), trailers: [] };
    return { status, fields, body: await this.#bytes(Number(length)), trailers: [] };
  }

  /** Sends and reads one answer. */
  ask(text: string): Promise<RawReply> {
    this.send(text);
    return this.reply({ isBodiless: text.startsWith("HEAD ") });
  }

  close(): void {
    this.socket.destroy();
  }

  async #chunks(): Promise<{ body: string; trailers: RawReply["trailers"] }> {
    let body = "";
    for (;;) {
      await this.until("\r\n");
      const end = this.#text.indexOf("\r\n");
      const size = Number.parseInt(this.#text.slice(0, end), 16);
      this.#text = this.#text.slice(end + 2);
      if (Number.isNaN(size)) throw new Error("A chunk without a size");
      if (size > 0) {
        body += (await this.#bytes(size + 2)).slice(0, -2);
        continue;
      }
      const lines: string[] = [];
      for (;;) {
        await this.until("\r\n");
        const at = this.#text.indexOf("\r\n");
        const line = this.#text.slice(0, at);
        this.#text = this.#text.slice(at + 2);
        if (line === "") return { body, trailers: fieldsOf(lines) };
        lines.push(line);
      }
    }
  }

  async #bytes(count: number): Promise<string> {
    while (this.#text.length < count) {
      if (this.#isEnded) throw new Error(`The connection ended ${count - this.#text.length} bytes too early`);
      await this.#more();
    }
    const bytes = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return bytes;
  }

  async #toEnd(): Promise<string> {
    const text = await this.ended();
    this.#text = "";
    return text;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function fieldsOf(lines: readonly string[]): (readonly [string, string])[] {
  return lines.map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
}

/** All bytes of a request's body, as characters. @throws HttpFailure */
export async function bodyOf({ request: { body } }: FrontExchange): Promise<string> {
  const into = Buffer.alloc(16_384);
  let text = "";
  for (;;) {
    const count = await body.read(into);
    if (count === 0) return text;
    text += into.toString("latin1", 0, count);
  }
}
