import type { HttpField } from "../../host/index.ts";
import { WasiError } from "./errors.ts";

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

/** The resource `fields` of `wasi:http/types`. Names are in lower case; handles of one message's fields share them. */
export class Fields {
  readonly #fields: HttpField[];
  readonly isImmutable: boolean;

  private constructor(fields: HttpField[], isImmutable: boolean) {
    this.#fields = fields;
    this.isImmutable = isImmutable;
  }

  /** Fields to change, empty at first. */
  static empty(): Fields {
    return new Fields([], false);
  }

  /** @throws WasiError header-error */
  static fromList(entries: readonly HttpField[]): Fields {
    const fields = Fields.empty();
    for (const [name, value] of entries) fields.append(name, value);
    return fields;
  }

  /** What came in, without what belongs to the connection. */
  static received(fields: readonly HttpField[]): Fields {
    return new Fields(
      fields.filter(([name]) => !forbidden.has(name)),
      true,
    );
  }

  get entries(): readonly HttpField[] {
    return this.#fields;
  }

  /** The same fields, not to be changed. */
  asImmutable(): Fields {
    return new Fields(this.#fields, true);
  }

  clone(): Fields {
    return new Fields([...this.#fields], false);
  }

  get(name: string): Uint8Array[] {
    const wanted = name.toLowerCase();
    return this.#fields.filter(([each]) => each === wanted).map(([, value]) => value);
  }

  has(name: string): boolean {
    const wanted = name.toLowerCase();
    return this.#fields.some(([each]) => each === wanted);
  }

  /** @throws WasiError header-error */
  set(name: string, values: readonly Uint8Array[]): void {
    const checked = this.#checked(name, values);
    this.#remove(checked);
    for (const value of values) this.#fields.push([checked, value.slice()]);
  }

  /** @throws WasiError header-error */
  delete(name: string): void {
    this.#remove(this.#checked(name, []));
  }

  /** @throws WasiError header-error */
  append(name: string, value: Uint8Array): void {
    this.#fields.push([this.#checked(name, [value]), value.slice()]);
  }

  #remove(name: string): void {
    const kept = this.#fields.filter(([each]) => each !== name);
    this.#fields.splice(0, this.#fields.length, ...kept);
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
