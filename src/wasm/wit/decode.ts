import { SampanError } from "../../base/index.ts";
import {
  type ComponentDefinition,
  type ComponentFeature,
  type ExternAttributes,
  type ExternType,
  parseExternName,
  decodeComponent,
} from "../component-parts.ts";
import { FromTypes } from "./from-types.ts";
import {
  packageText,
  type WitInterface,
  type WitPackage,
  type WitPackageName,
  type WitResolution,
  type WitWorld,
} from "./model.ts";
import { readPackageTypes } from "./read-package.ts";

/** Additions to the component model that WIT can express and the validator refuses unless they are asked for. */
export const witFeatures: readonly ComponentFeature[] = ["error-context", "fixed-length-lists", "nested-names"];

/**
 * Reads a package of WIT from its binary form (WIT, Package Format). Of other packages it has the interfaces that the
 * package refers to, as far as it does.
 *
 * @throws WASM_MALFORMED, COMPONENT_INVALID, WIT_INVALID where the component is no package of WIT
 */
export function decodeWit(bytes: Uint8Array): WitResolution {
  decodeComponent(bytes, { features: witFeatures });
  const tree = readPackageTypes(bytes);
  const from = new FromTypes(tree);
  const interfaces = new Map<string, WitInterface>();
  const worlds = new Map<string, WitWorld>();
  let owner: WitPackageName | undefined;
  for (const [name, extern] of tree.type.exports) {
    const { type } = extern;
    if (extern.kind !== "type" || type.kind !== "component")
      throw noPackage(`it exports "${name}", which is no type of WIT`);
    const [[whole, inner] = ["", undefined], ...others] = type.exports;
    const parsed = parseExternName(whole, { nested: true });
    if (parsed?.kind !== "interface" || inner === undefined || others.length > 0 || parsed.interface !== name)
      throw noPackage(`the type "${name}" does not export "${name}" of a package`);
    const here = { namespace: parsed.namespace, name: parsed.package, version: parsed.version };
    owner ??= here;
    if (packageText(owner) !== packageText(here))
      throw noPackage(`it has "${packageText(owner)}" and "${packageText(here)}" in it`);
    for (const [imported, each] of type.imports) if (each.kind === "instance") from.interface(imported, each.type);
    if (inner.kind === "component") worlds.set(name, from.world(inner.type, name, owner).world);
    else if (inner.kind === "instance") {
      const made = from.interface(whole, inner.type);
      if (made !== undefined) interfaces.set(name, made);
    } else throw noPackage(`the type "${name}" is neither an interface nor a world`);
  }
  if (owner === undefined) throw noPackage("it exports no type");
  const root: WitPackage = { name: owner, docs: undefined, interfaces, worlds };
  return { root, packages: [root, ...otherPackages(from, owner)] };
}

/** The world that a component is of, as WIT; `omitted` are imports and exports that WIT cannot have, by name. */
export interface ComponentWit extends WitResolution {
  readonly world: WitWorld;
  readonly omitted: readonly string[];
}

/** What a component imports and exports as a world of WIT, named `root` in the package `root:component`. */
export function witOfComponent(component: Pick<ComponentDefinition, "type" | "definitions">): ComponentWit {
  const attributes = new Map<ExternType, ExternAttributes>();
  for (const definition of component.definitions) {
    if (definition.kind === "import" || definition.kind === "export")
      attributes.set(definition.type, definition.attributes);
  }
  const from = new FromTypes({
    type: component.type,
    isExact: false,
    originOf: () => undefined,
    attributesOf: (extern) => attributes.get(extern),
  });
  const owner: WitPackageName = { namespace: "root", name: "component", version: undefined };
  const { world, omitted } = from.world(component.type, "root", owner);
  const root: WitPackage = { name: owner, docs: undefined, interfaces: new Map(), worlds: new Map([["root", world]]) };
  return { root, world, omitted, packages: [root, ...otherPackages(from, owner)] };
}

function otherPackages(from: FromTypes, owner: WitPackageName): WitPackage[] {
  return from
    .packages()
    .filter(({ name }) => packageText(name) !== packageText(owner))
    .map(({ name, interfaces }) => ({ name, docs: undefined, interfaces, worlds: new Map<string, WitWorld>() }))
    .toSorted((a, b) => (packageText(a.name) < packageText(b.name) ? -1 : 1));
}

function noPackage(problem: string): SampanError {
  return new SampanError("WIT_INVALID", `Cannot read the component as a package of WIT: ${problem}`);
}
