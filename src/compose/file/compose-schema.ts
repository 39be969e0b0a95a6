import { readFileSync } from "node:fs";
import { build } from "../../base/index.ts";

/** A JSON Schema, as far as the specification's makes use of it. */
export interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly uniqueItems?: boolean;
  readonly definitions?: Readonly<Record<string, SchemaNode>>;
}

let schema: SchemaNode | undefined;

/** The JSON Schema of the Compose Specification, of which setup/bundle.js puts a copy beside the bundle. */
export function composeSchema(): SchemaNode {
  if (schema !== undefined) return schema;
  // The package's exports leave the schema out; its folder is where its manifest is.
  const url =
    build === undefined
      ? new URL("schemas/compose.schema.json", import.meta.resolve("dclint/package.json"))
      : new URL("compose-schema.json", import.meta.url);
  schema = JSON.parse(readFileSync(url, "utf8")) as SchemaNode;
  return schema;
}

/** The schema that a pointer's parts lead to; `$ref` among them is followed. */
export function schemaAt(parts: readonly string[]): SchemaNode | undefined {
  let node: unknown = composeSchema();
  for (const part of parts) {
    if (typeof node !== "object" || node === null) return undefined;
    const next: unknown = (node as Record<string, unknown>)[part];
    node = part === "$ref" ? definition(String(next)) : next;
  }
  return node as SchemaNode | undefined;
}

/** A schema with its `$ref` followed. */
export function resolved(node: SchemaNode): SchemaNode {
  return node.$ref === undefined ? node : (definition(node.$ref) ?? node);
}

function definition(reference: string): SchemaNode | undefined {
  return composeSchema().definitions?.[reference.replace("#/definitions/", "")];
}
