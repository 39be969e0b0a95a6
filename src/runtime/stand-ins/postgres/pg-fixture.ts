import { connect, type Socket } from "node:net";
import { int32, message } from "./frontend.ts";

/** A message of the server's. */
export interface ServerMessage {
  readonly type: string;
  readonly body: Buffer;
}

/** A client of PostgreSQL's protocol that says exactly what a test wants. */
export class PgClient {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #isOver = false;
  #arrived: (() => void) | undefined;

  constructor(path: string) {
    this.#socket = connect({ path });
    this.#socket.on("data", (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#arrived?.();
    });
    const over = (): void => {
      this.#isOver = true;
      this.#arrived?.();
    };
    this.#socket.on("error", over);
    this.#socket.on("close", over);
  }

  /** Logs in; rejects with what the server says. */
  async login(user: string, database: string, password?: string): Promise<this> {
    const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
    this.#socket.write(Buffer.concat([int32(body.length + 8), int32(196_608), body]));
    const asked = await this.#expect("R");
    if (asked.readInt32BE(0) === 10) await this.#scram(password ?? "");
    await this.untilReady();
    return this;
  }

  send(...messages: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(messages));
  }

  /** The messages up to the next readiness, types and the texts of rows and errors. */
  async untilReady(): Promise<string[]> {
    const all: string[] = [];
    for (;;) {
      const { type, body } = await this.next();
      if (type === "E" && !all.some((each) => each.startsWith("Z"))) all.push(`E ${errorOf(body)}`);
      else if (type === "D") all.push(`D ${rowOf(body)}`);
      else if (type === "Z") return [...all, `Z ${body.toString("latin1")}`];
      else if (!"SNK".includes(type)) all.push(type);
      if (type === "E" && errorOf(body).startsWith("FATAL")) throw new Error(errorOf(body));
    }
  }

  /** The rows of one text, joined; or the error. */
  async query(text: string): Promise<string> {
    this.send(message(0x51, text));
    const said = await this.untilReady();
    const error = said.find((each) => each.startsWith("E "));
    return error ?? said.flatMap((each) => (each.startsWith("D ") ? [each.slice(2)] : [])).join(";");
  }

  async next(): Promise<ServerMessage> {
    for (;;) {
      const length = this.#bytes.length < 5 ? Number.POSITIVE_INFINITY : 1 + this.#bytes.readInt32BE(1);
      if (this.#bytes.length >= length) {
        const type = String.fromCharCode(this.#bytes[0] ?? 0);
        const body = this.#bytes.subarray(5, length);
        this.#bytes = this.#bytes.subarray(length);
        return { type, body };
      }
      if (this.#isOver) throw new Error("The server closed the connection");
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /** Reads no more. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  async #expect(type: string): Promise<Buffer> {
    const next = await this.next();
    if (next.type === "E") throw new Error(errorOf(next.body));
    if (next.type !== type) throw new Error(`The server said ${next.type} for ${type}`);
    return next.body;
  }

  async #scram(password: string): Promise<void> {
    const bare = "n=,r=clientnonce";
    const first = Buffer.from(`n,,${bare}`);
    this.send(message(0x70, "SCRAM-SHA-256", int32(first.length), first));
    const challenge = (await this.#expect("R")).subarray(4).toString("utf8");
    const [, nonce = "", salt = "", iterations = ""] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge) ?? [];
    const final = `c=biws,r=${nonce}`;
    const proof = await proofOf(password, {
      salt,
      iterations: Number(iterations),
      said: `${bare},${challenge},${final}`,
    });
    this.send(message(0x70, Buffer.from(`${final},p=${proof}`)));
    await this.#expect("R");
    await this.#expect("R");
  }
}

async function proofOf(
  password: string,
  { salt, iterations, said }: { readonly salt: string; readonly iterations: number; readonly said: string },
): Promise<string> {
  const { createHash, createHmac, pbkdf2Sync } = await import("node:crypto");
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), iterations, 32, "sha256");
  const key = createHmac("sha256", salted).update("Client Key").digest();
  const signature = createHmac("sha256", createHash("sha256").update(key).digest()).update(said).digest();
  return Buffer.from(key.map((byte, index) => byte ^ (signature[index] ?? 0))).toString("base64");
}

function errorOf(body: Buffer): string {
  const fields = body.toString("utf8").split("\0");
  const field = (letter: string): string => fields.find((each) => each.startsWith(letter))?.slice(1) ?? "";
  return `${field("V")} ${field("C")} ${field("M")}`;
}

function rowOf(body: Buffer): string {
  const values: string[] = [];
  let at = 2;
  for (let index = body.readInt16BE(0); index > 0; index--) {
    const length = body.readInt32BE(at);
    values.push(length < 0 ? "null" : body.subarray(at + 4, at + 4 + length).toString("utf8"));
    at += 4 + Math.max(length, 0);
  }
  return values.join(",");
}
