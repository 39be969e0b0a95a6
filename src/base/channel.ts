/** Bytes that come from somewhere: the one shape of every stream that a host hands to an ABI. */
export interface ByteSource {
  /**
   * Reads at most `into.length` bytes into `into` and answers how many came; 0 is the end. Answers a promise where bytes have
   * to be waited for: `into` is the source's until that settles. An aborted signal gives the wait up, and no byte is lost.
   */
  read(into: Uint8Array, signal?: AbortSignal): number | Promise<number>;
  /** Resolves once a read would not wait: bytes, the end or an error are there. True where that holds already. */
  ready(signal?: AbortSignal): true | Promise<void>;
  /** Gives up the source; what has not been read is lost. */
  cancel(): void;
}

/** Bytes that go somewhere. */
export interface ByteSink {
  /**
   * Writes at most all of `bytes` and answers how many were taken, at least one. Answers a promise where there is no room yet:
   * `bytes` stay as they are until that settles, and no longer, so that a sink which keeps them makes a copy.
   */
  write(bytes: Uint8Array, signal?: AbortSignal): number | Promise<number>;
  /** Resolves once a write would not wait. True where that holds already. */
  ready(signal?: AbortSignal): true | Promise<void>;
  /** Ends the stream. */
  close(): void;
}
