import type { AttributesNode } from "./ast.ts";
import type { WitGate, WitItem } from "./model.ts";
import { compareVersions } from "./names.ts";
import { type WitPlace, witInvalid } from "./source.ts";

/** Which gated items a reader of WIT keeps (WIT, Feature Gates). */
export interface GateOptions {
  /** Features whose `@unstable` items are kept, or all of them. Default: none. */
  readonly features?: Iterable<string> | "all";
  /** The root package's version to read it as: items that are `@since` a later one are left out. */
  readonly version?: string;
}

/** What decides about the gates of one package's items. */
export interface GateScope {
  readonly features: ReadonlySet<string> | "all";
  /** The version as it is written. */
  readonly written: string | undefined;
  /** The version to read it as. */
  readonly version: string | undefined;
}

/** Reads an item's gates and says whether they let it in. @throws WIT_INVALID */
export function readGate(attributes: AttributesNode, scope: GateScope): { item: WitItem; isKept: boolean } {
  const { since, unstable, deprecated, docs, externalId, at } = attributes;
  const isGated = since !== undefined || unstable !== undefined || deprecated !== undefined;
  if (!isGated) return { item: { docs, gate: undefined, externalId }, isKept: true };
  if (scope.written === undefined)
    throw witInvalid("a package with gates needs a version", { at, hint: "write package NAMESPACE:NAME@1.0.0;" });
  if (since !== undefined && unstable !== undefined)
    throw witInvalid('"@since" and "@unstable" exclude one another', { at, hint: "leave out @unstable" });
  if (since === undefined && unstable === undefined)
    throw witInvalid('"@deprecated" stands alone, wanted "@since" or "@unstable" beside it', { at });
  if (since !== undefined && compareVersions(since, scope.written) > 0)
    throw witInvalid(`"@since" names version ${since}, but the package is ${scope.written}`, { at });
  const gate: WitGate = {
    ...(since === undefined ? {} : { since }),
    ...(unstable === undefined ? {} : { unstable }),
    ...(deprecated === undefined ? {} : { deprecated }),
  };
  const isStable = unstable === undefined || scope.features === "all" || scope.features.has(unstable);
  const isPresent = since === undefined || scope.version === undefined || compareVersions(since, scope.version) <= 0;
  return { item: { docs, gate, externalId }, isKept: isStable && isPresent };
}

/**
 * Checks that an item is gated no weaker than what it refers to or is contained in (WIT, Rules for feature gate usage).
 *
 * @throws WIT_INVALID
 */
export function checkGate(inner: WitGate | undefined, outer: WitGate | undefined, what: string, at: WitPlace): void {
  if (outer === undefined) return;
  if (outer.unstable !== undefined && inner?.unstable !== outer.unstable) {
    const hint = `write @unstable(feature = ${outer.unstable}) before it`;
    throw witInvalid(`${what} is unstable, and this item is not`, { at, hint });
  }
  if (outer.since === undefined || inner?.unstable !== undefined) return;
  if (inner?.since !== undefined && compareVersions(inner.since, outer.since) >= 0) return;
  const hint = `write @since(version = ${outer.since}) before it`;
  throw witInvalid(`${what} exists since ${outer.since} alone, and this item is not gated so`, { at, hint });
}
