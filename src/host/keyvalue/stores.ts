import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SampanError } from "../../base/index.ts";
import type { FolderGrant, Grants, StoreGrant } from "../../capabilities/index.ts";
import { isWithin } from "../network/unix-place.ts";
import type { Observer } from "../observer.ts";
import type { StoreLimits } from "./limits.ts";
import { SqliteStore } from "./sqlite-store.ts";
import type { KeyValueStore } from "./store.ts";

/** What keeps stores open: those in memory last as long as it does. Whoever makes one closes it. */
export class StoreShelf {
  readonly #stores = new Map<string, SqliteStore>();
  readonly #limits: StoreLimits;

  constructor(limits: StoreLimits = {}) {
    this.#limits = limits;
  }

  /** The store of a grant, opened once. @throws KEYVALUE_FILE, KEYVALUE_BUSY */
  take(grant: StoreGrant): KeyValueStore {
    const key = JSON.stringify([grant.name, grant.file]);
    let store = this.#stores.get(key);
    if (store === undefined) this.#stores.set(key, (store = new SqliteStore(grant, this.#limits)));
    return store;
  }

  close(): void {
    for (const store of this.#stores.values()) store.close();
    this.#stores.clear();
  }
}

/** The stores that a workload was granted. */
export class Stores {
  readonly #stores: ReadonlyMap<string, KeyValueStore>;
  readonly #observer: Observer;

  /**
   * Opens those in files at once, so that what is wrong with one is told to who granted it.
   *
   * @throws KEYVALUE_FILE, KEYVALUE_BUSY, and GRANT_INVALID where the guest could change a store's file itself
   */
  constructor({ keyvalue, files }: Pick<Grants, "keyvalue" | "files">, shelf: StoreShelf, observer: Observer) {
    for (const store of keyvalue) checkApart(store, files);
    this.#stores = new Map(keyvalue.map((grant) => [grant.name, shelf.take(grant)]));
    this.#observer = observer;
  }

  /** The store of a name; undefined without a grant for it, of which the observer hears. A name is no path, whatever it looks like. */
  open(name: string): KeyValueStore | undefined {
    const store = this.#stores.get(name);
    const request = { capability: "keyvalue", name } as const;
    if (store === undefined) this.#observer.refused(request);
    else if (this.#observer.isLearning) this.#observer.used(request);
    return store;
  }
}

/** A guest that writes into a database of its host's makes SQLite read what it likes. @throws GRANT_INVALID */
function checkApart({ name, file }: StoreGrant, files: readonly FolderGrant[]): void {
  if (file === undefined) return;
  const real = realPath(file) ?? join(realPath(dirname(file)) ?? dirname(file), basename(file));
  const grant = files.find(({ host, access }) => access === "read-write" && isWithin(real, realPath(host) ?? host));
  if (grant === undefined) return;
  const message = `Cannot grant "${grant.host}" as "${grant.guest}" for writing: the store "${name}" is in it`;
  throw new SampanError("GRANT_INVALID", message, {
    hint: "keep the store in another folder, or grant that one read-only",
  });
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
