/** The value of a key as it was at one time, for a change that is made only if nobody changed it since. */
export interface StoreSnapshot {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  /** Stands for this state of the key; undefined where it had no value. */
  readonly version: number | undefined;
}

/** Some of the keys, and where the rest begins; undefined where there is none. */
export interface StoreKeys {
  readonly keys: readonly string[];
  readonly next: bigint | undefined;
}

/**
 * Keys and values. Each operation is whole or was not, for whoever else uses the store in this process or another. They throw
 * KEYVALUE_LIMIT, KEYVALUE_BUSY, KEYVALUE_FILE.
 */
export interface KeyValueStore {
  get(key: string): Uint8Array | undefined;
  has(key: string): boolean;
  set(key: string, value: Uint8Array): void;
  delete(key: string): void;
  /** The keys behind `after`, which an answer before gave; from the first where it is left out. */
  keys(after?: bigint): StoreKeys;
  /** Values in the keys' order. */
  getMany(keys: readonly string[]): readonly (Uint8Array | undefined)[];
  setMany(entries: readonly (readonly [key: string, value: Uint8Array])[]): void;
  deleteMany(keys: readonly string[]): void;
  /**
   * Adds to a number, which is kept in decimal digits, and answers the sum: 0 is what a key without a value has.
   *
   * @throws KEYVALUE_NUMBER where there is no number, or the sum lies outside `range`
   */
  increment(key: string, delta: bigint, range: NumberRange): bigint;
  snapshot(key: string): StoreSnapshot;
  /** Changes the value unless somebody did since: then it answers what there is instead. */
  swap(seen: StoreSnapshot, value: Uint8Array): StoreSnapshot | undefined;
}

/** Numbers that a counter may have. */
export interface NumberRange {
  readonly least: bigint;
  readonly most: bigint;
}
