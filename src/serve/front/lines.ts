import { printable } from "../../base/index.ts";
import type { WorkerLines } from "../protocol.ts";

/** Lines of one kind that wait at most; those that come while so many wait are counted in their place. */
const mostWaiting = 10_000;
/** How long lines are gathered, in ms. */
const gathering = 50;
/** Characters of a guest's line; a longer one comes in pieces. */
const longestLine = 16_384;

const kinds = ["access", "operator", "guest", "audit"] as const;
type Kind = (typeof kinds)[number];

function nothing(): Record<Kind, string[]> {
  return { access: [], operator: [], guest: [], audit: [] };
}

/** Gathers lines for control, so that a message carries many. */
export class Lines {
  readonly #send: (lines: WorkerLines) => void;
  #waiting = nothing();
  readonly #dropped: Record<Kind, number> = { access: 0, operator: 0, guest: 0, audit: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (lines: WorkerLines) => void) {
    this.#send = send;
  }

  add(kind: Kind, line: string): void {
    const lines = this.#waiting[kind];
    if (lines.length >= mostWaiting) this.#dropped[kind] += 1;
    else lines.push(line);
    this.#timer ??= setTimeout(() => this.flush(), gathering);
  }

  /** Sends what is there. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { access, operator, guest, audit } = this.#waiting;
    for (const kind of kinds) {
      if (this.#dropped[kind] > 0)
        operator.push(`${this.#dropped[kind]} lines were dropped (${kind}): too many at once`);
      this.#dropped[kind] = 0;
    }
    if (access.length + operator.length + guest.length + audit.length === 0) return;
    this.#waiting = nothing();
    this.#send({
      kind: "lines",
      ...(access.length === 0 ? {} : { access }),
      ...(operator.length === 0 ? {} : { operator }),
      ...(guest.length === 0 ? {} : { guest }),
      ...(audit.length === 0 ? {} : { audit }),
    });
  }
}

/** Makes lines of what guests of a workload write to one stream. */
export class GuestLines {
  readonly #lines: Lines;
  readonly #name: string;
  readonly #decoder = new TextDecoder();
  #held = "";

  constructor(lines: Lines, name: string) {
    this.#lines = lines;
    this.#name = name;
  }

  write(bytes: Uint8Array): number {
    const pieces = (this.#held + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#held = pieces.pop() ?? "";
    for (const piece of pieces) this.#emit(piece);
    while (this.#held.length > longestLine) {
      this.#emit(this.#held.slice(0, longestLine));
      this.#held = this.#held.slice(longestLine);
    }
    return bytes.length;
  }

  ready(): true {
    return true;
  }

  /** Tells what has no end yet; more may come. */
  close(): void {
    if (this.#held !== "") this.#emit(this.#held);
    this.#held = "";
  }

  #emit(line: string): void {
    this.#lines.add("guest", `${this.#name} | ${printable(line)}`);
  }
}
