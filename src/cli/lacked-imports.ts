import { findWasi02 } from "../abi/index.ts";
import type { ComponentExternType } from "../wasm/component/index.ts";

/** What an import asks for that nobody provides: itself, or the functions of its interface that are not known here. */
export function lackedOf(name: string, extern: ComponentExternType | undefined): string[] {
  if (!hasFunctions(extern)) return [];
  if (extern?.kind !== "instance") return [name];
  const wanted = [...extern.type.exports].filter(([, each]) => hasFunctions(each)).map(([each]) => each);
  const lacked = wanted.filter((each) => findWasi02(name, each) === undefined);
  return lacked.length === wanted.length ? [name] : lacked.map((each) => `${name}#${each}`);
}

/** Whether an import asks for more than types. */
export function hasFunctions(extern: ComponentExternType | undefined): boolean {
  if (extern?.kind === "instance") return [...extern.type.exports.values()].some(hasFunctions);
  return extern !== undefined && extern.kind !== "type";
}
