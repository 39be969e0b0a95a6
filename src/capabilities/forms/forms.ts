import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { JsonSchema } from "./json-schema.ts";
import { nearest, SampanError } from "../../base/index.ts";

/** Where a value stands, for errors. */
export interface Place {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly file: string | undefined;
  /** Keys and indices from the outside in: `files[0].host`. */
  readonly path: string;
  /** Where all that is wrong is gathered; left out, the first of it ends the reading. */
  readonly findings?: FormFinding[] | undefined;
}

/** What is wrong at a place of a document, line and column from 1. */
export interface FormFinding {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  /** Such as `it is "x"; wanted a list`. */
  readonly problem: string;
  readonly hint?: string | undefined;
}

/** What a value in a document has to look like: a reader and a JSON Schema that come from one description. */
export interface Form<T> {
  readonly schema: JsonSchema;
  /** What is wanted, for errors: `a list`. */
  readonly wanted: string;
  /** Whether a node looks like this form, before it is read as such. */
  matches(node: Node | null): boolean;
  read(node: Node | null, place: Place): T;
}

/** What {@link object} reads: the keys that are there. */
export type ObjectOf<Fields extends Record<string, Form<unknown>>> = {
  readonly [Key in keyof Fields]?: Fields[Key] extends Form<infer T> ? T : never;
};

/**
 * Reads one YAML or JSON document.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN
 */
export function readDocument<T>(form: Form<T>, text: string, file?: string): T {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place: Place = { document, lines, file, path: "" };
  const [error] = document.errors;
  if (error) throw failure("GRANT_INVALID", place, lines.linePos(error.pos[0]), notYaml(error));
  return form.read(document.contents, place);
}

/** Reads one YAML or JSON document and gathers all that is wrong with it; a value that could not be read is undefined. */
export function readWholeDocument<T>(form: Form<T>, text: string): { value: T | undefined; findings: FormFinding[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const findings: FormFinding[] = [];
  for (const error of document.errors.slice(0, mostSyntaxErrors)) {
    const { line, col } = lines.linePos(error.pos[0]);
    findings.push({ line, column: col, path: "", problem: notYaml(error) });
  }
  if (findings.length > 0) return { value: undefined, findings };
  const place: Place = { document, lines, file: undefined, path: "", findings };
  return { value: attempt(place, () => form.read(document.contents, place)), findings };
}

/** What follows is mostly of the first ones' making. */
const mostSyntaxErrors = 5;

function notYaml({ message }: Error): string {
  return `it is not YAML: ${message.replace(/\.$/, "")}`;
}

/** Reads a part; where findings are gathered, what is wrong with it leaves the part out and the rest is read. */
function attempt<T>({ findings }: Place, read: () => T): T | undefined {
  if (findings === undefined) return read();
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    const { path = "", line = 1, column = 1, problem = error.message } = error.data ?? {};
    findings.push({
      line: Number(line),
      column: Number(column),
      path: String(path),
      problem: String(problem),
      hint: error.hint,
    });
    return undefined;
  }
}

function failure(
  code: "GRANT_INVALID" | "GRANT_UNKNOWN",
  place: Place,
  position: Position | undefined,
  problem: string,
  hint?: string,
): SampanError {
  const line = position?.line;
  const at = [place.file === undefined ? [] : [`in "${place.file}"`], line === undefined ? [] : [`line ${line}`]]
    .flat()
    .join(", ");
  const what = place.path === "" ? "the grants" : `"${place.path}"`;
  return new SampanError(code, `Cannot read ${what}${at === "" ? "" : ` (${at})`}: ${problem}`, {
    hint,
    data: { path: place.path, problem, ...(position === undefined ? {} : { line, column: position.col }) },
  });
}

interface Position {
  readonly line: number;
  readonly col: number;
}

function positionOf(node: unknown, { lines }: Place): Position | undefined {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  const start: unknown = Array.isArray(range) ? range[0] : undefined;
  return typeof start === "number" && lines.lineStarts.length > 0 ? lines.linePos(start) : undefined;
}

