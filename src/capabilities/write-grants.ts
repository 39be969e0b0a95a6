import { formatClock, formatConnect, formatListen, formatPublish, formatRandom, formatVolume } from "./format-flags.ts";
import type { Grants } from "./grants.ts";

/** Writes grants as YAML that `readGrants` reads back as the same. YAML reads JSON strings, so quoting is JSON's. */
export function writeGrants(grants: Grants): string {
  const { clock, random, stdio, env, files, workdir, net } = grants;
  const variables = Object.entries(env).map(([name, value]) => `  ${scalar(name)}: ${JSON.stringify(value)}`);
  const folders = files.map((grant) => {
    const { host, guest, access } = grant;
    const volume = formatVolume(grant);
    return volume === undefined ? JSON.stringify({ host, guest, access }) : scalar(volume);
  });
  const network = [
    ...section("connect", items(net.connect.map((grant) => scalar(formatConnect(grant))))),
    ...section("listen", items(net.listen.map((grant) => scalar(formatListen(grant))))),
    ...section("publish", items(net.publish.map((grant) => scalar(formatPublish(grant))))),
    ...(net.dns ? ["dns: true"] : []),
  ];
  const lines = [
    `clock: ${scalar(formatClock(clock))}`,
    `random: ${scalar(formatRandom(random))}`,
    `stdio: [${stdio.join(", ")}]`,
    ...section("env", variables),
    ...section("files", items(folders)),
    ...(workdir === undefined ? [] : [`workdir: ${scalar(workdir)}`]),
    ...section(
      "net",
      network.map((line) => `  ${line}`),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function section(key: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${key}:`, ...lines];
}

function items(texts: readonly string[]): string[] {
  return texts.map((text) => `  - ${text}`);
}

/** A text as it is where YAML cannot take it for anything else, else quoted. */
function scalar(text: string): string {
  const isPlain =
    /^[A-Za-z./][\w./=+-]*(?::[\w./+-]+)*$/.test(text) && !/^(null|true|false|y|n|yes|no|on|off)$/i.test(text);
  return isPlain && !/^\.(inf|nan|\d)/i.test(text) ? text : JSON.stringify(text);
}
