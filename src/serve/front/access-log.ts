import type { HttpField } from "../../engine/index.ts";

/** What a line of the access log tells of a request that is over. */
export interface AccessEntry {
  readonly remote: string;
  /** Ms since 1970 at which its head was there. */
  readonly time: number;
  readonly method: string;
  readonly path: string;
  readonly authority: string | undefined;
  readonly fields: readonly HttpField[];
  /** 0 where the client left before there was an answer. */
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** In ms. */
  readonly duration: number;
  readonly workload: string;
  readonly id: string;
  readonly isWhole: boolean;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number): string => String(value).padStart(2, "0");

/** A line in the combined format, and behind it ms, workload and request id. */
export function accessText(entry: AccessEntry): string {
  const { remote, time, method, path, status, bytesOut, duration, workload, id } = entry;
  const at = new Date(time);
  const day = `${two(at.getUTCDate())}/${months[at.getUTCMonth()] ?? ""}/${at.getUTCFullYear()}`;
  const clock = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  const referer = quoted(fieldText(entry.fields, "referer"));
  const agent = quoted(fieldText(entry.fields, "user-agent"));
  const request = escaped(`${method} ${path} HTTP/1.1`);
  const sent = status === 0 ? "499" : String(status);
  return `${remote === "" ? "-" : remote} - - [${day}:${clock} +0000] "${request}" ${sent} ${bytesOut} ${referer} ${agent} ${duration.toFixed(3)} ${workload} ${id}`;
}

/** A line of JSON. */
export function accessJson(entry: AccessEntry): string {
  const { time, duration, fields, authority, ...rest } = entry;
  return JSON.stringify({
    time: new Date(time).toISOString(),
    ...rest,
    host: authority,
    duration: Math.round(duration * 1000) / 1000,
    referer: fieldText(fields, "referer"),
    userAgent: fieldText(fields, "user-agent"),
  });
}

function fieldText(fields: readonly HttpField[], name: string): string | undefined {
  for (const [each, value] of fields) if (each === name) return Buffer.from(value).toString("latin1");
  return undefined;
}

function quoted(text: string | undefined): string {
  return text === undefined ? '"-"' : `"${escaped(text)}"`;
}

/** What a client sends ends no field and no line of a log. */
function escaped(text: string): string {
  return text.replace(/["\\]|[^ -~]/g, (letter) => {
    if (letter === '"' || letter === "\\") return `\\${letter}`;
    return `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
