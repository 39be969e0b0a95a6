import { formatBytes, HostError, SampanError } from "../base/index.ts";
import { GuestEnd } from "./guest-end.ts";

const sigpipe = 13;

/** Counts the bytes that a guest may still write to its output streams. */
export class OutputBudget {
  readonly #limit: number;
  #left: number;

  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
    this.#left = limit;
  }

  /** Asks before a write whether there is room for it. @throws GuestEnd with LIMIT_OUTPUT where it would pass the limit */
  check(bytes: number): void {
    if (bytes <= this.#left) return;
    const error = new SampanError("LIMIT_OUTPUT", `Cannot write more output: ${formatBytes(this.#limit)} are used up`, {
      hint: "raise it with --max-output SIZE",
    });
    throw new GuestEnd({ kind: "limit", error });
  }

  /** Gives all of it again, for another use of the instance. */
  renew(): void {
    this.#left = this.#limit;
  }

  /** Takes off what was written in the end: a stream may take a part only, and the guest writes the rest again. */
  spend(bytes: number): number {
    this.#left -= bytes;
    return bytes;
  }
}

/**
 * A stream whose reader may go away. The guest is told so once; one that goes on writing ends as SIGPIPE would have ended it.
 */
export class BrokenPipe {
  #isTold = false;

  /** Throws what a write's error comes to. @throws GuestEnd by SIGPIPE where nobody reads any more and it was told before */
  meet(error: unknown): never {
    if (error instanceof HostError && error.errno === "pipe") {
      if (this.#isTold) throw new GuestEnd({ kind: "signal", signal: sigpipe });
      this.#isTold = true;
    }
    throw error;
  }
}
