import { printable } from "../base/index.ts";
import { formatClock, formatConnect, formatListen, formatPublish, formatRandom, formatVolume } from "./format-flags.ts";
import { formatLog, formatStore } from "./store-flags.ts";
import type { FolderGrant, Grants } from "./grants.ts";

/** Grants that a file offers besides its own, as comments, and why they are not among these. */
export interface Offer {
  readonly grants: Grants;
  readonly reason: string;
}

/** What {@link writeGrants} writes besides grants. */
export interface WriteOptions {
  /** Each line of these is a comment; without its `#` it joins the grants, in a file that is still valid. */
  readonly offers?: readonly Offer[];
  /** Variables that take their value from the surroundings again, so that it does not stand in the file. */
  readonly fromSurroundings?: ReadonlySet<string>;
}

/** Writes grants as YAML that `readGrants` reads back as the same. YAML reads JSON strings, so quoting is JSON's. */
export function writeGrants(grants: Grants, { offers = [], fromSurroundings = new Set() }: WriteOptions = {}): string {
  const { workdir, env } = grants;
  const listed = (textsOf: (part: Grants) => readonly string[]): string[] => {
    const own = textsOf(grants);
    return [...own, ...comments(offers, (part) => textsOf(part).filter((text) => !own.includes(text)))];
  };
  const variables = Object.entries(env).map(([name, value]) =>
    fromSurroundings.has(name) ? `${scalar(name)}:` : `${scalar(name)}: ${JSON.stringify(value)}`,
  );
  const names = ({ env: more }: Grants): string[] =>
    Object.keys(more).flatMap((name) => (Object.hasOwn(env, name) ? [] : [`${scalar(name)}:`]));
  const streams = listed(({ stdio }) => stdio.map((name) => `- ${name}`));
  const network = [
    ...section(
      "connect",
      listed(({ net }) => net.connect.map((grant) => `- ${scalar(formatConnect(grant))}`)),
    ),
    ...section(
      "listen",
      listed(({ net }) => net.listen.map((grant) => `- ${scalar(formatListen(grant))}`)),
    ),
    ...section(
      "publish",
      listed(({ net }) => net.publish.map((grant) => `- ${scalar(formatPublish(grant))}`)),
    ),
    ...listed(({ net }) => (net.dns ? ["dns: true"] : [])),
  ];
  const logs = listed(logTexts);
  const lines = [
    ...kind("clock", listed(clockTexts)),
    ...kind("random", listed(randomTexts)),
    ...(streams.length === grants.stdio.length ? [`stdio: [${grants.stdio.join(", ")}]`] : section("stdio", streams)),
    ...section("env", [...variables, ...comments(offers, names)]),
    ...section(
      "files",
      listed(({ files }) => files.map((folder) => `- ${folderText(folder)}`)),
    ),
    ...(workdir === undefined ? [] : [`workdir: ${scalar(workdir)}`]),
    ...section("config", [
      ...texts(grants.config),
      ...comments(offers, (part) => textsBut(part.config, grants.config)),
    ]),
    ...section(
      "keyvalue",
      listed(({ keyvalue }) => keyvalue.map((store) => `- ${scalar(formatStore(store))}`)),
    ),
    ...(logs.length === 0 ? [] : kind("log", logs)),
    ...section("net", network),
  ];
  // In JSON's strings an escape means what it stands for.
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function clockTexts({ clock }: Grants): string[] {
  return clock.kind === "none" ? [] : [scalar(formatClock(clock))];
}

function randomTexts({ random }: Grants): string[] {
  return random.kind === "none" ? [] : [scalar(formatRandom(random))];
}

function logTexts({ log }: Grants): string[] {
  return log.kind === "none" ? [] : [scalar(formatLog(log))];
}

function texts(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([key, value]) => `${scalar(key)}: ${JSON.stringify(value)}`);
}

/** The lines for values under other keys. */
function textsBut(values: Readonly<Record<string, string>>, known: Readonly<Record<string, string>>): string[] {
  return texts(Object.fromEntries(Object.entries(values).filter(([key]) => !Object.hasOwn(known, key))));
}

function folderText(grant: FolderGrant): string {
  const { host, guest, access } = grant;
  const volume = formatVolume(grant);
  return volume === undefined ? JSON.stringify({ host, guest, access }) : scalar(volume);
}

/** What is offered, each once and with the first reason for it. */
function comments(offers: readonly Offer[], textsOf: (part: Grants) => readonly string[]): string[] {
  const reasons = new Map<string, string>();
  for (const { grants, reason } of offers) {
    for (const text of textsOf(grants)) if (!reasons.has(text)) reasons.set(text, reason);
  }
  return [...reasons].map(([text, reason]) => `# ${text}  # ${reason}`);
}

/** A key with one value: the granted one, or those offered in its place, where nothing behind the key means none. */
function kind(key: string, [first, ...others]: readonly string[]): string[] {
  if (first === undefined) return [`${key}: none`];
  return first.startsWith("# ") ? section(key, [first, ...others]) : [`${key}: ${first}`];
}

function section(key: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${key}:`, ...lines.map((line) => `  ${line}`)];
}

/** A text as it is where YAML cannot take it for anything else, else quoted. */
function scalar(text: string): string {
  const isPlain =
    /^[A-Za-z./][\w./=+-]*(?::[\w./+-]+)*$/.test(text) && !/^(null|true|false|y|n|yes|no|on|off)$/i.test(text);
  return isPlain && !/^\.(inf|nan|\d)/i.test(text) ? text : JSON.stringify(text);
}
