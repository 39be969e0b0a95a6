import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";
import { nearest } from "../../base/index.ts";
import { composeSchema, resolved, schemaAt, type SchemaNode } from "./compose-schema.ts";
import type { Problems } from "./problems.ts";
import { isInTable } from "./support.ts";
import { type Branch, dataOf, describe, keyPath, type Spot, type Tree } from "./tree.ts";

let validator: Validator | undefined;

/** Tells what of a tree the specification's JSON Schema refuses, in sentences of our own. */
export function validate(tree: Tree, problems: Problems): void {
  validator ??= new Validator(composeSchema() as Schema, "7", false);
  const { errors } = validator.validate(dataOf(tree));
  for (const error of telling(errors)) tell(error, tree, problems);
}

/** The errors that say something: of alternatives, those of the one that has the value's type. */
function telling(errors: readonly OutputUnit[]): OutputUnit[] {
  const told: OutputUnit[] = [];
  const done: string[] = [];
  for (const error of errors) {
    const { keyword, keywordLocation, instanceLocation } = error;
    if (done.some((prefix) => keywordLocation.startsWith(prefix))) continue;
    if (keyword !== "oneOf") {
      told.push(error);
      continue;
    }
    done.push(`${keywordLocation}/`);
    const ofBranch = (index: number): OutputUnit[] =>
      errors.filter(
        (each) =>
          each.keywordLocation.startsWith(`${keywordLocation}/${index}/`) &&
          each.instanceLocation.startsWith(instanceLocation),
      );
    const fitting = [...branchesOf(error).keys()]
      .map(ofBranch)
      .find(
        (own) => own.length > 0 && !own.some((each) => each.instanceLocation === instanceLocation && isOfType(each)),
      );
    told.push(...(fitting === undefined ? [error] : telling(fitting)));
  }
  return told;
}

function isOfType({ keyword }: OutputUnit): boolean {
  return keyword === "type" || keyword === "oneOf";
}

function branchesOf({ keywordLocation }: OutputUnit): readonly SchemaNode[] {
  return schemaAt(partsOf(keywordLocation).slice(0, -1))?.oneOf ?? [];
}

function partsOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

interface Located {
  readonly tree: Tree;
  /** Of the key, or of the value in a list. */
  readonly spot: Spot;
  readonly path: string;
}

function locate(root: Tree, pointer: string): Located {
  let at: Located = { tree: root, spot: root.spot, path: "" };
  for (const part of partsOf(pointer)) {
    if (at.tree.kind === "list") {
      const item = at.tree.items[Number(part)];
      if (item === undefined) return at;
      at = { tree: item, spot: item.spot, path: `${at.path}[${part}]` };
    } else if (at.tree.kind === "map") {
      const entry = at.tree.entries.get(part);
      if (entry === undefined) return at;
      at = { tree: entry.value, spot: entry.key, path: keyPath(at.path, part) };
    }
  }
  return at;
}

function tell(error: OutputUnit, root: Tree, problems: Problems): void {
  const { keyword, keywordLocation, instanceLocation } = error;
  const parts = partsOf(keywordLocation).slice(0, -1);
  const schema = schemaAt(parts);
  if (schema === undefined) return;
  const { tree, spot, path } = locate(root, instanceLocation);
  const what = path === "" ? "the file" : path;
  const valueSpot = tree.kind === "leaf" && tree.value !== null ? tree.spot : spot;
  const refuse = (problem: string, hint: string): void =>
    problems.invalid({ spot: valueSpot, path, message: `Cannot read ${what}: ${problem}`, hint });
  switch (keyword) {
    case "additionalProperties":
      if (tree.kind === "map") tellUnknownKeys(tree, path, schema, problems);
      return;
    case "required":
      for (const key of schema.required ?? [])
        if (tree.kind === "map" && !tree.entries.has(key)) refuse(`it lacks the key "${key}"`, `add ${key}: to it`);
      return;
    case "type":
    case "oneOf": {
      const wanted = wantedOf(schema);
      return refuse(`found ${describe(tree)}, wanted ${wanted}`, typeHint(tree, schema, path));
    }
    case "enum": {
      const words = (schema.enum ?? []).map(String);
      const near = tree.kind === "leaf" ? nearest(String(tree.value), words) : undefined;
      const hint = near === undefined ? `write one of ${words.join(", ")}` : `did you mean ${near}`;
      return refuse(`found ${describe(tree)}, wanted one of ${words.join(", ")}`, hint);
    }
    case "uniqueItems":
      return tellRepeated(tree, path, problems);
    case "minimum":
    case "maximum": {
      const range = `${schema.minimum ?? "any"} to ${schema.maximum ?? "any"}`;
      return refuse(`found ${describe(tree)}, wanted a number from ${range}`, `write a number from ${range}`);
    }
    case "pattern":
      return refuse(`found ${describe(tree)}, which does not have the form of it`, patternHint(path));
    default:
      // The others say that something below is wrong, which has an error of its own.
      return;
  }
}

