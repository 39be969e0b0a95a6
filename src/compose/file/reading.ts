import type { Lookup } from "./interpolate.ts";
import type { Volume } from "./model.ts";
import type { Problems } from "./problems.ts";

/** What readers of a service need besides its tree. */
export interface Reading {
  readonly problems: Problems;
  /** Absolute; relative paths start from it. */
  readonly folder: string;
  /** The surroundings and `.env`. */
  readonly lookup: Lookup;
  /** Whether files that are not there are problems. */
  readonly wantsFiles: boolean;
  readonly volumes: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  /** Where anonymous volumes are added. */
  readonly anonymous: Map<string, Volume>;
}
