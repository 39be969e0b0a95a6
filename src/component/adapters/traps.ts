/** The reasons for which an adapter ends a guest, by the number with which it calls its import `trap`. */
export const adapterTraps = [
  "cannot-leave",
  "cannot-enter",
  "uncaught-exception",
  "unaligned-pointer",
  "pointer-out-of-bounds",
  "string-out-of-bounds",
  "string-too-long",
  "list-out-of-bounds",
  "list-too-long",
  "invalid-utf8",
  "incomplete-utf8",
  "invalid-utf16",
  "invalid-char",
  "invalid-discriminant",
] as const;

/** Why an adapter ends a guest. */
export type AdapterTrapReason = (typeof adapterTraps)[number];
