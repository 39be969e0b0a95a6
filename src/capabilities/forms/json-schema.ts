/** A JSON Schema, as far as forms make one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}
