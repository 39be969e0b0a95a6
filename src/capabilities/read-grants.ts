import type { JsonSchema } from "./forms/json-schema.ts";
import type { Grants } from "./grants.ts";
import type { GrantsSource } from "./grants-source.ts";

// The YAML library takes 10 ms to load, four times all else in this room: only a command that reads a file pays for it.

/**
 * Reads grants from YAML or JSON. What the text leaves out is as by default; `cwd` is the folder of the file.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN
 */
export async function readGrants(text: string, source: GrantsSource): Promise<Grants> {
  const schema = await import("./schema.ts");
  return schema.readGrants(text, source);
}

/**
 * Reads grants from a value that is parsed already, as where another file embeds them.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN
 */
export async function grantsFromValue(value: unknown, source: GrantsSource): Promise<Grants> {
  const schema = await import("./schema.ts");
  return schema.grantsFromValue(value, source);
}

/** The JSON Schema of a grants file, to be embedded wherever grants are. */
export async function loadGrantsSchema(): Promise<JsonSchema> {
  const schema = await import("./schema.ts");
  return schema.grantsSchema;
}