function invalid(node: Node | null, place: Place, problem: string): SampanError {
  return failure("GRANT_INVALID", place, positionOf(node, place), problem);
}

function resolved(node: Node | null, place: Place): Node | null {
  if (!isAlias(node)) return node;
  const target = node.resolve(place.document);
  if (target === undefined) throw invalid(node, place, `nothing is anchored as "${node.source}"`);
  return target;
}

/** What a value is, for errors. */
function describe(node: Node | null): string {
  if (isMap(node)) return "a map";
  if (isSeq(node)) return "a list";
  const text = textOf(node);
  return text === undefined ? "nothing" : `"${text}"`;
}

/** The text of a plain value as it was typed, so that `1.10` stays `1.10`. */
function textOf(node: Node | null): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined;
  if (typeof node.value === "string") return node.value;
  return node.source ?? `${node.value as number | bigint | boolean}`;
}

/** A plain value that `parse` reads; the GRANT_INVALID that it throws is told with the place. */
export function text<T>(wanted: string, parse: (text: string) => T, schema: JsonSchema = {}): Form<T> {
  return {
    wanted,
    schema: { type: "string", ...schema },
    matches: (node) => textOf(node) !== undefined,
    read(node, place) {
      const value = textOf(resolved(node, place));
      if (value === undefined) throw invalid(node, place, `it is ${describe(node)}; ${wanted}`);
      try {
        return parse(value);
      } catch (error) {
        if (!(error instanceof SampanError)) throw error;
        const { problem, hint } = error.data ?? {};
        const told = `"${value}": ${typeof problem === "string" ? problem : error.message}`;
        const next = typeof hint === "string" ? hint : undefined;
        throw failure("GRANT_INVALID", place, positionOf(node, place), told, next);
      }
    },
  };
}

/** `true` or `false`. */
export function flag(): Form<boolean> {
  return {
    wanted: "wanted true or false",
    schema: { type: "boolean" },
    matches: (node) => isScalar(node) && typeof node.value === "boolean",
    read(node, place) {
      const inner = resolved(node, place);
      if (isScalar(inner) && typeof inner.value === "boolean") return inner.value;
      throw invalid(node, place, `it is ${describe(inner)}; wanted true or false`);
    },
  };
}

/** A list; one item may stand without it, and nothing is an empty one. */
export function list<T>(item: Form<T>): Form<readonly T[]> {
  return {
    wanted: "wanted a list",
    schema: { anyOf: [{ type: "array", items: item.schema }, item.schema, { type: "null" }] },
    matches: (node) => node === null || isSeq(node) || (isScalar(node) && node.value === null) || item.matches(node),
    read(node, place) {
      const inner = resolved(node, place);
      if (inner === null || (isScalar(inner) && inner.value === null)) return [];
      if (!isSeq<Node | null>(inner)) return [item.read(inner, place)];
      return inner.items.flatMap((each, index) => {
        const at = { ...place, path: `${place.path}[${index}]` };
        const read = attempt(place, () => ({ value: item.read(each, at) }));
        return read === undefined ? [] : [read.value];
      });
    },
  };
}

/** A map of any keys; `problemOf` says what is wrong with one, if anything. */
export function map<T>(
  item: Form<T>,
  problemOf: (key: string, value: T) => string | undefined = () => undefined,
): Form<readonly (readonly [string, T])[]> {
  return {
    wanted: "wanted a map",
    schema: { type: "object", additionalProperties: item.schema },
    matches: (node) => isMap(node),
    read: (node, place) =>
      entries(node, place).flatMap(({ key, keyNode, value, place: at }) => {
        const done = attempt(place, () => {
          const read = item.read(value, at);
          const problem = problemOf(key, read);
          if (problem !== undefined) throw invalid(keyNode, at, problem);
          return [key, read] as const;
        });
        return done === undefined ? [] : [done];
      }),
  };
}

