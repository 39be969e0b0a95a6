import { defaultGrants, type Grants, grantsFromValue } from "../capabilities/index.ts";

/** Grants in the form of a grants file (docs/GRANTS.md); relative folders begin at the process's working directory. */
export type GrantsValue = Readonly<Record<string, unknown>>;

/** Grants as they were given to the engine: parsed before, as a value, or not at all. @throws GRANT_INVALID, GRANT_UNKNOWN */
export async function grantsOf(value: Grants | GrantsValue | undefined): Promise<Grants> {
  if (value === undefined) return defaultGrants;
  if (isParsed(value)) return value;
  return grantsFromValue(value, { cwd: process.cwd() });
}

function isParsed(value: Grants | GrantsValue): value is Grants {
  const { clock } = value;
  return typeof clock === "object" && clock !== null && "kind" in clock;
}
