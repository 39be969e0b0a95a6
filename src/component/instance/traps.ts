import type { CanonicalTrapReason } from "../canonical/runtime.ts";

/** Why the canonical ABI ends a guest (component model, Canonical ABI: each `trap` and `trap_if`). */
export type TrapReason =
  | CanonicalTrapReason
  | "cannot-leave"
  | "cannot-enter"
  | "unknown-handle"
  | "wrong-handle-type"
  | "handle-is-borrowed"
  | "handle-is-lent"
  | "borrows-not-dropped"
  | "handle-table-full"
  | "uncaught-exception"
  | "not-async"
  | "backpressure-overflow"
  | "cannot-block";

const texts: Readonly<Partial<Record<TrapReason, string>>> = {
  "pointer-out-of-bounds": "pointer out of bounds of memory",
  "string-out-of-bounds": "string pointer/length out of bounds of memory: string content out-of-bounds",
  "list-out-of-bounds": "list pointer/length out of bounds of memory: list content out-of-bounds",
  "invalid-utf8": "invalid utf-8",
  "incomplete-utf8": "incomplete utf-8 byte sequence",
  "invalid-utf16": "invalid utf-16",
  "invalid-char": "invalid `char` bit pattern",
  "invalid-discriminant": "invalid variant discriminant",
  "realloc-out-of-bounds": "realloc return: beyond end of memory",
  "realloc-unaligned": "realloc return: result not aligned",
  "value-too-large": "a value would take more of the host's memory than one call may",
  "cannot-leave": "cannot leave component instance: it called out during realloc or post-return",
  "cannot-enter": "cannot enter component instance: a call of it has not returned",
  "unknown-handle": "unknown handle index",
  "wrong-handle-type": "handle index used with the wrong type",
  "handle-is-borrowed": "cannot give a resource away by a borrowed handle",
  "handle-is-lent": "cannot remove owned resource while borrowed",
  "borrows-not-dropped": "borrow handles still remain at the end of the call",
  "handle-table-full": "the table of handles is full",
  "uncaught-exception": "an exception that nothing caught reached the end of the component",
  "not-async": "only a function that is lifted async may do that",
  "backpressure-overflow": "backpressure was raised too often, or taken back more often than raised",
  "cannot-block": "cannot block a synchronous task before returning",
};

/** What a trap's message says of its reason. */
export function textOfTrap(reason: TrapReason): string {
  return texts[reason] ?? reason.replaceAll("-", " ");
}
