import type { PostgresColumn } from "../../../host/index.ts";
import type { Tagged } from "./postgres-parameters.ts";

/** A text that is not what its type says. */
class ValueProblem extends Error {
  override readonly name = "ValueProblem";
}

interface Kind {
  /** The case of `db-data-type` and `db-value`. */
  readonly tag: string;
  /** The first version of the interface that has it. */
  readonly since: 2 | 3 | 4;
  readonly read: (text: string) => unknown;
}

function refused(text: string): never {
  throw new ValueProblem(`"${text.slice(0, 100)}" is not the text of such a value`);
}

function matched(pattern: RegExp, text: string): RegExpExecArray {
  return pattern.exec(text) ?? refused(text);
}

function integer(text: string): number {
  return /^-?\d{1,11}$/.test(text) ? Number(text) : refused(text);
}

function long(text: string): bigint {
  return /^-?\d{1,19}$/.test(text) ? BigInt(text) : refused(text);
}

function float(text: string): number {
  return /^-?(\d+(\.\d+)?(e[+-]?\d+)?|Infinity)$|^NaN$/i.test(text) ? Number(text) : refused(text);
}

/** Both of the forms that PostgreSQL has for bytes: hexadecimal, and the older one with escapes. */
function bytes(text: string): Uint8Array {
  if (text.startsWith("\\x")) return Uint8Array.fromHex(text.slice(2));
  const out: number[] = [];
  for (const [, octal, plain] of text.matchAll(/\\([0-3][0-7]{2}|\\)|([^\\])/gs)) {
    if (plain !== undefined) out.push(plain.charCodeAt(0));
    else out.push(octal === "\\" ? 0x5c : Number.parseInt(octal ?? "", 8));
  }
  return Uint8Array.from(out);
}

function yearOf(text: string, era: string | undefined): number {
  return era === undefined ? Number(text) : 1 - Number(text);
}

function nanoseconds(fraction = ""): number {
  return Number(fraction.padEnd(9, "0").slice(0, 9));
}

function day(text: string): [number, number, number] {
  const [, year = "", month, date, era] = matched(/^(\d{4,7})-(\d\d)-(\d\d)( BC)?$/, text);
  return [yearOf(year, era), Number(month), Number(date)];
}

function time(text: string): [number, number, number, number] {
  const [, hour, minute, second, fraction] = matched(/^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/, text);
  return [Number(hour), Number(minute), Number(second), nanoseconds(fraction)];
}

type DateTime = [number, number, number, number, number, number, number];

/** A time with a zone is told as it is in UTC. */
function dateTime(text: string): DateTime {
  const pattern = /^(\d{4,7})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([+-]\d\d(?::\d\d){0,2})?( BC)?$/;
  const [, year = "", month, date, hour, minute, second, fraction, zone, era] = matched(pattern, text);
  const [hours = 0, minutes = 0, seconds = 0] = (zone ?? "+00").slice(1).split(":").map(Number);
  const offset = (zone?.startsWith("-") === true ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
  const at = new Date(0);
  at.setUTCFullYear(yearOf(year, era), Number(month) - 1, Number(date));
  at.setUTCHours(Number(hour), Number(minute), Number(second) - offset);
  return [
    at.getUTCFullYear(),
    at.getUTCMonth() + 1,
    at.getUTCDate(),
    at.getUTCHours(),
    at.getUTCMinutes(),
    at.getUTCSeconds(),
    nanoseconds(fraction),
  ];
}

interface Interval {
  readonly micros: bigint;
  readonly days: number;
  readonly months: number;
}

/** The form that PostgreSQL calls `postgres`: `1 year 2 mons -3 days 04:05:06.789`. */
function interval(text: string): Interval {
  const pattern =
    /^(?:(-?\d+) years? ?)?(?:([+-]?\d+) mons? ?)?(?:([+-]?\d+) days? ?)?(?:([+-])?(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?$/;
  const [, years = 0, months = 0, days = 0, sign, hour = 0, minute = 0, second = 0, fraction = ""] = matched(
    pattern,
    text,
  );
  const size =
    ((BigInt(hour) * 60n + BigInt(minute)) * 60n + BigInt(second)) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
  return { micros: sign === "-" ? -size : size, days: Number(days), months: Number(years) * 12 + Number(months) };
}

type Bound<T> = [T, "inclusive" | "exclusive"] | undefined;

function range<T>(text: string, read: (text: string) => T): [Bound<T>, Bound<T>] {
  // A range of nothing: no value lies between a bound and itself without the bound.
  const [, open, lower = "", upper = "", close] = matched(
    /^([[(])([^,]*),([^,]*)([\])])$/,
    text === "empty" ? "(0,0)" : text,
  );
  const bound = (value: string, bracket: string | undefined): Bound<T> => {
    if (value === "") return undefined;
    return [read(value.replace(/^"(.*)"$/s, "$1")), bracket === "[" || bracket === "]" ? "inclusive" : "exclusive"];
  };
  return [bound(lower, open), bound(upper, close)];
}

/** An array of one dimension; NULL is nothing. */
function array<T>(text: string, read: (text: string) => T): (T | undefined)[] {
  const inner = matched(/^(?:\[-?\d+:-?\d+\]=)?\{(.*)\}$/s, text)[1] ?? "";
  if (inner === "") return [];
  const item = /(?:"((?:[^"\\]|\\.)*)"|([^",{}\\]+))(,|$)/suy;
  const values: (T | undefined)[] = [];
  while (item.lastIndex < inner.length) {
    const match = item.exec(inner) ?? refused(text);
    const [, quoted, plain = ""] = match;
    if (quoted !== undefined) values.push(read(quoted.replaceAll(/\\(.)/gsu, "$1")));
    else values.push(plain === "NULL" ? undefined : read(plain));
  }
  return values;
}

