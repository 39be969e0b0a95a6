import type { Clock, Stamps } from "./clock.ts";
import type { Events } from "./events.ts";
import type { Runner } from "./process.ts";

/** Who has a name. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

/** What a container needs of the runtime that it is in. */
export interface Surroundings {
  readonly clock: Clock;
  readonly stamps: Stamps;
  readonly events: Events;
  /** @throws CONTAINER_INVALID where nobody runs workloads of that kind */
  runnerOf(kind: string): Runner;
  isClosing(): boolean;
  /** Gives a container another name. @throws CONTAINER_INVALID, CONTAINER_NAME_USED */
  claimName(name: string, owner: Named): void;
  /** Takes a removed container out of the runtime. */
  forget(container: Named): void;
}
