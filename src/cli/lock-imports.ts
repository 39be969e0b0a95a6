import { basename } from "node:path";
import { SampanError } from "../base/index.ts";
import { type LockedImports, plainImports } from "../capabilities/index.ts";
import { type ComponentExternType, decodeComponent } from "../wasm/component/index.ts";
import { explainRejection, kindOf, readModuleImports } from "../wasm/index.ts";
import { witFeatures } from "../wasm/wit/index.ts";

/**
 * What a component or a core module imports, as a lock has it.
 *
 * @throws GUEST_NOT_RUNNABLE, WASM_MALFORMED, COMPONENT_INVALID, COMPONENT_FEATURE
 */
export function importsToLock(bytes: Uint8Array<ArrayBuffer>, file: string): LockedImports {
  const kind = kindOf(bytes);
  if (kind === "component") return importsOfComponent(decodeComponent(bytes, { features: witFeatures }).type.imports);
  if (kind === "module") return importsOfModule(bytes);
  throw new SampanError("GUEST_NOT_RUNNABLE", `Cannot read "${basename(file)}": ${explainRejection(bytes, undefined)}`);
}

function importsOfComponent(imports: ReadonlyMap<string, ComponentExternType>): LockedImports {
  const plain: string[] = [];
  const found: [string, string[]][] = [];
  for (const [name, extern] of imports) {
    if (extern.kind === "instance") {
      found.push([name, [...extern.type.exports].flatMap(([each, { kind }]) => (kind === "function" ? [each] : []))]);
    } else if (extern.kind !== "type") plain.push(name);
  }
  return Object.fromEntries(plain.length === 0 ? found : [[plainImports, plain], ...found]);
}

function importsOfModule(bytes: Uint8Array): LockedImports {
  const modules = Map.groupBy(readModuleImports(bytes), ({ module }) => module);
  return Object.fromEntries(
    [...modules].map(([module, items]) => [module, [...new Set(items.map(({ name }) => name))]]),
  );
}
