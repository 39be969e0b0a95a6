import { answerQuery, type Lookup } from "./name-server.ts";

/** Most questions that one socket may have open. */
const mostOpen = 64;

/** Answers the queries of a UDP socket, as the name server that the guest thinks it has. */
export class ResolverDatagrams {
  readonly #lookup: Lookup;
  #open = 0;
  #isClosed = false;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  /** Answers in a later turn, or never, as a datagram may be lost. */
  ask(query: Uint8Array, answered: (answer: Uint8Array) => void): void {
    if (this.#open >= mostOpen) return;
    this.#open += 1;
    void answerQuery(query, this.#lookup).then((answer) => {
      this.#open -= 1;
      if (answer !== undefined && !this.#isClosed) answered(answer);
    });
  }

  close(): void {
    this.#isClosed = true;
  }
}
