import type { ServedRequest } from "./served-request.ts";

/** Requests in the order in which they came; each is in one list at most, and leaves it without a search. */
export class RequestList {
  #first: ServedRequest | undefined;
  #last: ServedRequest | undefined;

  get first(): ServedRequest | undefined {
    return this.#first;
  }

  add(request: ServedRequest): void {
    request.before = this.#last;
    request.isListed = true;
    if (this.#last === undefined) this.#first = request;
    else this.#last.after = request;
    this.#last = request;
  }

  /** Takes it out, if it is in. */
  remove(request: ServedRequest): void {
    if (!request.isListed) return;
    const { before, after } = request;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    request.isListed = false;
    request.before = undefined;
    request.after = undefined;
  }
}
