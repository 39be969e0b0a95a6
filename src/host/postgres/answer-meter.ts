import { formatBytes } from "../../base/index.ts";
import type { Duplex } from "../http/node-modules.ts";
import { AnswerProblem, checkMessage, headLength } from "./message-check.ts";

/**
 * Stands between a server and the library that reads what it says: hands over whole messages that are as they should be, and ends a
 * connection whose server says too much or anything else. The library reads past the end of a message, and for ever in one without
 * an end.
 */
export class AnswerMeter {
  /** The stream as the library takes one. */
  readonly stream: Duplex;
  problem: Error | undefined;
  readonly #most: number;
  #bytes = 0;
  /** The beginning of a message whose rest is to come. */
  #kept: Buffer[] = [];
  #keptLength = 0;
  /** Bytes that have to be there before there is anything to read. */
  #wanted = headLength;

  constructor(stream: Duplex, most: number) {
    this.#most = most;
    const listen = stream.on.bind(stream);
    const on = (event: string, listener: (value: Buffer) => void): Duplex => {
      if (event !== "data") return listen(event, listener);
      return listen(event, (chunk: Buffer) => this.#read(chunk, listener));
    };
    // A server has nothing to say to half a connection.
    stream.once("end", () => void stream.destroy());
    const connect = (): void => void setImmediate(() => stream.emit("connect"));
    this.stream = Object.assign(stream, { on, connect, setNoDelay: () => stream, setKeepAlive: () => stream });
  }

  /** Begins to count anew, for a next answer. */
  begin(): void {
    this.#bytes = 0;
  }

  #read(chunk: Buffer, listener: (messages: Buffer) => void): void {
    if (this.problem !== undefined) return;
    try {
      this.#count(chunk.length);
      const messages = this.#whole(chunk);
      if (messages !== undefined) listener(messages);
    } catch (error) {
      // Thrown on, it would end the process: it comes in the middle of the stream's own work.
      this.problem = error instanceof Error ? error : new Error(String(error));
      this.stream.destroy(this.problem);
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#most) throw new AnswerProblem(`the answer is longer than ${formatBytes(this.#most)}`);
  }

  /** The messages that are whole now, checked. */
  #whole(chunk: Buffer): Buffer | undefined {
    this.#kept.push(chunk);
    this.#keptLength += chunk.length;
    if (this.#keptLength < this.#wanted) return undefined;
    const bytes = this.#kept.length === 1 ? chunk : Buffer.concat(this.#kept);
    let at = 0;
    this.#wanted = headLength;
    while (bytes.length - at >= headLength) {
      const length = bytes.readUInt32BE(at + 1);
      if (length < 4 || length > this.#most) throw new AnswerProblem(lengthProblem(length, this.#most));
      if (bytes.length - at < length + 1) {
        this.#wanted = length + 1;
        break;
      }
      checkMessage(bytes, at, at + length + 1);
      at += length + 1;
    }
    const rest = bytes.subarray(at);
    this.#kept = rest.length === 0 ? [] : [rest];
    this.#keptLength = rest.length;
    return at === 0 ? undefined : bytes.subarray(0, at);
  }
}

function lengthProblem(length: number, most: number): string {
  return length < 4 ? "a message has no length" : `the answer is longer than ${formatBytes(most)}`;
}
