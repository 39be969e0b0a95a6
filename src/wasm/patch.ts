/** A rewritten binary. */
export interface RewrittenBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The offset in bytes in the original of an offset in the rewritten binary, so that backtraces name what the author has. */
  readonly originalOffset: (offset: number) => number;
}
