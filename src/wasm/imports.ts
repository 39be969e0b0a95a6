import { type ImportInfo, readImports } from "./externs.ts";
import { ByteReader } from "./reader.ts";
import { readModuleSections, sectionId } from "./sections.ts";
import { type TypeDefinition, TypeReader } from "./types.ts";

/**
 * The imports of a core module with their types, and nothing else of it: what stands behind the import section is not looked
 * at (WebAssembly 3.0, 5.5.5 Import section).
 *
 * @throws WASM_MALFORMED
 */
export function readModuleImports(bytes: Uint8Array): ImportInfo[] {
  let types: readonly TypeDefinition[] = [];
  for (const section of readModuleSections(bytes)) {
    if (section.id === sectionId.type)
      types = new TypeReader(new ByteReader(bytes, section.body), new Set()).typeSection();
    if (section.id > sectionId.import) break;
    if (section.id !== sectionId.import) continue;
    return Array.from(readImports(section, { bytes, types, features: new Set() }), ({ info }) => info);
  }
  return [];
}
