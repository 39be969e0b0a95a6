import type { DatabaseSync, StatementSync } from "node:sqlite";
import { SampanError } from "../../base/index.ts";
import type { StoreGrant } from "../../capabilities/index.ts";
import {
  entryCost,
  largestAnswer,
  longestKey,
  type StoreLimits,
  tooLarge,
  wholeLimits,
  type WholeStoreLimits,
} from "./limits.ts";
import { openDatabase, storeFailure } from "./open-database.ts";
import type { KeyValueStore, NumberRange, StoreKeys, StoreSnapshot } from "./store.ts";

/** Keys of one page of a list. */
const pageLength = 1000;

interface Row {
  readonly id: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly version: number;
}

interface Totals {
  readonly keys: number;
  readonly bytes: number;
  readonly version: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A store in a database of SQLite's, in a file or in memory. */
export class SqliteStore implements KeyValueStore {
  readonly #database: DatabaseSync;
  readonly #place: string;
  readonly #limits: WholeStoreLimits;
  readonly #statements = new Map<string, StatementSync>();

  /** @throws KEYVALUE_FILE, KEYVALUE_BUSY */
  constructor({ name, file }: StoreGrant, limits: StoreLimits = {}) {
    this.#place = file ?? name;
    this.#limits = wholeLimits(limits, file !== undefined);
    this.#database = openDatabase(name, file);
  }

  get(key: string): Uint8Array | undefined {
    return this.#do(() => this.#row(key)?.value);
  }

  has(key: string): boolean {
    return this.#do(() => this.#statement("select 1 from entries where key = ?").get(bytesOf(key)) !== undefined);
  }

  set(key: string, value: Uint8Array): void {
    this.#change(() => this.#put(key, value));
  }

  delete(key: string): void {
    this.#change(() => this.#remove(key));
  }

  keys(after = 0n): StoreKeys {
    // What lies past the numbers that SQLite has is behind the last key.
    if (after < 0n || after >= 1n << 63n) return { keys: [], next: undefined };
    return this.#do(() => {
      const statement = this.#statement("select id, key from entries where id > ? order by id limit ?");
      const rows = statement.all(after, pageLength + 1) as unknown as Row[];
      const page = rows.slice(0, pageLength);
      const last = page.at(-1);
      const next = rows.length > pageLength && last !== undefined ? BigInt(last.id) : undefined;
      return { keys: page.map(({ key }) => decoder.decode(key)), next };
    });
  }

  getMany(keys: readonly string[]): readonly (Uint8Array | undefined)[] {
    let bytes = 0;
    return this.#do(() =>
      keys.map((key) => {
        const value = this.#row(key)?.value;
        bytes += value?.length ?? 0;
        if (bytes > largestAnswer) throw tooLarge("an answer", bytes, largestAnswer);
        return value;
      }),
    );
  }

  setMany(entries: readonly (readonly [string, Uint8Array])[]): void {
    this.#change(() => {
      for (const [key, value] of entries) this.#put(key, value);
    });
  }

  deleteMany(keys: readonly string[]): void {
    this.#change(() => {
      for (const key of keys) this.#remove(key);
    });
  }

  increment(key: string, delta: bigint, { least, most }: NumberRange): bigint {
    return this.#change(() => {
      const sum = numberOf(key, this.#row(key)?.value) + delta;
      if (sum < least || sum > most)
        throw new SampanError(
          "KEYVALUE_NUMBER",
          `Cannot add ${delta} to "${key}": ${sum} lies outside ${least} to ${most}`,
        );
      this.#put(key, encoder.encode(String(sum)));
      return sum;
    });
  }

  snapshot(key: string): StoreSnapshot {
    const row = this.#do(() => this.#row(key));
    return { key, value: row?.value, version: row?.version };
  }

  swap({ key, version }: StoreSnapshot, value: Uint8Array): StoreSnapshot | undefined {
    return this.#change(() => {
      const row = this.#row(key);
      if (row?.version !== version) return { key, value: row?.value, version: row?.version };
      this.#put(key, value);
      return undefined;
    });
  }

  /** Gives the file back. */
  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }

  #row(key: string): Row | undefined {
    const statement = this.#statement("select value, version from entries where key = ?");
    return statement.get(bytesOf(key)) as unknown as Row | undefined;
  }

  /** @throws KEYVALUE_LIMIT */
  #put(key: string, value: Uint8Array): void {
    const { maxStore, maxStoreKeys, maxStoreValue } = this.#limits;
    const name = bytesOf(key);
    if (name.length > longestKey) throw tooLarge("a key", name.length, longestKey);
    if (value.length > maxStoreValue) throw tooLarge("a value", value.length, maxStoreValue);
    const totals = this.#totals();
    const before = this.#statement("select length(value) as size from entries where key = ?").get(name);
    const isNew = before === undefined;
    const keys = totals.keys + (isNew ? 1 : 0);
    const bytes = totals.bytes + value.length - (isNew ? -(name.length + entryCost) : Number(before["size"]));
    if (keys > maxStoreKeys) {
      const message = `Cannot keep another key: the store has ${totals.keys}, and ${maxStoreKeys} is the most`;
      throw new SampanError("KEYVALUE_LIMIT", message);
    }
    // A store that is too full already may still be made smaller.
    if (bytes > maxStore && bytes > totals.bytes) throw tooLarge("a store", bytes, maxStore);
    const upsert =
      "insert into entries (key, value, version) values (?, ?, ?) on conflict (key) do update set value = excluded.value, version = excluded.version";
    this.#statement(upsert).run(name, value, totals.version + 1);
    this.#count({ keys, bytes, version: totals.version + 1 });
  }

  #remove(key: string): void {
    const name = bytesOf(key);
    const removed = this.#statement("delete from entries where key = ? returning length(value) as size").get(name);
    if (removed === undefined) return;
    const { keys, bytes, version } = this.#totals();
    this.#count({
      keys: keys - 1,
      bytes: bytes - name.length - entryCost - Number(removed["size"]),
      version: version + 1,
    });
  }

  #totals(): Totals {
    const totals = this.#statement("select keys, bytes, version from totals").get();
    return totals as unknown as Totals;
  }

  #count({ keys, bytes, version }: Totals): void {
    this.#statement("update totals set keys = ?, bytes = ?, version = ?").run(keys, bytes, version);
  }

  /** Whole, or not at all: nobody else changes anything meanwhile. */
  #change<T>(run: () => T): T {
    return this.#do(() => {
      this.#statement("begin immediate").run();
      try {
        const value = run();
        this.#statement("commit").run();
        return value;
      } catch (error) {
        if (this.#database.isTransaction) this.#statement("rollback").run();
        throw error;
      }
    });
  }

  #do<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw error instanceof SampanError ? error : storeFailure(error, this.#place);
    }
  }
}

function bytesOf(key: string): Uint8Array {
  return encoder.encode(key);
}

/** @throws KEYVALUE_NUMBER */
function numberOf(key: string, value: Uint8Array | undefined): bigint {
  if (value === undefined) return 0n;
  const text = value.length > 20 ? "" : decoder.decode(value);
  if (/^-?\d{1,20}$/.test(text)) return BigInt(text);
  throw new SampanError("KEYVALUE_NUMBER", `Cannot add to "${key}": its value is no number in decimal digits`);
}
