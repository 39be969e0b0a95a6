import type { HttpField } from "../../host/index.ts";
import { WasiError, WasiTrap } from "./errors.ts";

/** A name of a field, or another token (RFC 9110, section 5.6.2). */
export const token = /^[!#$%&'*+.^_`|~\w-]+$/;

/** Fields that frame a message or belong to its connection: those are the host's alone. */
const forbidden = new Set([
  "connection",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** Most that the fields of one resource take: they lie in the host's memory, not in the guest's. */
const mostBytes = 131_072;
/** Most that all of an instance take which were not sent, with what was written of bodies that nobody sends yet. */
const mostHeld = 16 * 1024 * 1024;
/** What an entry takes besides its name and value, at least. */
const entryOverhead = 128;

/** Where the bytes are counted that an instance has the host keep. */
export interface HeldBytes {
  httpBytes: number;
}

/** Counts bytes that the host keeps for an instance until they are sent or dropped. @throws WasiTrap for too many */
export function hold(held: HeldBytes, count: number): void {
  held.httpBytes += count;
  if (held.httpBytes > mostHeld) throw new WasiTrap(`messages that were not sent took more than ${mostHeld} bytes`);
}

function sizeOf([name, value]: HttpField): number {
  return name.length + value.length + entryOverhead;
}

/** The fields of one message, and how many have them. */
interface SharedFields {
  readonly entries: HttpField[];
  /** Undefined for those that came in. */
  readonly held: HeldBytes | undefined;
  size: number;
  users: number;
}

/** The resource `fields` of `wasi:http/types`. Names are in lower case; handles of one message's fields share them. */
export class Fields {
  readonly #fields: SharedFields;
  readonly isImmutable: boolean;
  #isDropped = false;

  private constructor(fields: SharedFields, isImmutable: boolean) {
    this.#fields = fields;
    this.isImmutable = isImmutable;
    fields.users += 1;
  }

  /** Fields to change, empty at first. */
  static empty(held: HeldBytes): Fields {
    return new Fields({ entries: [], held, size: 0, users: 0 }, false);
  }

  /** @throws WasiError header-error, WasiTrap for more than fit */
  static fromList(held: HeldBytes, entries: readonly HttpField[]): Fields {
    const fields = Fields.empty(held);
    try {
      for (const [name, value] of entries) fields.append(name, value);
    } catch (error) {
      fields.drop();
      throw error;
    }
    return fields;
  }

  /** What came in, without what belongs to the connection. */
  static received(fields: readonly HttpField[]): Fields {
    const entries = fields.filter(([name]) => !forbidden.has(name));
    return new Fields({ entries, held: undefined, size: 0, users: 0 }, true);
  }

  get entries(): readonly HttpField[] {
    return this.#fields.entries;
  }

  /** The same fields, not to be changed. */
  asImmutable(): Fields {
    return new Fields(this.#fields, true);
  }

  /** @throws WasiTrap for more than fit */
  clone(held: HeldBytes): Fields {
    const entries = [...this.#fields.entries];
    const size = entries.reduce((sum, field) => sum + sizeOf(field), 0);
    hold(held, size);
    return new Fields({ entries, held, size, users: 0 }, false);
  }

  /** Gives back what the host keeps for them, where nobody else has them. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    const fields = this.#fields;
    fields.users -= 1;
    if (fields.users === 0 && fields.held !== undefined) fields.held.httpBytes -= fields.size;
  }

  get(name: string): Uint8Array[] {
    const wanted = name.toLowerCase();
    return this.#fields.entries.filter(([each]) => each === wanted).map(([, value]) => value);
  }

  has(name: string): boolean {
    const wanted = name.toLowerCase();
    return this.#fields.entries.some(([each]) => each === wanted);
  }

  /** @throws WasiError header-error, WasiTrap for more than fit */
  set(name: string, values: readonly Uint8Array[]): void {
    const checked = this.#checked(name, values);
    this.#remove(checked);
    for (const value of values) this.#add(checked, value);
  }

  /** @throws WasiError header-error */
  delete(name: string): void {
    this.#remove(this.#checked(name, []));
  }

  /** @throws WasiError header-error, WasiTrap for more than fit */
  append(name: string, value: Uint8Array): void {
    this.#add(this.#checked(name, [value]), value);
  }

  #add(name: string, value: Uint8Array): void {
    this.#resize(sizeOf([name, value]));
    this.#fields.entries.push([name, value.slice()]);
  }

  #remove(name: string): void {
    const { entries } = this.#fields;
    const kept = entries.filter(([each]) => each !== name);
    if (kept.length === entries.length) return;
    for (const field of entries) if (field[0] === name) this.#resize(-sizeOf(field));
    entries.splice(0, entries.length, ...kept);
  }

  #resize(by: number): void {
    const fields = this.#fields;
    fields.size += by;
    if (fields.held !== undefined) hold(fields.held, by);
    if (fields.size > mostBytes) throw new WasiTrap(`fields took more than ${mostBytes} bytes`);
  }

  #checked(name: string, values: readonly Uint8Array[]): string {
    const lower = name.toLowerCase();
    if (this.isImmutable) throw new WasiError({ tag: "immutable" });
    if (!token.test(lower) || !values.every(isValue)) throw new WasiError({ tag: "invalid-syntax" });
    if (forbidden.has(lower)) throw new WasiError({ tag: "forbidden" });
    return lower;
  }
}

/** Visible characters, blanks and tabs within, and bytes of other alphabets (RFC 9110, section 5.5). */
function isValue(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 9 || (byte >= 32 && byte !== 127));
}
