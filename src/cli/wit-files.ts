import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SampanError } from "../base/index.ts";
import { decodeComponent } from "../wasm/component/index.ts";
import { kindOf } from "../wasm/index.ts";
import {
  type ComponentWit,
  decodeWit,
  readWit,
  witFeatures,
  witOfComponent,
  type WitResolution,
  type WitSource,
} from "../wasm/wit/index.ts";
import { readArtifact, readText } from "./files.ts";

/** WIT as it was named on the command line; a component's has its world and what WIT cannot say of it. */
export type NamedWit = WitResolution & Partial<Pick<ComponentWit, "world" | "omitted">>;

/**
 * Reads WIT from a file of it, a folder (dependencies in `deps`), a component, or a package of WIT in its binary form.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, WIT_INVALID, COMPONENT_INVALID, COMPONENT_FEATURE, WASM_MALFORMED
 */
export function readNamedWit(file: string, features: readonly string[]): NamedWit {
  const options = { features };
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) return readFolder(file, options);
  const { bytes } = readArtifact(file);
  const kind = kindOf(bytes);
  if (kind === "component") return witOfBinary(bytes);
  if (kind === "module") {
    const message = `Cannot read WIT from "${file}": it is a core module, which says nothing of its interfaces`;
    throw new SampanError("WIT_INVALID", message, { hint: "name a component, a .wit file or a folder of them" });
  }
  return readWit([{ path: basename(file), text: readText(file, "WIT") }], options);
}

/**
 * The WIT of a component, or of the package that a component which exports nothing but types is.
 *
 * @throws WASM_MALFORMED, COMPONENT_INVALID, COMPONENT_FEATURE
 */
export function witOfBinary(bytes: Uint8Array): NamedWit {
  const component = decodeComponent(bytes, { features: witFeatures });
  const { imports, exports } = component.type;
  const isPackage =
    imports.size === 0 &&
    exports.size > 0 &&
    [...exports.values()].every(({ kind, type }) => kind === "type" && type.kind === "component");
  return isPackage ? decodeWit(bytes) : witOfComponent(component);
}

function readFolder(folder: string, options: { readonly features: readonly string[] }): WitResolution {
  const sources = [...filesIn(folder, ""), ...dependencies(join(folder, "deps"))];
  if (sources.length > 0) return readWit(sources, options);
  throw new SampanError("WIT_INVALID", `Cannot read WIT from "${folder}": there is no .wit file in the folder`, {
    hint: basename(dirname(join(folder, "x"))) === "deps" ? "name the folder around deps" : undefined,
  });
}

function filesIn(folder: string, prefix: string): WitSource[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith(".wit"))
    .map(({ name }) => ({ path: `${prefix}${name}`, text: readText(join(folder, name), "WIT") }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function dependencies(folder: string): WitSource[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.name.endsWith(".wit"));
  const inside = folders.flatMap(({ name }) =>
    statSync(join(folder, name)).isDirectory() ? filesIn(join(folder, name), `deps/${name}/`) : [],
  );
  return [...filesIn(folder, "deps/"), ...inside];
}
