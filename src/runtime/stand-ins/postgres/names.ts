import { front, type FrontMessage, message, ProtocolError, textAt } from "./frontend.ts";

/** A message as the database gets it. */
export interface Renamed {
  readonly parts: readonly Uint8Array[];
  /** For each answer to a close: whether the client waits for it. */
  readonly closes: readonly ("client" | "own")[];
}

/**
 * Gives the statements and portals of one client names of its own: the database has one session for all, in which two clients'
 * `s0` would be one. A statement without a name stays until the next one, so it gets a name too, and is closed before that.
 */
export class Names {
  readonly #prefix: string;
  readonly #statements = new Set<string>();

  constructor(id: number) {
    this.#prefix = `client${id}_`;
  }

  /** @throws ProtocolError */
  rename({ type, bytes }: FrontMessage): Renamed {
    switch (type) {
      case front.parse: {
        const { text: name, end } = textAt(bytes, 5);
        const own = this.#prefix + name;
        this.#statements.add(own);
        const parse = message(type, own, bytes.subarray(end));
        return name === "" ? { parts: [closeOf(own), parse], closes: ["own"] } : { parts: [parse], closes: [] };
      }
      case front.bind: {
        const portal = textAt(bytes, 5);
        const statement = textAt(bytes, portal.end);
        const names = [this.#portal(portal.text), this.#prefix + statement.text];
        return { parts: [message(type, ...names, bytes.subarray(statement.end))], closes: [] };
      }
      case front.execute: {
        const { text, end } = textAt(bytes, 5);
        return { parts: [message(type, this.#portal(text), bytes.subarray(end))], closes: [] };
      }
      case front.describe:
      case front.close: {
        const kind = bytes[5];
        if (kind !== 0x53 && kind !== 0x50) throw new ProtocolError("invalid describe or close message");
        const { text } = textAt(bytes, 6);
        const name = kind === 0x53 ? this.#prefix + text : this.#portal(text);
        if (type === front.close && kind === 0x53) this.#statements.delete(name);
        return { parts: [message(type, kind, name)], closes: type === front.close ? ["client"] : [] };
      }
      default:
        return { parts: [bytes], closes: [] };
    }
  }

  /** Whether there is nothing to close. */
  get isEmpty(): boolean {
    return this.#statements.size === 0;
  }

  /** What closes all statements of the client's, which are then forgotten. */
  closeAll(): Renamed {
    const parts = [...this.#statements].map(closeOf);
    this.#statements.clear();
    return { parts, closes: parts.map(() => "own") };
  }

  /** A portal without a name lives no longer than the exclusive turn that it is made in. */
  #portal(name: string): string {
    return name === "" ? "" : this.#prefix + name;
  }
}

function closeOf(statement: string): Uint8Array {
  return message(front.close, 0x53, statement);
}
