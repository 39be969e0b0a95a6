import {
  BodyPipe,
  contentLength,
  HttpFailure,
  type HttpField,
  type OutgoingResponseParts,
} from "../../engine/index.ts";
import { endToEnd } from "./hop-fields.ts";

/** Most bytes of a response's fields. */
const mostHead = 65_536;
const lineFeed = 0x0a;
const fieldForm = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/;

/** Reads what a CGI program writes (RFC 3875, section 6), and answers with it as it comes. */
export class CgiResponse {
  readonly #respond: (response: OutgoingResponseParts) => void;
  readonly #method: string;
  #head: Buffer = Buffer.alloc(0);
  #pipe: BodyPipe | undefined;
  #problem: string | undefined;

  /** `method` is the request's: an answer to HEAD has a length and no body. */
  constructor(method: string, respond: (response: OutgoingResponseParts) => void) {
    this.#method = method;
    this.#respond = respond;
  }

  /** Why what was written is no response; undefined while it may be one. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether its fields were whole. */
  get isAnswered(): boolean {
    return this.#pipe !== undefined;
  }

  /** Takes all of it, once there is room. What comes behind a response that is none is dropped. */
  write(bytes: Uint8Array): number | Promise<number> {
    if (this.#problem !== undefined) return bytes.length;
    if (this.#pipe !== undefined) return this.#pipe.write(bytes);
    this.#head = Buffer.concat([this.#head, bytes]);
    const end = endOfHead(this.#head);
    if (end === undefined) {
      if (this.#head.length > mostHead) this.#problem = `its fields are more than ${mostHead} bytes`;
      return bytes.length;
    }
    const pipe = this.#begin(this.#head.toString("latin1", 0, end.at));
    const rest = this.#head.subarray(end.next);
    if (pipe === undefined || rest.length === 0) return bytes.length;
    const taken = pipe.write(rest);
    return typeof taken === "number" ? bytes.length : taken.then(() => bytes.length);
  }

  ready(): true | Promise<void> {
    const pipe = this.#pipe;
    if (pipe === undefined || pipe.isReady()) return true;
    return new Promise((resolve) => {
      const stop = pipe.watch(() => {
        if (stop !== true) stop();
        resolve();
      });
      if (stop === true) resolve();
    });
  }

  /** What is written by then is all: the program itself may still run. */
  close(): void {}

  /** The program has ended; a response that it promised to be longer is broken off. */
  end(): void {
    try {
      this.#pipe?.finish();
    } catch {
      // It has failed, and its client is told by that.
    }
  }

  /** The program did not come to its end. */
  fail(): void {
    this.#pipe?.fail(new HttpFailure({ tag: "HTTP-response-incomplete" }));
  }

  #begin(text: string): BodyPipe | undefined {
    let status: number | undefined;
    const fields: HttpField[] = [];
    for (const line of text.split(/\r?\n/)) {
      const [, name = "", value = ""] = fieldForm.exec(line) ?? [];
      if (name === "") {
        this.#problem = `"${line.slice(0, 80)}" is no field`;
        return undefined;
      }
      const lower = name.toLowerCase();
      if (lower === "status") status = Number(/^[2-5]\d\d(?= |$)/.exec(value)?.[0] ?? Number.NaN);
      else if (/[^\t -~\x80-\xff]/.test(value)) this.#problem = `the field "${name}" has control characters`;
      else fields.push([lower, Buffer.from(value, "latin1")]);
    }
    if (Number.isNaN(status)) this.#problem = "its Status is none";
    const kept = endToEnd(fields);
    const length = contentLength(kept);
    if (Number.isNaN(length)) this.#problem = "its Content-Length is none";
    if (this.#problem !== undefined) return undefined;
    const isMoved = status === undefined && kept.some(([name]) => name === "location");
    const code = status ?? (isMoved ? 302 : 200);
    this.#pipe = new BodyPipe({
      // Where none is sent, a program may leave out the body that its length tells of, or write it all the same.
      expected: this.#method === "HEAD" || code === 304 ? undefined : length,
      sizeError: "HTTP-response-body-size",
    });
    this.#respond({ status: code, fields: kept, body: this.#pipe });
    return this.#pipe;
  }
}

/** Where an empty line begins and what follows it: lines end with LF, or with CR and LF. */
function endOfHead(head: Buffer): { readonly at: number; readonly next: number } | undefined {
  for (let at = head.indexOf(lineFeed); at !== -1; at = head.indexOf(lineFeed, at + 1)) {
    const before = head[at - 1] === 0x0d ? at - 1 : at;
    if (head[at + 1] === lineFeed) return { at: before, next: at + 2 };
    if (head[at + 1] === 0x0d && head[at + 2] === lineFeed) return { at: before, next: at + 3 };
  }
  return undefined;
}
