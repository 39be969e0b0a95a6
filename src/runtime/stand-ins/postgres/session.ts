import type { Socket } from "node:net";
import type { AnswerListener } from "./answers.ts";
import type { Database } from "./database.ts";
import {
  errorMessage,
  front,
  type FrontMessage,
  FrontReader,
  int32,
  knownTypes,
  message,
  mostBytes,
  ProtocolError,
  startCode,
  textAt,
} from "./frontend.ts";
import { Names } from "./names.ts";
import { type Patience, usualPatience } from "./patience.ts";
import { deadVerifier, parseVerifier, ScramServer, type Verifier } from "./scram.ts";

/** What sessions are made with. */
export interface SessionParts {
  readonly database: Database;
  /** The one database that there is. */
  readonly databaseName: string;
  /** Whether anybody may log in as anybody. */
  readonly trusts: boolean;
  /** What a server tells of its settings, as messages. */
  readonly settings: Buffer;
  readonly log: (line: string) => void;
  readonly patience?: Patience;
}

/** Ends a session with an error that the client is told. */
class Refusal extends Error {
  readonly state: string;
  constructor(state: string, message: string) {
    super(message);
    this.state = state;
  }
}

const copyIn = /^\s*copy\b[^;]*\bfrom\s+stdin\b[^;]*;?\s*$/i;
const discards = /^\s*(discard\s+all|deallocate\s+all)\s*;?\s*$/i;

/** A verifier where it stands in a row: both keys have 32 bytes. */
const verifierText = /SCRAM-SHA-256\$\d+:[\w+/]+=*\$[\w+/]{43}=:[\w+/]{43}=/;

/** Most bytes that are read ahead of what is answered, and that wait for the end of a batch. */
const mostAhead = 1_048_576;
/** Most bytes of answers that a client does not take. */
const mostBehind = 256 * 1024 * 1024;
/** What takes the database out of a copy that it was led into unseen: it reads no further, and would end. */
const noCopy = message(front.copyFail, "this stand-in takes COPY FROM STDIN as a simple query of its own");
const endings: ReadonlySet<number> = new Set([front.query, front.sync, front.flush, front.functionCall]);

let lastId = 0;

/** One client's connection: its login, and its turns with the database's one session. */
export class Session {
  readonly #parts: SessionParts;
  readonly #socket: Socket;
  readonly #reader = new FrontReader();
  readonly #names: Names;
  readonly #id: number;
  #user = "";
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #closes: ("client" | "own")[] = [];
  /** How the last batch ended; `-` within one. */
  #status = "I";
  #arrived: (() => void) | undefined;
  /** Whether the client is gone, or sends no more. */
  #isOver = false;
  #isStopped = false;
  readonly #patience: Patience;