interface MapEntry {
  readonly key: string;
  readonly keyNode: Node | null;
  readonly value: Node | null;
  readonly place: Place;
}

function entries(node: Node | null, place: Place): MapEntry[] {
  const inner = resolved(node, place);
  if (!isMap<Node | null, Node | null>(inner)) throw invalid(node, place, `it is ${describe(inner)}; wanted a map`);
  return inner.items.map(({ key: keyNode, value }) => {
    const key = textOf(resolved(keyNode, place));
    if (key === undefined) throw invalid(keyNode ?? inner, place, `a key of it is ${describe(keyNode)}; wanted a name`);
    const path = place.path === "" ? key : `${place.path}.${key}`;
    return { key, keyNode, value, place: { ...place, path } };
  });
}

/** A map of known keys; `suggest` finds what an unknown one could have meant, where no known key is near. */
export function object<Fields extends Record<string, Form<unknown>>>(
  fields: Fields,
  {
    required = [],
    suggest,
  }: {
    required?: readonly (keyof Fields & string)[];
    suggest?: (key: string) => string | undefined;
  } = {},
): Form<ObjectOf<Fields>> {
  const names = Object.keys(fields);
  const properties = Object.fromEntries(Object.entries(fields).map(([name, form]) => [name, form.schema]));
  return {
    wanted: `wanted a map of ${names.join(", ")}`,
    schema: {
      type: "object",
      properties,
      additionalProperties: false,
      ...(required.length > 0 ? { required } : {}),
    },
    matches: (node) => isMap(node),
    read(node, place) {
      const all = entries(node, place);
      const readOne = ({ key, keyNode, value, place: at }: MapEntry): readonly [string, unknown] => {
        const form = Object.hasOwn(fields, key) ? fields[key] : undefined;
        if (form !== undefined) return [key, form.read(value, at)];
        const near = nearest(key, names) ?? suggest?.(key);
        const problem = `nothing is called "${key}" here; wanted one of ${names.join(", ")}`;
        const hint = near === undefined ? undefined : `Did you mean "${near}"`;
        throw failure("GRANT_UNKNOWN", at, positionOf(keyNode, at), problem, hint);
      };
      const read = all.flatMap((each) => {
        const one = attempt(place, () => readOne(each));
        return one === undefined ? [] : [one];
      });
      const missing = required.find((name) => !all.some(({ key }) => key === name));
      if (missing !== undefined) throw invalid(node, place, `it lacks "${missing}"`);
      // The fields' own readers made the values, each under its own key.
      return Object.fromEntries(read) as ObjectOf<Fields>;
    },
  };
}

/** The first form that a value looks like. */
export function oneOf<A, B>(first: Form<A>, second: Form<B>): Form<A | B> {
  return {
    wanted: `${first.wanted}, or ${second.wanted.replace(/^wanted /, "")}`,
    schema: { anyOf: [first.schema, second.schema] },
    matches: (node) => first.matches(node) || second.matches(node),
    read(node, place) {
      const inner = resolved(node, place);
      if (first.matches(inner)) return first.read(node, place);
      if (second.matches(inner)) return second.read(node, place);
      throw invalid(node, place, `it is ${describe(inner)}; ${this.wanted}`);
    },
  };
}

/** A form whose value is made into another. */
export function mapped<A, B>(form: Form<A>, make: (value: A) => B): Form<B> {
  return { ...form, read: (node, place) => make(form.read(node, place)) };
}

/** A value and where it stands, for what is found out later. */
export interface Placed<T> extends Pick<FormFinding, "line" | "column" | "path"> {
  readonly value: T;
}

/** A form whose value keeps its place. */
export function placed<T>(form: Form<T>): Form<Placed<T>> {
  return {
    ...form,
    read: (node, place) => {
      const { line, col } = positionOf(node, place) ?? { line: 1, col: 1 };
      return { value: form.read(node, place), line, column: col, path: place.path };
    },
  };
}
