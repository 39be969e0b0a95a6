import { Document, LineCounter } from "yaml";
import { nearest, SampanError } from "../base/index.ts";
import { capability, capabilityNames, wantedForm, type CapabilityName } from "./catalog.ts";
import { flag, type Form, list, map, mapped, object, oneOf, readDocument, text } from "./forms/forms.ts";
import type { JsonSchema } from "./forms/json-schema.ts";
import { checkedGrants } from "./grants-from-flags.ts";
import { defaultGrants, type FolderAccess, type FolderGrant, type Grants, noGrants } from "./grants.ts";
import type { GrantsSource } from "./grants-source.ts";
import { joinFolders, joinStores } from "./join-grants.ts";
import {
  parseClock,
  parseConnect,
  parseEnv,
  parseListen,
  parsePublish,
  parseRandom,
  parseStdio,
  parseVolume,
  parseWorkdir,
  stdioNames,
  variableProblem,
} from "./parse-flags.ts";
import { resolveHost } from "./paths.ts";
import { configProblem, nameProblem, parseConfigValue, parseLog, parseStore, storeAt } from "./store-flags.ts";

/**
 * Reads grants from YAML or JSON. What the text leaves out is as by default; `cwd` is the folder of the file.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN
 */
export function readGrants(content: string, source: GrantsSource): Grants {
  return checkedGrants(readDocument(oneOf(grantsForm(source), nothing), content, source.file));
}

/**
 * Reads grants from a value that is parsed already, as where another file embeds them.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN
 */
export function grantsFromValue(value: unknown, source: GrantsSource): Grants {
  const document = new Document(value);
  const place = { document, lines: new LineCounter(), file: source.file, path: "" };
  return checkedGrants(oneOf(grantsForm(source), nothing).read(document.contents, place));
}

const empty: Form<undefined> = {
  wanted: "nothing",
  schema: { type: "null" },
  matches: (node) => node === null || ("value" in node && node.value === null),
  read: () => undefined,
};

const nothing: Form<Grants> = { ...empty, read: () => defaultGrants };

/** A value in the form of a capability's flag. */
function value<T>(name: CapabilityName, parse: (value: string) => T, schema: JsonSchema = {}): Form<T> {
  const { flags, summary } = capability(name);
  const example = flags[0].example === undefined ? {} : { examples: [flags[0].example] };
  return text(wantedForm(flags[0]), parse, { description: summary, ...example, ...schema });
}

const accessForm = text("wanted ro or rw", parseAccess, {
  enum: ["ro", "rw", "read-only", "read-write"],
});

function parseAccess(word: string): FolderAccess {
  if (word === "ro" || word === "read-only") return "read-only";
  if (word === "rw" || word === "read-write") return "read-write";
  const problem = "it is no kind of access; wanted ro or rw";
  throw new SampanError("GRANT_INVALID", `Cannot read the access "${word}": ${problem}`, {
    data: { problem },
  });
}

/** The forms of the parts of grants, by what flags and files call them. */
function grantParts(source: GrantsSource) {
  const plain = text("wanted text", (typed) => typed);
  const number = { type: ["string", "integer"] };
  const scalar = text("wanted text", (typed): string | undefined => typed, {
    type: ["string", "number", "boolean"],
  });
  const scalarText = text("wanted text", (typed) => typed, { type: ["string", "number", "boolean"] });
  const pairs = mapped(list(value("env", (typed) => parseEnv(typed, source))), (all) =>
    all.flatMap((each) => (each ? [[each.name, each.value] as const] : [])),
  );
  const byKind = <T>(key: string, name: CapabilityName, parse: (typed: string) => T): Form<T> => {
    const inner = text(`wanted ${key}`, (typed) => parse(`${key}=${typed}`), {
      type: ["string", "number"],
    });
    return oneOf(value(name, parse), only(key, inner));
  };
  const folder = object({ host: plain, guest: plain, access: accessForm }, { required: ["host", "guest"] });
  return {
    connect: list(value("net.connect", (typed) => parseConnect(typed, source))),
    listen: list(value("net.listen", (typed) => parseListen(typed, source), number)),
    publish: list(value("net.publish", parsePublish)),
    dns: flag(),
    clock: oneOf(
      byKind("fixed", "clock", parseClock),
      mapped(empty, () => noGrants.clock),
    ),
    random: oneOf(
      byKind("seed", "random", parseRandom),
      mapped(empty, () => noGrants.random),
    ),
    stdio: mapped(list(value("stdio", parseStdio)), (lists) =>
      stdioNames.filter((name) => lists.some((each) => each.includes(name))),
    ),
    env: oneOf(map(oneOf(scalar, empty), variableProblem), pairs),
    files: mapped(
      list(
        oneOf(
          value("files", (typed) => parseVolume(typed, source)),
          mapped(folder, ({ host = "", guest = "", access = "read-write" }): FolderGrant => {
            return { host: resolveHost(source.cwd, host), guest, access };
          }),
        ),
      ),
      joinFolders,
    ),
    workdir: value("workdir", parseWorkdir),
    config: mapped(
      oneOf(map(scalarText, configProblem), list(value("config", parseConfigValue))),
      (read): Grants["config"] =>
        Object.fromEntries(read.map((each) => ("key" in each ? ([each.key, each.value] as const) : each))),
    ),
    keyvalue: mapped(
      oneOf(
        map(
          text("wanted memory or a file", (typed) => typed),
          nameProblem,
        ),
        list(value("keyvalue", (typed) => parseStore(typed, source))),
      ),
      (read) => joinStores(read.map((each) => ("name" in each ? each : storeAt(...each, source)))),
    ),
    log: oneOf(
      value("log", parseLog),
      mapped(empty, () => noGrants.log),
    ),
  };
}