  constructor(socket: Socket, parts: SessionParts) {
    this.#parts = parts;
    this.#patience = parts.patience ?? usualPatience;
    this.#socket = socket;
    this.#id = lastId += 1;
    this.#names = new Names(this.#id);
    socket.on("data", (bytes: Uint8Array) => {
      this.#reader.add(bytes);
      // One that sends and sends while it is not its turn is held up.
      if (this.#reader.size > mostAhead && this.#arrived === undefined) socket.pause();
      this.#arrived?.();
    });
    const over = (): void => {
      this.#isOver = true;
      this.#arrived?.();
    };
    socket.on("error", over);
    socket.on("close", over);
    socket.on("end", over);
  }

  /** Serves the client until it goes. It never rejects. */
  async run(): Promise<void> {
    const { database, log } = this.#parts;
    try {
      if (await this.#login()) await this.#serve();
    } catch (error) {
      const refusal = error instanceof Refusal ? error : undefined;
      const text = error instanceof Error ? error.message : String(error);
      const state = refusal?.state ?? (error instanceof ProtocolError ? "08P01" : "XX000");
      log(`FATAL:  ${text}`);
      if (!this.#isOver) this.#socket.write(errorMessage("FATAL", state, text));
    }
    this.#part();
    await this.#leave();
    database.release(this);
  }

  /** Tells the client that the server stops. */
  stop(): void {
    this.#isOver = this.#isStopped = true;
    this.#socket.write(errorMessage("FATAL", "57P01", "terminating connection due to administrator command"));
    this.#part();
    this.#arrived?.();
  }

  /** Closes the connection; a client that does not take what was said last does not keep it. */
  #part(): void {
    this.#socket.destroySoon();
    setTimeout(() => this.#socket.destroy(), this.#patience.parting).unref();
  }

  async #login(): Promise<boolean> {
    // Others' transactions may take their time: it is the client that has to hurry.
    const timer = setInterval(() => {
      if (this.#arrived !== undefined) this.#isOver = true;
      this.#arrived?.();
    }, this.#patience.login);
    try {
      const isIn = await this.#identify();
      this.#reader.trust();
      return isIn;
    } finally {
      clearInterval(timer);
    }
  }

  async #identify(): Promise<boolean> {
    const { databaseName, trusts, settings } = this.#parts;
    const settled = await this.#start();
    if (settled === undefined) return false;
    const { user = "", database = user } = settled;
    this.#user = user;
    if (user === "") throw new Refusal("28000", "no PostgreSQL user name specified in startup packet");
    this.#reader.begin();
    const role = await this.#roleOf(user);
    if (!trusts) await this.#authenticate(user, role.verifier);
    else if (!role.exists) throw new Refusal("28000", `role "${user}" does not exist`);
    if (database !== databaseName)
      throw new Refusal(
        "3D000",
        `database "${database}" does not exist: this stand-in has one database, "${databaseName}"`,
      );
    const key = Buffer.concat([int32(this.#id), int32(crypto.getRandomValues(new Int32Array(1))[0] ?? 0)]);
    this.#socket.write(Buffer.concat([message(0x52, int32(0)), settings, message(0x4b, key), message(0x5a, 0x49)]));
    return true;
  }

  /** What a client says of itself; undefined for one that has nothing more to say. */
  async #start(): Promise<Readonly<Record<string, string>> | undefined> {
    for (;;) {
      const first = await this.#next();
      if (first === undefined) return undefined;
      const view = Buffer.from(first.bytes);
      const code = view.length < 8 ? 0 : view.readInt32BE(4);
      if (code === startCode.cancel) return undefined;
      if (code === startCode.ssl || code === startCode.gss) this.#socket.write("N");
      else if (code >> 16 !== startCode.major) throw new Refusal("0A000", "unsupported frontend protocol");
      else {
        const said: Record<string, string> = Object.create(null) as Record<string, string>;
        for (let at = 8; at < view.length && view[at] !== 0;) {
          const name = textAt(view, at);
          const value = textAt(view, name.end);
          said[name.text] = value.text;
          at = value.end;
        }
        // A newer client is told which version it is.
        const isNewer = (code & 0xffff) !== 0;
        if (isNewer) this.#socket.write(message(0x76, int32(startCode.major << 16), int32(0)));
        return said;
      }
    }
  }

  async #authenticate(user: string, found: Verifier | undefined): Promise<void> {
    const wrong = (): Refusal => new Refusal("28P01", `password authentication failed for user "${user}"`);
    const scram = new ScramServer(found ?? (await deadVerifier(user)));
    this.#socket.write(message(0x52, int32(10), "SCRAM-SHA-256", 0));
    const first = await this.#password();
    const mechanism = textAt(first, 5);
    const challenge = scram.first(Buffer.from(first.subarray(mechanism.end + 4)).toString("utf8"));
    if (mechanism.text !== "SCRAM-SHA-256" || challenge === undefined)
      throw new ProtocolError("malformed SCRAM message");
    this.#socket.write(message(0x52, int32(11), Buffer.from(challenge)));
    const proof = await this.#password();
    const signature = await scram.final(Buffer.from(proof.subarray(5)).toString("utf8"));
    if (signature === undefined || found === undefined) throw wrong();
    this.#socket.write(message(0x52, int32(12), Buffer.from(signature)));
  }

  async #password(): Promise<Uint8Array> {
    const answer = await this.#next();
    if (answer?.type !== front.password) throw new ProtocolError("expected SASL response");
    return answer.bytes;
  }

  async #roleOf(user: string): Promise<{ readonly exists: boolean; readonly verifier: Verifier | undefined }> {
    const { database } = this.#parts;
    await database.acquire(this);
    try {
      const name = user.replaceAll("'", "''");
      const rows = await database.query(
        `SET SESSION AUTHORIZATION postgres; SELECT 'there', rolpassword FROM pg_catalog.pg_authid WHERE rolname = E'${name.replaceAll("\\", "\\\\")}' AND rolcanlogin`,
      );
      database.forgetRole();
      const row = rows.toString("latin1");
      const verifier = parseVerifier(verifierText.exec(row)?.[0] ?? "");
      return { exists: row.includes("there"), verifier };
    } finally {
      database.release(this);
    }
  }

  async #serve(): Promise<void> {
    for (;;) {
      const next = await this.#next();
      if (next === undefined || next.type === front.terminate) return;
      const isBatch = await this.#collect(next);
      if (!isBatch) continue;
      await this.#runBatch();
      // Who does not read holds up nobody else.
      if (this.#status === "I") this.#parts.database.release(this);
      await this.#taken();
    }
  }

  /** Resolves once the client has taken most of its answers, or is gone. @throws Refusal 25P03 */
  async #taken(): Promise<void> {
    const socket = this.#socket;
    const isTaken = (): boolean => this.#isOver || socket.destroyed || socket.writableLength <= mostAhead;
    while (!isTaken()) {
      await this.#turn((go) => {
        socket.once("drain", go);
        socket.once("close", go);
      });
    }
  }

  /** Waits for the client, but not for ever where others wait for it. @throws Refusal 25P03 */
  async #turn(wait: (go: () => void) => void): Promise<void> {
    const { transaction } = this.#patience;
    let isHolding = false;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!this.#parts.database.isHeldUpBy(this)) return;
        isHolding = true;
        go();
      };
      const timer = transaction === 0 ? undefined : setInterval(look, transaction);
      const go = (): void => {
        clearInterval(timer);
        resolve();
      };
      wait(go);
    });
    if (isHolding)
      throw new Refusal(
        "25P03",
        "terminating connection due to idle-in-transaction timeout: others wait for their turn",
      );
  }

  /** Adds a message to the batch, and says whether that is complete. */
  async #collect(next: FrontMessage): Promise<boolean> {
    if (!knownTypes.has(next.type)) throw new ProtocolError(`invalid frontend message type ${next.type}`);
    if (next.type === front.query) {
      const { text } = textAt(next.bytes, 5);
      if (discards.test(text)) return this.#discard(text);
      if (copyIn.test(text)) return this.#collectCopy(next, text);
    }
    const { parts, closes } = this.#names.rename(next);
    this.#add(...parts);
    if (next.type === front.query || next.type === front.execute) this.#add(noCopy);
    this.#closes.push(...closes);
    // One that is long goes ahead, as if it had been flushed.
    return endings.has(next.type) || this.#batchBytes > mostAhead;
  }

  #add(...requests: readonly Uint8Array[]): void {
    this.#batch.push(...requests);
    for (const { length } of requests) this.#batchBytes += length;
  }

  /** What would drop the statements of all clients drops those of this one. */
  async #discard(text: string): Promise<false> {
    const { database } = this.#parts;
    const status = this.#status === "-" ? "I" : this.#status;
    await database.acquire(this);
    await this.#closeStatements();
    if (/discard/i.test(text)) await database.query("CLOSE ALL; RESET ALL");
    if (status === "I") database.release(this);
    const tag = text.trim().replace(/\s+/g, " ").replace(";", "").toUpperCase();
    this.#socket.write(Buffer.concat([message(0x43, tag), message(0x5a, status.charCodeAt(0))]));
    return false;
  }

  /** The database takes a copy's rows in one go: they are collected first. */
  async #collectCopy(query: FrontMessage, text: string): Promise<boolean> {
    const format = /\bbinary\b/i.test(text) ? 1 : 0;
    this.#socket.write(message(0x47, format, 0, 0));
    this.#add(query.bytes);
    for (;;) {
      const next = await this.#next();
      if (next === undefined) return false;
      const isData = [front.copyData, front.copyDone, front.copyFail].some((type) => type === next.type);
      if (isData) this.#add(next.bytes);
      if (this.#batchBytes > mostBytes) throw new Refusal("54000", `a copy's rows are more than ${mostBytes} bytes`);
      if (isData && next.type !== front.copyData) return true;
    }
  }

  async #runBatch(): Promise<void> {
    const { database, log } = this.#parts;
    const requests = this.#batch;
    const closes = this.#closes;
    this.#batch = [];
    this.#closes = [];
    this.#batchBytes = 0;
    await database.acquire(this);
    if (this.#status === "I") await database.become(this.#user, this);
    this.#status = "-";
    const listener: AnswerListener = {
      // The client was told of a copy before its rows came.
      isWanted: (what) => what === "close" && closes.shift() !== "own",
      ready: (status) => {
        this.#status = status;
      },
      error: (severity, text) => log(`${severity}:  ${text}`),
    };
    await database.run(requests, listener, (bytes) => {
      if (this.#isOver) return;
      this.#socket.write(bytes);
      if (this.#socket.writableLength <= mostBehind) return;
      log(`FATAL:  a client does not take its answers, more than ${mostBehind} bytes`);
      this.#isOver = true;
      this.#socket.destroy();
    });
  }

  /** Leaves nothing of this client in the session: no transaction, no statement. */
  async #leave(): Promise<void> {
    const { database, log } = this.#parts;
    if (this.#status === "I" && this.#names.isEmpty) return;
    await database.acquire(this);
    try {
      if (this.#status !== "I") {
        // A batch that was not ended would be committed by its end: something wrong in it undoes it.
        const wrong = message(front.parse, "", "left by its client", 0, 0);
        await database.run([wrong, message(front.sync)], silent, () => {});
        await database.query("ROLLBACK");
      }
      await this.#closeStatements();
    } catch (error) {
      log(`ERROR:  ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #closeStatements(): Promise<void> {
    const { parts } = this.#names.closeAll();
    if (parts.length > 0) await this.#parts.database.run([...parts, message(front.sync)], silent, () => {});
  }

  async #next(): Promise<FrontMessage | undefined> {
    for (;;) {
      const next = this.#reader.next();
      if (this.#isStopped || (next === undefined && this.#isOver)) return undefined;
      if (next !== undefined) return next;
      this.#socket.resume();
      await this.#turn((go) => {
        this.#arrived = go;
      });
      this.#arrived = undefined;
    }
  }
}

const silent: AnswerListener = { isWanted: () => false, ready: () => {}, error: () => {} };
