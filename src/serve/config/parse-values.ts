import { nearest, parseBytes, parseDuration, SampanError } from "../../base/index.ts";
import { parseAddress } from "../../capabilities/index.ts";
import type { HostPort } from "./settings.ts";

/** The error of a value that cannot be read; `data.problem` says the same without the value. */
export function unreadable(text: string, problem: string, hint?: string): SampanError {
  return new SampanError("SERVE_CONFIG_INVALID", `Cannot read "${text}": ${problem}`, {
    hint,
    data: { problem, hint },
  });
}

/** Reads a size in bytes. @throws SERVE_CONFIG_INVALID */
export function size(text: string): number {
  return unit(parseBytes, text, 'wanted a number and a unit, such as "64m"');
}

function time(text: string): number {
  return unit(parseDuration, text, 'wanted a number and a unit, such as "5s"');
}

function unit(parse: (text: string) => number, text: string, wanted: string): number {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    throw unreadable(text, wanted);
  }
}

/** Reads a whole number from `least` on. @throws SERVE_CONFIG_INVALID */
export function count(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,7}$/.test(text) && Number(text) >= least) return Number(text);
    throw unreadable(text, `wanted a whole number from ${least} on`);
  };
}

/** Reads one of some words. @throws SERVE_CONFIG_INVALID */
export function word<const Words extends readonly string[]>(words: Words): (text: string) => Words[number] {
  return (text) => {
    const found = words.find((each) => each === text);
    if (found !== undefined) return found;
    const near = nearest(text.toLowerCase(), words);
    throw unreadable(text, `wanted ${words.join(", ")}${near === undefined ? "" : `; did you mean "${near}"`}`);
  };
}

const longestTimer = 2 ** 31 - 1;

/** Reads a duration in ms, no longer than a timer takes. @throws SERVE_CONFIG_INVALID */
export function timeUpTo(text: string): number {
  return Math.min(Math.round(time(text)), longestTimer);
}

/** Reads a size of memory: none, or at least a page. @throws SERVE_CONFIG_INVALID */
export function memory(text: string): number {
  const bytes = size(text);
  if (bytes === 0 || bytes >= 65_536) return bytes;
  throw unreadable(text, "that is less than one page of memory, 65536 bytes", `did you mean ${text}m`);
}

/** Least JavaScript heap that a worker starts with, in bytes. */
const leastHeap = 32 * 1024 * 1024;

/** Reads a size of a JavaScript heap, at least what a worker needs to start. @throws SERVE_CONFIG_INVALID */
export function heap(text: string): number {
  const bytes = size(text);
  if (bytes >= leastHeap) return bytes;
  const guess = /^\d+$/.test(text) && Number(text) >= 32 ? `did you mean ${text}m` : undefined;
  throw unreadable(text, "no worker starts with so little; wanted at least 32m", guess);
}

/** Reads a port, from 1 on. @throws SERVE_CONFIG_INVALID */
export function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
  throw unreadable(text, "wanted a port from 1 to 65535");
}

/** Reads `IP:PORT`, `[IP]:PORT`, `:PORT` or `PORT`; an address that is left out is this machine alone. */
export function parseAddr(text: string): HostPort {
  const match = /^(?:(?:\[([\da-f:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/i.exec(text.trim());
  const port = Number(match?.[3]);
  const problem = 'wanted IP:PORT, such as "127.0.0.1:8080"';
  if (match === null || port > 65_535) {
    const isHostAlone = /^(\d{1,3}\.){3}\d{1,3}$|^localhost$/.test(text);
    throw unreadable(text, problem, isHostAlone ? `did you mean ${text}:8080` : undefined);
  }
  const host = match[1] ?? match[2] ?? "";
  if (host === "" || host === "localhost") return { host: "127.0.0.1", port };
  if (host === "*") return { host: "0.0.0.0", port };
  if (parseAddress(host) === undefined) throw unreadable(text, `"${host}" is no IP address; ${problem}`);
  return { host, port };
}

/** Reads an address or a range of addresses, such as `10.0.0.0/8`. */
export function parseRange(text: string): string {
  const [typed = "", prefix, ...rest] = text.split("/");
  const address = parseAddress(typed);
  const most = address?.family === 4 ? 32 : 128;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= most);
  if (address === undefined || !isPrefix || rest.length > 0)
    throw unreadable(text, 'wanted an address or a range of them, such as "10.0.0.0/8"');
  return prefix === undefined ? `${typed}/${most}` : text;
}

/** Reads an absolute path of the guest's. @throws SERVE_CONFIG_INVALID */
export function guestPath(text: string): string {
  if (text.startsWith("/")) return text;
  throw unreadable(text, 'wanted an absolute path of the guest, such as "/www"');
}
