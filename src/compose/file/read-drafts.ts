import { SampanError } from "../../base/index.ts";
import { defaultGrants, type Grants, grantsFromFlags } from "../../capabilities/index.ts";
import { type At, at, entriesAt, refuse, text } from "./at.ts";
import type { Reading } from "./reading.ts";

/** What a service is granted of the drafts of WASI. */
export type DraftGrants = Pick<Grants, "config" | "keyvalue" | "log">;

/** How each is written below `x-sampan`. */
const hints = {
  config: "write KEY: VALUE below it",
  keyvalue: "write NAME: memory or NAME: ./FILE below it, such as default: ./data.db",
  log: "write stdout or stderr, with a level where not all lines are wanted: stderr=warn",
} as const;

/** Settings, stores and logs of a component: `x-sampan.config`, `x-sampan.keyvalue`, `x-sampan.log`, each as its flag takes it. */
export function readDrafts(service: At, { problems, folder, lookup }: Reading): DraftGrants {
  let grants: Grants = defaultGrants;
  const own = at(service, "x-sampan");
  const take = (key: keyof typeof hints, place: At, value: string | undefined, name?: string): void => {
    if (value === undefined) return refuse(problems, place, "wanted text", hints[key]);
    const flag = { flag: `--${key}`, value: name === undefined ? value : `${name}=${value}` };
    try {
      grants = grantsFromFlags([flag], { cwd: folder, lookup }, grants);
    } catch (error) {
      if (!(error instanceof SampanError)) throw error;
      const problem = error.data?.["problem"];
      refuse(problems, place, typeof problem === "string" ? problem : error.message, hints[key]);
    }
  };
  for (const key of ["config", "keyvalue"] as const) {
    const place = at(own, key);
    if (place !== undefined && place.tree.kind !== "map") refuse(problems, place, "wanted a map", hints[key]);
    for (const [name, value] of entriesAt(place)) take(key, value, text(value), name);
  }
  const log = at(own, "log");
  if (log !== undefined) take("log", log, text(log));
  const { config, keyvalue, log: logged } = grants;
  return { config, keyvalue, log: logged };
}