function patternHint(path: string): string {
  if (path.endsWith("pull_policy")) return "write always, missing, never, daily, weekly or every_12h";
  return "use letters, digits, dots, dashes and underscores, a letter or digit first";
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  null: "nothing",
};

function typesOf(schema: SchemaNode): string[] {
  const node = resolved(schema);
  if (node.oneOf !== undefined) return node.oneOf.flatMap(typesOf);
  const types = node.type === undefined ? [] : [node.type].flat();
  // A truth or a number may be written as text, for variables' sake; people are told of the plain form.
  return types.includes("boolean") || types.includes("integer") || types.includes("number")
    ? types.filter((type) => type !== "string" || types.includes("null"))
    : types;
}

function wantedOf(schema: SchemaNode): string {
  const names = [...new Set(typesOf(schema))].filter((type) => type !== "null").map((type) => typeNames[type] ?? type);
  const last = names.pop() ?? "something else";
  return names.length === 0 ? last : `${names.join(", ")} or ${last}`;
}

const durations = /^(?:interval|timeout|start_period|start_interval|stop_grace_period|delay|window|monitor)$/;

function typeHint(tree: Tree, schema: SchemaNode, path: string): string {
  const types = typesOf(schema);
  const key = /([\w-]+)(?:\[\d+\])*$/.exec(path)?.[1] ?? "KEY";
  const isText = tree.kind === "leaf" && tree.value !== null;
  if (isText && typeof tree.value === "number" && durations.test(key)) return `did you mean ${tree.value}s`;
  if (isText && types.includes("string")) return `put it in quotes: "${String(tree.value)}"`;
  if (isText && types.includes("array")) return `write it as a list: ${key}: [${describe(tree)}]`;
  if (tree.kind === "leaf" && tree.value === null) return `write ${key}: and ${wantedOf(schema)}, or remove the key`;
  if (tree.kind === "map" && types.includes("array")) return "begin each item with a dash: - ITEM";
  if (tree.kind === "list" && types.includes("object")) return "write KEY: VALUE lines without dashes";
  if (types.includes("object")) return `write keys below it: ${key}: and KEY: VALUE in the next line`;
  return `write ${wantedOf(schema)} behind ${key}:`;
}

/** What people write for a key of a service that has another name. */
const otherNames: Readonly<Record<string, string>> = {
  args: "command",
  cmd: "command",
  cpu: "cpus",
  depends: "depends_on",
  env: "environment",
  environments: "environment",
  health: "healthcheck",
  memory: "mem_limit",
  mounts: "volumes",
  outbound: "x-sampan: with outbound: below it",
  replicas: "deploy: with replicas: below it",
  variables: "environment",
  vars: "environment",
  workdir: "working_dir",
};

function tellUnknownKeys(tree: Branch, path: string, schema: SchemaNode, problems: Problems): void {
  const known = Object.keys(schema.properties ?? {});
  const patterns = Object.keys(schema.patternProperties ?? {}).map((pattern) => new RegExp(pattern));
  for (const [key, { key: spot, value }] of tree.entries) {
    if (known.includes(key) || patterns.some((pattern) => pattern.test(key))) continue;
    // The specification is ahead of the package that has its schema.
    if (isInTable(`${path.replace(/^(\w+)\.[^.]+$/, "$1.*")}.${key}`)) continue;
    const own = keyPath(path, key);
    if (known.length === 0) {
      const message = `Cannot read ${own}: "${key}" is no name`;
      problems.invalid({ spot, path: own, message, hint: "use letters, digits, dots, dashes and underscores" });
      continue;
    }
    const message = `Cannot read ${own}: there is no key "${key}" here`;
    problems.invalid({ spot, path: own, message, hint: unknownKeyHint({ key, value, known, path }) });
  }
}

function unknownKeyHint({
  key,
  value,
  known,
  path,
}: {
  key: string;
  value: Tree;
  known: readonly string[];
  path: string;
}): string {
  const isOfService = /^services\.[^.]+$/.test(path);
  const other = isOfService ? otherNames[key.toLowerCase()] : undefined;
  const near = other ?? nearest(key.toLowerCase().replaceAll("-", "_"), known);
  if (near !== undefined) return `did you mean ${near}`;
  if (path === "" && value.kind === "map" && (value.entries.has("image") || value.entries.has("build")))
    return `indent it below services: where the services are`;
  if (known.length <= 14) return `the keys here are ${known.join(", ")}`;
  return isOfService ? "sampan's guide compose-support lists the keys of a service" : "remove it";
}

function tellRepeated(tree: Tree, path: string, problems: Problems): void {
  if (tree.kind !== "list") return;
  const seen = new Set<string>();
  for (const [index, item] of tree.items.entries()) {
    const text = JSON.stringify(dataOf(item));
    const own = `${path}[${index}]`;
    if (seen.has(text))
      problems.invalid({
        spot: item.spot,
        path: own,
        message: `Cannot read ${own}: ${describe(item)} stands in the list already`,
        hint: "remove one of the two",
      });
    seen.add(text);
  }
}
