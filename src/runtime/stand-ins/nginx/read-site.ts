import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { hostPathOf, type StandInWorkload } from "../workload.ts";
import { type Directive, nginxError, parseDirectives } from "./directives.ts";
import { type Settings, type Site, serversOf } from "./site.ts";

const mainFile = "/etc/nginx/nginx.conf";
const folder = "/etc/nginx/conf.d";
const templates = "/etc/nginx/templates";
/** What the image has where nothing is mounted. */
const imageDefault =
  "server { listen 80; server_name localhost; root /usr/share/nginx/html; index index.html index.htm; }";

/**
 * What an `nginx` image with these mounts serves, its folders being those of the host.
 *
 * @throws STAND_IN_CONFIG with file and line
 */
export function readSite({ mounts, env, args }: Pick<StandInWorkload, "mounts" | "env" | "args">): Site {
  const isUsual = args.every((word) => ["nginx", "-g", "daemon off;"].includes(word));
  if (!isUsual)
    throw nginxError(`the command "${args.join(" ")}" is not understood`, { file: "compose", line: 0 }, "leave it out");
  const files = confFiles(mounts, folder, ".conf");
  const own = files.map(({ path, text }) => ({ path, text }));
  for (const { path, text } of confFiles(mounts, templates, ".template"))
    own.push({ path, text: text.replace(/\$\{(\w+)\}/g, (all, name: string) => env[name] ?? all) });
  const inFolder = (): readonly Directive[] =>
    own.length === 0 && hostPathOf(mounts, folder) === undefined
      ? parseDirectives(imageDefault, `${folder}/default.conf`)
      : own.flatMap(({ path, text }) => parseDirectives(text, path));
  const main = hostPathOf(mounts, mainFile);
  const include = (directive: Directive): readonly Directive[] => {
    const [what = ""] = directive.words;
    if (basename(what) === "mime.types") return [];
    if (what === `${folder}/*.conf` || what === "conf.d/*.conf") return inFolder();
    throw nginxError(`"include ${what}" is not understood`, directive, `put the file into ${folder}`);
  };
  const directives = main === undefined ? inFolder() : parseDirectives(readFileSync(main, "utf8"), mainFile);
  const all = serversOf(directives, include);
  const onHost = (settings: Settings): Settings => {
    const root = hostPathOf(mounts, settings.root) ?? "";
    const alias = settings.alias === undefined ? undefined : (hostPathOf(mounts, settings.alias) ?? "");
    return { ...settings, root, ...(alias === undefined ? {} : { alias }) };
  };
  const servers = all.map((server) => ({
    ...server,
    settings: onHost(server.settings),
    locations: server.locations.map((location) => ({ ...location, settings: onHost(location.settings) })),
  }));
  return { servers, sources: mounts.map(({ source }) => source) };
}

/** Files with an ending in a folder of the image's, single ones mounted into it among them, by name. */
function confFiles(
  mounts: StandInWorkload["mounts"],
  inside: string,
  ending: string,
): { readonly path: string; readonly text: string }[] {
  const whole = hostPathOf(mounts, inside);
  const names = new Map<string, string>();
  if (whole !== undefined && statSync(whole, { throwIfNoEntry: false })?.isDirectory() === true)
    for (const name of readdirSync(whole)) names.set(name, join(whole, name));
  for (const { target, source } of mounts)
    if (target.startsWith(`${inside}/`)) names.set(target.slice(inside.length + 1), source);
  return [...names]
    .filter(([name]) => name.endsWith(ending) && !name.startsWith("."))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, path]) => ({ path: `${inside}/${name}`, text: readFileSync(path, "utf8") }));
}
