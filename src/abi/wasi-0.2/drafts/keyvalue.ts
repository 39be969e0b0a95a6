import { type HostError, SampanError } from "../../../base/index.ts";
import type { KeyValueStore, NumberRange, StoreSnapshot } from "../../../host/index.ts";
import type { ComponentFunctionType } from "../../../wasm/component/index.ts";
import type { Wasi02Context } from "../context.ts";
import { WasiError } from "../errors.ts";
import type { Wasi02Interface, Wasi02Row } from "../row.ts";

/** The `error` of `wasi:keyvalue/store`. */
const errorOf = (error: HostError): unknown => ({ tag: "other", val: error.message });

/** Runs an operation of a store; what is wrong with it is told to the guest in words, the error's code first. */
function told<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof SampanError) || !error.code.startsWith("KEYVALUE_")) throw error;
    throw new WasiError({ tag: "other", val: `${error.code}: ${error.message}` });
  }
}

/** The resource `bucket`. */
export class Bucket {
  readonly store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.store = store;
  }
}

/** The resource `cas`: what a key had when it was made. */
export class Cas {
  readonly store: KeyValueStore;
  readonly seen: StoreSnapshot;

  constructor(store: KeyValueStore, seen: StoreSnapshot) {
    this.store = store;
    this.seen = seen;
  }
}

function openBucket({ host }: Wasi02Context, name: string): Bucket {
  const store = host.stores.open(name);
  if (store === undefined) throw new WasiError({ tag: "no-such-store" });
  return new Bucket(store);
}

interface KeyResponse<Cursor> {
  readonly keys: readonly string[];
  readonly cursor: Cursor | undefined;
}

/** @throws WasiError for a cursor that no answer had */
function placeOf(cursor: string | undefined): bigint | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,19}$/.test(cursor)) return BigInt(cursor);
  throw new WasiError({ tag: "other", val: "The cursor is none that list-keys answered" });
}

/** `list-keys` with the drafts' own kinds of cursors. */
const numbered = (_context: Wasi02Context, { store }: Bucket, cursor?: bigint): KeyResponse<bigint> => {
  const { keys, next } = told(() => store.keys(cursor));
  return { keys, cursor: next };
};
const lettered = (_context: Wasi02Context, { store }: Bucket, cursor?: string): KeyResponse<string> => {
  const after = placeOf(cursor);
  const { keys, next } = told(() => store.keys(after));
  return { keys, cursor: next === undefined ? undefined : String(next) };
};

function storeOf(listKeys: Wasi02Row["run"]): Wasi02Interface {
  return {
    errorOf,
    rows: {
      open: {
        docs: "A store that was granted under this name; `no-such-store` without a grant for it.",
        run: openBucket,
      },
      "[method]bucket.get": {
        docs: "The value of a key.",
        run: (_context: Wasi02Context, { store }: Bucket, key: string) => told(() => store.get(key)),
      },
      "[method]bucket.set": {
        docs: "Gives a key a value; it is kept when the call returns.",
        takesViews: true,
        run: (_context: Wasi02Context, { store }: Bucket, key: string, value: Uint8Array) =>
          told(() => store.set(key, value)),
      },
      "[method]bucket.delete": {
        docs: "Takes a key away, if it is there.",
        run: (_context: Wasi02Context, { store }: Bucket, key: string) => told(() => store.delete(key)),
      },
      "[method]bucket.exists": {
        docs: "Whether a key has a value.",
        run: (_context: Wasi02Context, { store }: Bucket, key: string) => told(() => store.has(key)),
      },
      "[method]bucket.list-keys": { docs: "A thousand keys, and where the rest begins.", run: listKeys },
      "[resource-drop]bucket": { docs: "Forgets it.", run: () => {} },
    },
  };
}

/** `wasi:keyvalue/store` of 0.2.0-draft, whose cursors are numbers. */
export const draftStore = storeOf(numbered);
/** `wasi:keyvalue/store` of 0.2.0-draft2, whose cursors are texts. */
export const draft2Store = storeOf(lettered);

