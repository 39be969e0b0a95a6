import type { SampanError } from "../base/index.ts";

/** Why a guest stopped before its entry function returned. */
export type EndReason =
  | { readonly kind: "exit"; readonly code: number }
  /** By a signal's number: raised by the guest, or what a system would have sent it. */
  | { readonly kind: "signal"; readonly signal: number }
  | { readonly kind: "limit"; readonly error: SampanError };

/** Thrown by a host operation that ends the guest; the engine turns it into a trap executed in Wasm. */
export class GuestEnd extends Error {
  override readonly name = "GuestEnd";
  readonly reason: EndReason;

  constructor(reason: EndReason) {
    super(`The guest ends: ${reason.kind}`);
    this.reason = reason;
  }
}
