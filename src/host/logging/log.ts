import { printable } from "../../base/index.ts";
import { isLogged, type LogGrant, type LogLevel } from "../../capabilities/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { Buffers } from "../filesystem/file-calls.ts";
import type { Observer } from "../observer.ts";

/** Most characters of one line; what is longer is cut. */
const longestLine = 65_536;

/** Where log lines of an instance go. */
export class Log {
  readonly #grant: LogGrant;
  readonly #observer: Observer;
  readonly #openStream: (name: "stdout" | "stderr") => Descriptor;
  #stream: Descriptor | undefined;
  /** The line that is being written: lines of one instance do not mix. */
  #last: Promise<void> | undefined;

  /** `openStream` opens a standard stream, whatever the guest was granted of them. */
  constructor(grant: LogGrant, observer: Observer, openStream: (name: "stdout" | "stderr") => Descriptor) {
    this.#grant = grant;
    this.#observer = observer;
    this.#openStream = openStream;
  }

  /**
   * Writes a line. Without a grant it goes nowhere, and the observer hears of it.
   *
   * @throws HostError where the stream fails, GuestEnd with LIMIT_OUTPUT
   */
  write(level: LogLevel, context: string, message: string): void | Promise<void> {
    const grant = this.#grant;
    if (grant.kind === "none") return this.#observer.refused({ capability: "log" });
    if (this.#observer.isLearning) this.#observer.used({ capability: "log" });
    if (!isLogged(grant, level)) return;
    this.#stream ??= this.#openStream(grant.kind);
    const stream = this.#stream;
    const bytes = new TextEncoder().encode(lineOf(level, context, message));
    if (this.#last === undefined) {
      const rest = writeAll(stream, bytes);
      return rest === undefined ? undefined : this.#follow(rest);
    }
    return this.#follow(this.#last.catch(() => {}).then(() => writeAll(stream, bytes)));
  }

  #follow(line: Promise<void>): Promise<void> {
    const kept = line.finally(() => {
      if (this.#last === kept) this.#last = undefined;
    });
    this.#last = kept;
    return kept;
  }
}

/** A line for people: what a guest says stays in it. */
function lineOf(level: LogLevel, context: string, message: string): string {
  const said = context === "" ? message : `${context}: ${message}`;
  const text = printable(said.length > longestLine ? `${said.slice(0, longestLine)}…` : said);
  return `${level.toUpperCase()} ${text}\n`;
}

/** Writes until nothing is left, at once where the stream takes it. */
function writeAll(stream: Descriptor, bytes: Uint8Array): undefined | Promise<void> {
  const pieces = new Buffers();
  let done = 0;
  while (done < bytes.length) {
    pieces.reset(bytes);
    pieces.add(done, bytes.length - done);
    const written = stream.write(pieces);
    if (typeof written !== "number") {
      const from = done;
      return written.then((count) => writeAll(stream, bytes.subarray(from + count)));
    }
    done += written;
  }
  return undefined;
}
