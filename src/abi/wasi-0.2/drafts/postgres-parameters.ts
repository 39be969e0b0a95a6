import type { PostgresParameter } from "../../../host/index.ts";
import { WasiError } from "../errors.ts";

/** A value of a variant. */
export interface Tagged {
  readonly tag: string;
  readonly val?: unknown;
}

type Bound<T> = readonly [value: T, kind: "inclusive" | "exclusive"] | undefined;
type Day = readonly [year: number, month: number, day: number];
type Time = readonly [hour: number, minute: number, second: number, nanosecond: number];

/** A number in base 10 as PostgreSQL's `numeric` reads it. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,5})?$|^NaN$/;
const uuid = /^\{?[\da-f]{8}-?([\da-f]{4}-?){3}[\da-f]{12}\}?$/i;

/** @throws WasiError bad-parameter */
function bad(what: string): never {
  throw new WasiError({ tag: "bad-parameter", val: what });
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, "0");
}

/** A day of the calendar that PostgreSQL keeps; years before 1 are counted from 0 down. */
function dayText([year, month, day]: Day): { readonly text: string; readonly era: string } {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDay) bad(`${year}-${month}-${day} is no day`);
  const shown = year > 0 ? year : 1 - year;
  return { text: `${pad(shown, 4)}-${pad(month, 2)}-${pad(day, 2)}`, era: year > 0 ? "" : " BC" };
}

function timeText([hour, minute, second, nanosecond]: Time): string {
  if (hour > 23 || minute > 59 || second > 59 || nanosecond > 999_999_999)
    bad(`${hour}:${minute}:${second} and ${nanosecond} ns is no time of a day`);
  return `${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}.${pad(nanosecond, 9)}`;
}

/** Seconds since 1970. */
function instantText(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) bad(`${seconds} s since 1970 is no time that there is a date for`);
  const { text, era } = dayText([date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]);
  return `${text} ${date.toISOString().slice(-13, -5)}+00${era}`;
}

interface Interval {
  readonly micros: bigint;
  readonly days: number;
  readonly months: number;
}

function intervalText({ micros, days, months }: Interval): string {
  const size = micros < 0n ? -micros : micros;
  const [hours, rest] = [size / 3_600_000_000n, Number(size % 3_600_000_000n)];
  const minutes = Math.floor(rest / 60_000_000);
  const seconds = pad(Math.floor(rest / 1_000_000) % 60, 2);
  const sign = micros < 0n ? "-" : "+";
  return `${months} mons ${days} days ${sign}${hours}:${pad(minutes, 2)}:${seconds}.${pad(rest % 1_000_000, 6)}`;
}

function decimalText(text: string): string {
  return decimal.test(text) ? text : bad(`"${text}" is no decimal number`);
}

function rangeText<T>([lower, upper]: readonly [Bound<T>, Bound<T>], write: (value: T) => string): string {
  const [open, first] = lower === undefined ? ["(", ""] : [lower[1] === "inclusive" ? "[" : "(", write(lower[0])];
  const [close, last] = upper === undefined ? [")", ""] : [upper[1] === "inclusive" ? "]" : ")", write(upper[0])];
  return `${open}${first},${last}${close}`;
}

function arrayText<T>(values: ArrayLike<T | undefined>, write: (value: T) => string): string {
  return `{${Array.from(values, (each) => (each === undefined ? "NULL" : write(each))).join(",")}}`;
}

function floatText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;

/** How each case of `parameter-value` is written; a case has one place in PostgreSQL's text forms. */
const writers: Readonly<Record<string, (value: never) => PostgresParameter>> = {
  boolean: (value: boolean) => String(value),
  int8: String,
  int16: String,
  int32: String,
  int64: String,
  uint8: String,
  uint16: String,
  uint32: String,
  uint64: String,
  floating32: floatText,
  floating64: floatText,
  str: (text: string) => text,
  // The guest's memory may have changed before it is sent.
  binary: (bytes: Uint8Array) => bytes.slice(),
  date: (day: Day) => {
    const { text, era } = dayText(day);
    return `${text}${era}`;
  },
  time: timeText,
  datetime: ([year, month, day, ...time]: readonly [...Day, ...Time]) => {
    const { text, era } = dayText([year, month, day]);
    return `${text} ${timeText(time)}${era}`;
  },
  timestamp: instantText,
  uuid: (text: string) => (uuid.test(text) ? text : bad(`"${text}" is no UUID`)),
  jsonb: (bytes: Uint8Array) => jsonText(bytes),
  decimal: decimalText,
  "range-int32": (range: readonly [Bound<number>, Bound<number>]) => rangeText(range, String),
  "range-int64": (range: readonly [Bound<bigint>, Bound<bigint>]) => rangeText(range, String),
  "range-decimal": (range: readonly [Bound<string>, Bound<string>]) => rangeText(range, decimalText),
  "array-int32": (values: ArrayLike<number | undefined>) => arrayText(values, String),
  "array-int64": (values: ArrayLike<bigint | undefined>) => arrayText(values, String),
  "array-decimal": (values: ArrayLike<string | undefined>) => arrayText(values, decimalText),
  "array-str": (values: ArrayLike<string | undefined>) => arrayText(values, quoted),
  interval: intervalText,
  "db-null": () => null,
};

function jsonText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return bad("what is to be JSON is not UTF-8");
  }
}

/** A `parameter-value` as it goes to PostgreSQL. @throws WasiError bad-parameter */
export function parameterOf({ tag, val }: Tagged): PostgresParameter {
  const write = Object.hasOwn(writers, tag) ? writers[tag] : undefined;
  if (write === undefined) return bad(`"${tag}" is no value of PostgreSQL's`);
  return write(val as never);
}