const signed: NumberRange = { least: -(1n << 63n), most: (1n << 63n) - 1n };
const unsigned: NumberRange = { least: 0n, most: (1n << 64n) - 1n };

function incrementIn(range: NumberRange): Wasi02Row {
  return {
    docs: "Adds to a number in decimal digits, and answers the sum.",
    run: (_context: Wasi02Context, { store }: Bucket, key: string, delta: bigint) =>
      told(() => store.increment(key, delta, range)),
  };
}

/** `wasi:keyvalue/atomics` of 0.2.0-draft, which counts without a sign. */
export const draftAtomics: Wasi02Interface = { errorOf, rows: { increment: incrementIn(unsigned) } };

/** `wasi:keyvalue/atomics` of 0.2.0-draft2. */
export const draft2Atomics: Wasi02Interface = {
  errorOf,
  rows: {
    increment: incrementIn(signed),
    "[static]cas.new": {
      docs: "What a key has now, for a change that is made only if nobody changes it meanwhile.",
      run: (_context: Wasi02Context, { store }: Bucket, key: string) => told(() => new Cas(store, store.snapshot(key))),
    },
    "[method]cas.current": {
      docs: "The value that the key had.",
      run: (_context: Wasi02Context, { seen }: Cas) => seen.value,
    },
    swap: {
      docs: "Changes the value, or answers what somebody else made of it.",
      takesViews: true,
      run: (_context: Wasi02Context, { store, seen }: Cas, value: Uint8Array) => {
        const other = inStoreError(() => store.swap(seen, value));
        if (other !== undefined) throw new WasiError({ tag: "cas-failed", val: new Cas(store, other) });
      },
    },
    "[resource-drop]cas": { docs: "Forgets it.", run: () => {} },
  },
};

/** The same as {@link told} for a function whose error carries the store's. */
function inStoreError<T>(run: () => T): T {
  try {
    return told(run);
  } catch (error) {
    if (error instanceof WasiError) throw new WasiError({ tag: "store-error", val: error.payload });
    throw error;
  }
}

type Pair = readonly [key: string, value: Uint8Array];
type PairMaybe = readonly [key: string, value: Uint8Array | undefined];

function valuesOf({ store }: Bucket, keys: readonly string[]): PairMaybe[] {
  const values = told(() => store.getMany(keys));
  return keys.map((key, index) => [key, values[index]]);
}

/** As the package has it: nothing in the place of a key without a value. */
const pairs = (_context: Wasi02Context, bucket: Bucket, keys: readonly string[]): (PairMaybe | undefined)[] =>
  valuesOf(bucket, keys).map((pair) => (pair[1] === undefined ? undefined : pair));
/** As Spin's copy of 0.2.0-draft2 has it: each key, with nothing for its value. */
const keysWithValues = (_context: Wasi02Context, bucket: Bucket, keys: readonly string[]): PairMaybe[] =>
  valuesOf(bucket, keys);

/** Whether a function's type is that of Spin's copy: a list of pairs, not of optional ones. */
function isOfPairs(type: ComponentFunctionType | undefined): boolean {
  const result = type?.result;
  const list = result?.kind === "result" ? result.ok : undefined;
  return list?.kind === "list" && list.element.kind === "tuple";
}

/** `wasi:keyvalue/batch`. */
export const batch: Wasi02Interface = {
  errorOf,
  rows: {
    "get-many": {
      docs: "The values of some keys, in their order.",
      run: pairs,
      runFor: (type) => (isOfPairs(type) ? keysWithValues : pairs),
    },
    "set-many": {
      docs: "Gives keys values, all or none.",
      run: (_context: Wasi02Context, { store }: Bucket, entries: readonly Pair[]) => told(() => store.setMany(entries)),
    },
    "delete-many": {
      docs: "Takes keys away, all or none.",
      run: (_context: Wasi02Context, { store }: Bucket, keys: readonly string[]) => told(() => store.deleteMany(keys)),
    },
  },
};
