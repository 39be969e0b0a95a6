import { type AnswerListener, AnswerFilter } from "./answers.ts";
import { front } from "./frontend.ts";

/** What runs requests of PostgreSQL's protocol, one after the other. */
export interface Engine {
  execProtocolRawStream(
    message: Uint8Array,
    options: { readonly onRawData: (bytes: Uint8Array) => void },
  ): Promise<unknown>;
}

/** Requests that the database answers with its readiness. */
const readied: ReadonlySet<number | undefined> = new Set([front.query, front.sync, front.functionCall]);

/** The database has ended, and answers nobody any more. */
export class DatabaseEnded extends Error {}

/** What clients share: the one session of the database, which each has for itself in turns. */
export class Database {
  readonly #engine: Engine;
  readonly #onEnd: (why: string) => void;
  #owner: object | undefined;
  readonly #waiting: { readonly who: object; readonly enter: () => void }[] = [];
  #role: { readonly name: string; readonly who: object } | undefined;

  /** `onEnd` hears of it where a request ends the database, which is of no use then. */
  constructor(engine: Engine, onEnd: (why: string) => void) {
    this.#engine = engine;
    this.#onEnd = onEnd;
  }

  /** Whether the session is that one's, and others wait for it. */
  isHeldUpBy(who: object): boolean {
    return this.#owner === who && this.#waiting.length > 0;
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

  /** Becomes the role that a client has logged in as, whatever another has made of it since. The asker has the session. */
  async become(name: string, who: object): Promise<void> {
    if (this.#role?.name === name && this.#role.who === who) return;
    const quoted = name.replaceAll('"', '""');
    await this.query(`SET SESSION AUTHORIZATION "${quoted}"`);
    this.#role = { name, who };
  }

  /** Says that the session has become another role. */
  forgetRole(): void {
    this.#role = undefined;
  }

  /** Runs requests, and hands on the answers as they come. The asker has the session. @throws DatabaseEnded */
  async run(requests: readonly Uint8Array[], listener: AnswerListener, answer: (bytes: Buffer) => void): Promise<void> {
    let isReady = !requests.some(([type]) => readied.has(type));
    let why: string | undefined;
    const filter = new AnswerFilter({
      isWanted: (what) => listener.isWanted(what),
      ready: (status) => {
        isReady = true;
        listener.ready(status);
      },
      error: (severity, text) => {
        if (severity !== "ERROR") why = text;
        listener.error(severity, text);
      },
    });
    try {
      await this.#engine.execProtocolRawStream(Uint8Array.from(Buffer.concat(requests)), {
        onRawData: (bytes) => {
          const kept = filter.take(bytes);
          if (kept.length > 0) answer(kept);
        },
      });
    } catch (error) {
      why ??= error instanceof Error ? error.message : "it has exited";
    }
    if (why === undefined && isReady) return;
    this.#onEnd(why ?? "it did not finish a request");
    throw new DatabaseEnded("the database has ended");
  }

  /** Runs statements of this program's own. The asker has the session. */
  async query(text: string): Promise<Buffer> {
    const body = Buffer.from(`${text}\0`);
    const head = Buffer.alloc(5);
    head[0] = 0x51;
    head.writeInt32BE(body.length + 4, 1);
    const all: Buffer[] = [];
    const listener = { isWanted: () => true, ready: () => {}, error: () => {} };
    await this.run([Buffer.concat([head, body])], listener, (bytes) => void all.push(bytes));
    return Buffer.concat(all);
  }
}
