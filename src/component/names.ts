import { camelCase } from "./canonical/names.ts";

/** A name of WIT's as a JavaScript class: `output-stream` becomes `OutputStream`. */
export function pascalCase(kebab: string): string {
  const camel = camelCase(kebab);
  return camel.slice(0, 1).toUpperCase() + camel.slice(1);
}
