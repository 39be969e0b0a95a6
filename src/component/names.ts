import { SampanError } from "../base/index.ts";
import { camelCase } from "./canonical/names.ts";

/** A name of WIT's as a JavaScript class: `output-stream` becomes `OutputStream`. */
export function pascalCase(kebab: string): string {
  const camel = camelCase(kebab);
  return camel.slice(0, 1).toUpperCase() + camel.slice(1);
}

/** A function's or method's property. Whoever awaits an object with a function `then` would call it, so that one is `then_`. */
export function functionName(kebab: string): string {
  const camel = camelCase(kebab);
  return camel === "then" ? "then_" : camel;
}

/** The error of two names of WIT's that would be one in JavaScript, such as `a-1` and `a1`. */
export function sameName(one: string, other: string): SampanError {
  return new SampanError(
    "COMPONENT_NAMES",
    `Cannot tell "${one}" from "${other}": JavaScript calls both "${camelCase(one)}"`,
    { hint: "give one of them another name in the component's WIT" },
  );
}
