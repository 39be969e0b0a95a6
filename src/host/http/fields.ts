import type { HttpField } from "./body-pipe.ts";

/** Fields as Node has them, names and values in turn, each value a character for a byte. */
export function fieldsOfRaw(raw: readonly string[]): HttpField[] {
  const fields: HttpField[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    fields.push([(raw[at] ?? "").toLowerCase(), Buffer.from(raw[at + 1] ?? "", "latin1")]);
  return fields;
}

/** The same the other way round. */
export function rawOfFields(fields: readonly HttpField[]): [string, string][] {
  return fields.map(([name, value]) => [name, textOfBytes(value)]);
}

/** A character for each byte. */
export function textOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** The length that headers promise, undefined where they promise none; NaN for what is no length, or two. */
export function contentLength(fields: readonly HttpField[]): number | undefined {
  const texts = fields
    .filter(([name]) => name.toLowerCase() === "content-length")
    .map(([, value]) => textOfBytes(value));
  const [first] = texts;
  if (first === undefined) return undefined;
  if (texts.length > 1 || !/^\d{1,15}$/.test(first)) return Number.NaN;
  return Number(first);
}

/** A host and a port as they stand in a URL. */
export interface Authority {
  /** In lower case, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST`, `HOST:PORT` or `[ADDRESS]:PORT`; undefined for anything else, a name and password among it. */
export function parseAuthority(text: string, defaultPort: number): Authority | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([\w.~!$&'()*+,;=%-]+))(?::(\d{0,5}))?$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const digits = match?.[3] ?? "";
  const port = digits === "" ? defaultPort : Number(digits);
  return host === undefined || port > 65_535 ? undefined : { host: host.toLowerCase(), port };
}