/** The whole document. One description: readers, errors and {@link grantsSchema} come from it. */
function grantsForm(source: GrantsSource): Form<Grants> {
  const { connect, listen, publish, dns, ...parts } = grantParts(source);
  const net = object({ connect, listen, publish, dns });
  const fields = {
    ...parts,
    net: { ...oneOf(net, empty), schema: { ...net.schema, type: ["object", "null"] } },
  };
  return mapped(object(fields, { suggest: suggestKey }), ({ env = [], net, ...read }): Grants => {
    return { ...defaultGrants, ...read, env: variablesOf(env, source), net: { ...defaultGrants.net, ...net } };
  });
}

type Variables = readonly (readonly [name: string, typed: string | undefined])[];

/** A variable without a value of its own takes that of the surroundings. */
function variablesOf(env: Variables, source: GrantsSource): Grants["env"] {
  const known = env.map(([name, typed]) => [name, typed ?? source.lookup?.(name)] as const);
  return Object.fromEntries(known.flatMap(([name, typed]) => (typed === undefined ? [] : [[name, typed]])));
}

/** The keys by which another file grants something, each by the name of its flag, and what makes grants of those that are there. */
export function grantKeys(source: GrantsSource) {
  const { connect, listen, dns, files, publish: _publish, ...parts } = grantParts(source);
  const fields = { ...parts, volumes: files, "allow-net": connect, "allow-listen": listen, "allow-dns": dns };
  const whole = object(fields);
  type Read = ReturnType<typeof whole.read>;
  const joined = (base: Grants, read: Read): Grants => {
    const { env = [], volumes = [], clock, random, stdio, workdir, config, keyvalue = [], log, ...net } = read;
    return checkedGrants({
      clock: clock ?? base.clock,
      random: random ?? base.random,
      stdio: stdio ?? base.stdio,
      env: { ...base.env, ...variablesOf(env, source) },
      files: joinFolders([...base.files, ...volumes]),
      workdir: workdir ?? base.workdir,
      config: { ...base.config, ...config },
      keyvalue: joinStores([...base.keyvalue, ...keyvalue]),
      log: log ?? base.log,
      net: {
        connect: [...base.net.connect, ...(net["allow-net"] ?? [])],
        listen: [...base.net.listen, ...(net["allow-listen"] ?? [])],
        publish: base.net.publish,
        dns: net["allow-dns"] ?? base.net.dns,
      },
    });
  };
  return { fields, joined };
}

/** The form of a grants file, for a file that has one in it. */
export function grantsFormOf(source: GrantsSource): Form<Grants> {
  return mapped(oneOf(grantsForm(source), nothing), checkedGrants);
}

/** The map with one key whose value stands for all of it. */
function only<T>(key: string, form: Form<T>): Form<T> {
  const whole = object({ [key]: form }, { required: [key] });
  return {
    ...whole,
    read(node, place) {
      const found = whole.read(node, place)[key];
      if (found === undefined) throw new TypeError(`"${key}" is required and was not read`);
      return found as T;
    },
  };
}

/** The key that somebody means who writes part of one, or the name of a flag. */
function suggestKey(typed: string): string | undefined {
  const aliases = new Map(
    capabilityNames.flatMap((name) => {
      const { key, flags } = capability(name);
      const last = key.slice(key.lastIndexOf(".") + 1);
      return [key, last, ...flags.map(({ long }) => long.slice(2))].map((alias) => [alias, key] as const);
    }),
  );
  const near = nearest(typed.replace(/^-+|s$/g, ""), aliases.keys());
  return near === undefined ? undefined : aliases.get(near);
}

/** The JSON Schema of a grants file, to be embedded wherever grants are. */
export const grantsSchema: JsonSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Grants of a Sampan workload",
  ...grantsForm({ cwd: "/" }).schema,
};
