import { type AnswerListener, AnswerFilter } from "./answers.ts";

/** What runs requests of PostgreSQL's protocol, one after the other. */
export interface Engine {
  execProtocolRawStream(
    message: Uint8Array,
    options: { readonly onRawData: (bytes: Uint8Array) => void },
  ): Promise<unknown>;
}

/** What clients share: the one session of the database, which each has for itself in turns. */
export class Database {
  readonly #engine: Engine;
  #owner: object | undefined;
  readonly #waiting: { readonly who: object; readonly enter: () => void }[] = [];
  #role: string | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Resolves once the session is the asker's alone; at once where it is already. */
  acquire(who: object): Promise<void> | void {
    if (this.#owner === who) return;
    if (this.#owner === undefined) {
      this.#owner = who;
      return;
    }
    return new Promise((enter) => this.#waiting.push({ who, enter }));
  }

  /** Lets the next in. */
  release(who: object): void {
    if (this.#owner !== who) return;
    const next = this.#waiting.shift();
    this.#owner = next?.who;
    next?.enter();
  }

  /** Becomes the role that a client has logged in as. The asker has the session. */
  async become(role: string): Promise<void> {
    if (this.#role === role) return;
    const quoted = role.replaceAll('"', '""');
    await this.query(`SET SESSION AUTHORIZATION "${quoted}"`);
    this.#role = role;
  }

  /** Says that the session has become another role. */
  forgetRole(): void {
    this.#role = undefined;
  }

  /** Runs requests, and hands on the answers as they come. The asker has the session. */
  async run(requests: readonly Uint8Array[], listener: AnswerListener, answer: (bytes: Buffer) => void): Promise<void> {
    const filter = new AnswerFilter(listener);
    await this.#engine.execProtocolRawStream(Uint8Array.from(Buffer.concat(requests)), {
      onRawData: (bytes) => {
        const kept = filter.take(bytes);
        if (kept.length > 0) answer(kept);
      },
    });
  }

  /** Runs statements of this program's own. The asker has the session. */
  async query(text: string): Promise<Buffer> {
    const body = Buffer.from(`${text}\0`);
    const head = Buffer.alloc(5);
    head[0] = 0x51;
    head.writeInt32BE(body.length + 4, 1);
    const all: Buffer[] = [];
    await this.#engine.execProtocolRawStream(Uint8Array.from(Buffer.concat([head, body])), {
      onRawData: (bytes) => void all.push(Buffer.from(bytes)),
    });
    return Buffer.concat(all);
  }
}
