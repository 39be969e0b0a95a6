import { formatBytes, SampanError } from "../../base/index.ts";

/** How much a store holds. */
export interface StoreLimits {
  /** Bytes of all keys and values together, and some for each entry; 64 MiB in memory and 1 GiB in a file where it is left out. */
  readonly maxStore?: number | undefined;
  /** Entries; a million where it is left out. */
  readonly maxStoreKeys?: number | undefined;
  /** Bytes of one value; 16 MiB where it is left out. */
  readonly maxStoreValue?: number | undefined;
}

/** The same, with nothing left out. */
export type WholeStoreLimits = { readonly [Limit in keyof StoreLimits]-?: number };

/** Bytes that a key may have. */
export const longestKey = 4096;
/** Bytes that an entry counts for besides its key and value. */
export const entryCost = 64;
/** Bytes of values that one call answers. */
export const largestAnswer = 64 * 1024 * 1024;

/** The limits of a store in memory, or in a file. */
export function wholeLimits(
  { maxStore, maxStoreKeys = 1_000_000, maxStoreValue = 16 * 1024 * 1024 }: StoreLimits,
  isFile: boolean,
): WholeStoreLimits {
  return { maxStore: maxStore ?? (isFile ? 1024 : 64) * 1024 * 1024, maxStoreKeys, maxStoreValue };
}

/** The KEYVALUE_LIMIT for bytes that are too many. */
export function tooLarge(what: string, bytes: number, most: number): SampanError {
  const message = `Cannot keep ${what} of ${formatBytes(bytes)}: ${formatBytes(most)} is the most`;
  return new SampanError("KEYVALUE_LIMIT", message);
}
