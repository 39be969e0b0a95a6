import { dirname } from "node:path";
import type { Grants } from "../../capabilities/index.ts";
import {
  flag,
  type Form,
  grantKeys,
  grantsFormOf,
  type JsonSchema,
  list,
  map,
  object,
  oneOf,
  placed,
  text,
} from "../../capabilities/forms/index.ts";
import { unreadable } from "./parse-values.ts";
import { parseHost, parsePath } from "./route.ts";
import { cgiSettings, clientLimits, serverSettings, type Setting, trustSetting, workloadSettings } from "./settings.ts";

/** What forms of a file refer to beside its text. */
export interface FormContext {
  /** Absolute; relative paths start from its folder. */
  readonly file: string;
  readonly lookup: (name: string) => string | undefined;
  /** Reads grants from a file that a key names. */
  readonly readGrantsFile: (file: string) => Grants;
}

type FormsOf<Table extends Readonly<Record<string, Setting<unknown>>>> = {
  [Key in keyof Table]: Table[Key] extends Setting<infer T> ? Form<T> : never;
};

function formOf<T>({ value, example, summary, parse, schema }: Setting<T>): Form<T> {
  const type = { type: ["string", "number"] };
  return text(`wanted ${value}, such as "${example}"`, parse, {
    description: summary,
    examples: [example],
    ...type,
    ...schema,
  });
}

function formsOf<Table extends Readonly<Record<string, Setting<unknown>>>>(table: Table): FormsOf<Table> {
  return Object.fromEntries(Object.entries(table).map(([key, setting]) => [key, formOf(setting)])) as FormsOf<Table>;
}

function word(
  wanted: string,
  parse: (typed: string) => string | undefined = (typed) => typed,
): Form<string | undefined> {
  return text(wanted, parse);
}

function workloadName(name: string): string | undefined {
  return /^[a-z0-9][a-z0-9._-]{0,62}$/i.test(name)
    ? undefined
    : `"${name}" is no name; use up to 63 letters, digits, dots, dashes and underscores`;
}

const kinds = ["component", "cgi", "listener"] as const;

function kindOf(typed: string): (typeof kinds)[number] {
  const kind = kinds.find((each) => each === typed);
  if (kind === undefined) throw unreadable(typed, `wanted ${kinds.join(", ")}`);
  return kind;
}

/** The form of one workload's settings; answers what was read and the grants among it. */
function workloadForm({ file, lookup, readGrantsFile }: FormContext) {
  const source = { cwd: dirname(file), lookup };
  const { fields, joined } = grantKeys(source);
  const plain = text("wanted text", (typed) => typed, { type: ["string", "number", "boolean"] });
  const fromFile = text("wanted a file with grants", readGrantsFile);
  const form = object(
    {
      file: text("wanted the file of a component or a module", (typed) => typed, {
        description: "The component or module",
      }),
      kind: text(`wanted ${kinds.join(", ")}`, kindOf, {
        enum: kinds,
        description: "What it is; told by the file where it is left out",
      }),
      args: list(plain),
      features: list(plain),
      grants: oneOf(fromFile, grantsFormOf(source)),
      ...formsOf(workloadSettings),
      cgi: object(formsOf(cgiSettings)),
      ...fields,
    },
    { required: ["file"], suggest: otherName },
  );
  return { form, joined };
}

/** What people write for a key that has another name. */
const otherNames: Readonly<Record<string, string>> = {
  component: "file",
  environment: "env",
  mem_limit: "memory",
  mounts: "volumes",
  outbound: "allow-net",
  path: "file",
  volume: "volumes",
  wasm: "file",
};

function otherName(key: string): string | undefined {
  return otherNames[key.toLowerCase()];
}

/** The form of a whole file, and how the grants of a workload are put together. */
export function serveForm(context: FormContext) {
  const { form: workload, joined } = workloadForm(context);
  const route = object(
    {
      host: word('wanted a host name, such as "shop.localhost"', parseHost),
      path: word('wanted a path, such as "/api"', parsePath),
      to: placed(text("wanted the name of a workload", (typed) => typed, { description: "The workload's name" })),
    },
    { required: ["to"], suggest: (key) => (key === "workload" || key === "service" ? "to" : undefined) },
  );
  const form = object(
    {
      ...formsOf(serverSettings),
      trust: list(formOf(trustSetting)),
      watch: flag(),
      limits: object(formsOf(clientLimits)),
      workloads: map(workload, workloadName),
      routes: list(route),
    },
    { suggest: (key) => ({ listen: "addr", address: "addr", services: "workloads", apps: "workloads" })[key] },
  );
  return { form, joined };
}

/** What a file says, as it was read. */
export type ServeFile = ReturnType<ReturnType<typeof serveForm>["form"]["read"]>;

/** What a file says of one workload. */
export type WorkloadFile = ReturnType<ReturnType<typeof workloadForm>["form"]["read"]>;

/** The JSON Schema of a file for `sampan serve --config`. */
export function serveSchema(): JsonSchema {
  const { form } = serveForm({
    file: "/serve.yaml",
    lookup: () => undefined,
    readGrantsFile: () => unreadableGrants(),
  });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "What sampan serve is to do",
    ...form.schema,
  };
}

function unreadableGrants(): never {
  throw new TypeError("A schema reads no files");
}
