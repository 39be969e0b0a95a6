import { createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { seenText } from "./malformed-case.ts";

/** A server as one writes it in an afternoon: it splits at blank lines, believes every length, and looks at nothing else. */
export async function naiveServer(t: TestContext): Promise<{ readonly port: number; readonly seen: string[] }> {
  const seen: string[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    const connection = new NaiveConnection(socket, seen);
    socket.on("data", (text: string) => connection.take(text));
    socket.on("end", () => connection.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("A port is what was asked for");
  return { port: address.port, seen };
}

class NaiveConnection {
  readonly #socket: Socket;
  readonly #seen: string[];
  #text = "";
  #isEnded = false;

  constructor(socket: Socket, seen: string[]) {
    this.#socket = socket;
    this.#seen = seen;
  }

  take(text: string): void {
    this.#text += text;
    while (this.#text !== "" && this.#request());
  }

  /** What there is when a client leaves is taken for whole. */
  end(): void {
    this.#isEnded = true;
    while (this.#text !== "" && this.#request());
    this.#socket.end();
  }

  /** Answers one request, if it is there. */
  #request(): boolean {
    const blank = /\r?\n\r?\n/.exec(this.#text);
    if (blank === null && !this.#isEnded) return false;
    const [head, rest] =
      blank === null
        ? [this.#text, ""]
        : [this.#text.slice(0, blank.index), this.#text.slice(blank.index + blank[0].length)];
    const [line = "", ...lines] = head.split(/[\r\n]+/);
    const fields = new Map<string, string>();
    for (const each of lines) {
      const [name = "", ...value] = each.split(":");
      fields.set(name.trim().toLowerCase(), utf8(value.join(":").trim()));
    }
    const length = Number.parseInt(fields.get("content-length") ?? "0") || 0;
    const isChunked = fields.get("transfer-encoding")?.includes("chunked") === true;
    const body = isChunked ? this.#chunks(rest) : this.#bytes(rest, Math.max(0, length));
    if (body === undefined) return false;
    this.#text = body.rest;
    const [method = "", target = ""] = line.split(/\s+/);
    const own = Array.from(fields).filter(([name]) => name.startsWith("x-"));
    const texts = own.map(([name, value]) => `${name}: ${value}`);
    this.#seen.push(seenText(method, fields.get("host") ?? "", decoded(target), body.text, texts));
    this.#socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    return true;
  }

  #bytes(rest: string, length: number): { text: string; rest: string } | undefined {
    if (rest.length < length && !this.#isEnded) return undefined;
    return { text: rest.slice(0, length), rest: rest.slice(length) };
  }

  /** Chunks end with the first of size 0, whatever is behind it. */
  #chunks(from: string): { text: string; rest: string } | undefined {
    let text = "";
    for (let rest = from; ;) {
      const end = rest.indexOf("\n");
      if (end < 0) return this.#isEnded ? { text, rest: "" } : undefined;
      const size = Number.parseInt(rest.slice(0, end), 16) || 0;
      if (size <= 0) return { text, rest: rest.slice(end + 1).replace(/^\r?\n/, "") };
      rest = rest.slice(end + 1);
      if (rest.length < size && !this.#isEnded) return undefined;
      text += rest.slice(0, size);
      rest = rest.slice(size).replace(/^\r?\n/, "");
    }
  }
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString();
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(utf8(target.replace(/^https?:\/\/[^/]*/i, ""))).replaceAll("\\", "/");
  } catch {
    return target.replaceAll(/%.{0,2}/g, "?");
  }
}
