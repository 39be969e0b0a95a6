import { textAt } from "./frontend.ts";

const typeOf = { close: 0x33, copyIn: 0x47, error: 0x45, ready: 0x5a } as const;

/** What is heard of a database's answers on their way to a client. */
export interface AnswerListener {
  /** Whether a message is for the client; asked for each close and copy. */
  isWanted(what: "close" | "copyIn"): boolean;
  /** The database waits for the next request: outside a transaction (`I`), in one (`T`), in a failed one (`E`). */
  ready(status: string): void;
  error(severity: string, text: string): void;
}

/** Reads a database's answers as they come and takes out what the client has not asked for. */
export class AnswerFilter {
  readonly #listener: AnswerListener;
  #rest: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
  /** Bytes of a message that are still to come and go through. */
  #through = 0;

  constructor(listener: AnswerListener) {
    this.#listener = listener;
  }

  /** The parts of a chunk that are for the client, each a copy: the database's memory changes. */
  take(chunk: Uint8Array): Buffer {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    this.#rest = new Uint8Array(0);
    const kept: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#through > 0) {
        const count = Math.min(this.#through, bytes.length - at);
        kept.push(bytes.subarray(at, at + count));
        this.#through -= count;
        at += count;
        continue;
      }
      const total = bytes.length - at < 5 ? Number.POSITIVE_INFINITY : 1 + bytes.readInt32BE(at + 1);
      const type = bytes[at];
      const isRead = type === typeOf.ready || type === typeOf.error || type === typeOf.close || type === typeOf.copyIn;
      if (bytes.length - at < 5 || (isRead && bytes.length - at < total)) {
        this.#rest = bytes.subarray(at);
        break;
      }
      if (isRead && !this.#hear(bytes.subarray(at, at + total))) at += total;
      else this.#through = total;
    }
    return kept.length === 1 && kept[0] !== undefined ? kept[0] : Buffer.concat(kept);
  }

  /** Whether a message goes on to the client. */
  #hear(bytes: Buffer): boolean {
    switch (bytes[0] ?? 0) {
      case typeOf.close:
        return this.#listener.isWanted("close");
      case typeOf.copyIn:
        return this.#listener.isWanted("copyIn");
      case typeOf.ready:
        this.#listener.ready(String.fromCharCode(bytes[5] ?? 0));
        return true;
      default: {
        const fields = new Map<string, string>();
        for (let at = 5; at < bytes.length && bytes[at] !== 0;) {
          const { text, end } = textAt(bytes, at);
          fields.set(text.slice(0, 1), text.slice(1));
          at = end;
        }
        this.#listener.error(fields.get("V") ?? "ERROR", fields.get("M") ?? "");
        return true;
      }
    }
  }
}
