import { SampanError } from "../../base/index.ts";

/** A health check as it can be done without a shell in the guest. */
export type Probe =
  /** Asks the workload itself, such as a database. */
  | { readonly kind: "ready" }
  | {
      readonly kind: "http";
      /** The guest's port. */
      readonly port: number;
      readonly path: string;
      readonly method: string;
      readonly headers: Readonly<Record<string, string>>;
      /** Whether an answer of 400 and above fails. */
      readonly failsByStatus: boolean;
    }
  | { readonly kind: "tcp"; readonly port: number };

/** What a check is read from. */
export interface ProbeCommand {
  /** `shell` has one word: a command line as a shell reads it. */
  readonly kind: "exec" | "shell";
  readonly command: readonly string[];
  /** Names of the service itself besides `localhost`. */
  readonly names?: readonly string[];
}

/** What is understood, for errors and documents. */
export const probeForms: readonly string[] = [
  "curl -f http://localhost:PORT/PATH",
  "wget -q --spider http://localhost:PORT/PATH",
  "nc -z localhost PORT",
  "pg_isready",
  "mysqladmin ping",
  "mariadb-admin ping",
  "healthcheck.sh --connect",
];

const shells = new Set(["sh", "bash", "ash", "dash"]);
const selves = new Set(["localhost", "127.0.0.1", "0.0.0.0", "[::1]", "::1"]);

/**
 * Reads the command of a health check as one of the few that are understood: neither a Wasm service nor a stand-in has a
 * shell in it that could run any other.
 *
 * @throws HEALTH_UNKNOWN
 */
export function parseProbe({ kind, command, names = [] }: ProbeCommand): Probe {
  const text = command.join(" ");
  const words = kind === "shell" ? shellWords(text) : wordsOf(command);
  const [program = "", ...args] = words ?? [];
  const reading: Reading = { text, names: new Set([...selves, ...names]), args };
  switch (baseName(program)) {
    case "pg_isready":
    case "healthcheck.sh":
      return { kind: "ready" };
    case "mysqladmin":
    case "mariadb-admin":
      if (args.includes("ping")) return { kind: "ready" };
      throw unknown(text);
    case "curl":
      return curl(reading);
    case "wget":
      return wget(reading);
    case "nc":
    case "ncat":
      return netcat(reading);
    default:
      throw unknown(text);
  }
}

interface Reading {
  readonly text: string;
  readonly names: ReadonlySet<string>;
  readonly args: readonly string[];
}

function wordsOf(command: readonly string[]): readonly string[] | undefined {
  const [program = "", flag = "", line] = command;
  if (shells.has(baseName(program)) && /^-[a-z]*c$/.test(flag) && line !== undefined) return shellWords(line);
  return command;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The words of one simple command; undefined where the line is more than that. What ends it by `|| exit 1` means the same. */
function shellWords(line: string): readonly string[] | undefined {
  const simple = line
    .trim()
    .replace(/\s*\|\|\s*(?:exit\s+\d+|false)\s*;?\s*$/, "")
    .replaceAll(/\s*(?:[12&]?>{1,2}\s*(?:\/dev\/null|&[12]))/g, "");
  const words: string[] = [];
  for (const [, double, single, plain, rest] of simple.matchAll(
    /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'|&;<>()`]+)|(\S))/g,
  )) {
    if (rest !== undefined) return undefined;
    words.push(double?.replaceAll(/\\(["\\$`])/g, "$1") ?? single ?? plain ?? "");
  }
  return words;
}

/** Long options of curl and wget that change nothing about whether the check passes: those with a value, and switches. */
const valued =
  /^--(?:output|output-document|max-time|connect-timeout|retry|retry-delay|user-agent|write-out|timeout|tries)$/;
const silent =
  /^--(?:fail|fail-with-body|silent|show-error|quiet|location|verbose|no-verbose|head|spider|server-response|ipv4|inet4-only|[a-z-]+=.*)$/;
/** Letters of short options with a value, and without one. */
const [valuedLetters, silentLetters] = ["oOTtmAwXH", "fsSqLvIk4n"];

interface HttpOptions {
  readonly method: string;
  readonly failsByStatus: boolean;
}

function curl(reading: Reading): Probe {
  const { args } = reading;
  const hasLetter = (letter: string): boolean =>
    args.some((word) => /^-[a-zA-Z]+$/.test(word) && word.includes(letter));
  const isHead = args.includes("--head") || hasLetter("I");
  const failsByStatus = args.some((word) => word.startsWith("--fail")) || hasLetter("f");
  return http(reading, { method: isHead ? "HEAD" : "GET", failsByStatus });
}

function wget(reading: Reading): Probe {
  return http(reading, { method: reading.args.includes("--spider") ? "HEAD" : "GET", failsByStatus: true });
}

function http({ text, names, args }: Reading, { method: usual, failsByStatus }: HttpOptions): Probe {
  const rest = [...args];
  const options = { method: usual, headers: {} as Record<string, string> };
  const urls: string[] = [];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith("-")) urls.push(word);
    else if (word === "--request") options.method = rest.shift() ?? usual;
    else if (word === "--header") addHeader(options.headers, rest.shift());
    else if (valued.test(word)) rest.shift();
    else if (!silent.test(word) && !readLetters(word, rest, options)) throw unknown(text);
  }
  const [url] = urls;
  if (url === undefined || urls.length > 1) throw unknown(text);
  const { hostname, protocol, port, pathname, search } = urlOf(url, text);
  if (protocol !== "http:" || !names.has(hostname)) throw unknown(text);
  const path = `${pathname}${search}`;
  return { kind: "http", port: port === "" ? 80 : Number(port), path, ...options, failsByStatus };
}

/** Reads short options that stand together, the last of which may have a value; false where one is not known. */
function readLetters(
  word: string,
  rest: string[],
  options: { method: string; readonly headers: Record<string, string> },
): boolean {
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? "";
    if (silentLetters.includes(letter)) continue;
    if (!valuedLetters.includes(letter)) return false;
    const value = word.slice(at + 1) || rest.shift();
    if (letter === "X") options.method = value ?? options.method;
    if (letter === "H") addHeader(options.headers, value);
    return true;
  }
  return word.length > 1;
}

function addHeader(headers: Record<string, string>, text = ""): void {
  const [name = "", ...rest] = text.split(":");
  headers[name.trim().toLowerCase()] = rest.join(":").trim();
}

function urlOf(url: string, text: string): URL {
  try {
    return new URL(url.includes("://") ? url : `http://${url}`);
  } catch {
    throw unknown(text);
  }
}

function netcat({ text, names, args }: Reading): Probe {
  const plain: string[] = [];
  let isScan = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    if (word === "-w") at += 1;
    else if (/^-[zvnw\d]+$/.test(word)) isScan ||= word.includes("z");
    else plain.push(word);
  }
  const [host = "", port = ""] = plain;
  if (!isScan || plain.length !== 2 || !names.has(host) || !/^\d{1,5}$/.test(port)) throw unknown(text);
  return { kind: "tcp", port: Number(port) };
}

function unknown(text: string): SampanError {
  return new SampanError(
    "HEALTH_UNKNOWN",
    `Cannot check health by "${text}": a service has no shell to run it, and it is none of the checks that are understood`,
    { hint: `write one of: ${probeForms.join("; ")}` },
  );
}