const plain = (text: string): string => text;
const truth = (text: string): boolean => (text === "t" ? true : text === "f" ? false : refused(text));
const str: Kind = { tag: "str", since: 2, read: plain };
const texts: Kind = { tag: "array-str", since: 4, read: (text) => array(text, plain) };
const moment: Kind = { tag: "datetime", since: 3, read: dateTime };

/** How values of PostgreSQL's types are told, by the OIDs of those. */
const kinds: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [16, { tag: "boolean", since: 2, read: truth }],
  [17, { tag: "binary", since: 2, read: bytes }],
  [20, { tag: "int64", since: 2, read: long }],
  [21, { tag: "int16", since: 2, read: integer }],
  [23, { tag: "int32", since: 2, read: integer }],
  [25, str],
  [1042, str],
  [1043, str],
  [700, { tag: "floating32", since: 2, read: float }],
  [701, { tag: "floating64", since: 2, read: float }],
  [1082, { tag: "date", since: 3, read: day }],
  [1083, { tag: "time", since: 3, read: time }],
  [1114, moment],
  [1184, moment],
  [2950, { tag: "uuid", since: 4, read: plain }],
  [3802, { tag: "jsonb", since: 4, read: (text) => new TextEncoder().encode(text) }],
  [1700, { tag: "decimal", since: 4, read: plain }],
  [3904, { tag: "range-int32", since: 4, read: (text) => range(text, integer) }],
  [3926, { tag: "range-int64", since: 4, read: (text) => range(text, long) }],
  [3906, { tag: "range-decimal", since: 4, read: (text) => range(text, plain) }],
  [1007, { tag: "array-int32", since: 4, read: (text) => array(text, integer) }],
  [1016, { tag: "array-int64", since: 4, read: (text) => array(text, long) }],
  [1231, { tag: "array-decimal", since: 4, read: (text) => array(text, plain) }],
  [1009, texts],
  [1014, texts],
  [1015, texts],
  [1186, { tag: "interval", since: 4, read: interval }],
]);

/** The versions of the interface whose values differ. */
export type PostgresVersion = 2 | 3 | 4;

function kindOf({ type }: PostgresColumn, version: PostgresVersion): Kind | undefined {
  const kind = kinds.get(type);
  return kind === undefined || kind.since > version ? undefined : kind;
}

/** A column's `db-data-type`: an enum before version 4, then a variant that names what is none of its cases. */
export function dataTypeOf(column: PostgresColumn, version: PostgresVersion): unknown {
  const tag = kindOf(column, version)?.tag;
  if (version < 4) return tag ?? "other";
  return tag === undefined ? { tag: "other", val: column.typeName ?? `oid ${column.type}` } : { tag };
}

/** A value of a column as a `db-value`. @throws Error where the text is none of the column's type */
export function valueOf(text: string | null, column: PostgresColumn, version: PostgresVersion): Tagged {
  if (text === null) return { tag: "db-null" };
  const kind = kindOf(column, version);
  if (kind !== undefined) return { tag: kind.tag, val: kind.read(text) };
  return version < 4 ? { tag: "unsupported" } : { tag: "unsupported", val: new TextEncoder().encode(text) };
}
