import { capability, type CapabilityName, capabilityNames } from "./catalog.ts";
import type { Grants } from "./grants.ts";

/** The capabilities that are granted and have no effect, because nothing in this build heeds them. */
export function grantsWithoutEffect(grants: Grants): CapabilityName[] {
  return capabilityNames.filter((name) => {
    const { key, isReserved } = capability(name);
    return isReserved === true && isGranted(valueAt(grants, key));
  });
}

function valueAt(grants: Grants, key: string): unknown {
  return key.split(".").reduce<unknown>((value, part) => (value as Readonly<Record<string, unknown>>)[part], grants);
}

function isGranted(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value === true;
}
