import type { CodeCache, ComponentMode, HostFunction, HostProvider } from "../../component/index.ts";
import type { GuestThread } from "../guest-thread.ts";
import type { InstanceLimits } from "../limits.ts";
import type { ComponentModule } from "./component-module.ts";
import type { GuestStreams } from "./guest-streams.ts";
import type { GuestWasi } from "./guest-wasi.ts";
import type { Stay } from "./stay.ts";

/** What an instance of a component is made with. */
export interface ComponentInstanceParts {
  readonly component: ComponentModule;
  readonly mode: ComponentMode;
  readonly thread: GuestThread;
  readonly stay: Stay;
  readonly code: CodeCache;
  /** One for each function that the component imports. */
  readonly hosts: readonly HostFunction[];
  readonly provider: HostProvider | undefined;
  readonly limits: InstanceLimits;
  /** What it has of WASI. */
  readonly wasi: GuestWasi;
  /** What stands between its functions and those of programs. */
  readonly streams: GuestStreams;
  /** Whether it is used by several one after the other: what one use was given is dead in the next, and limits are those of a use. */
  readonly isReused?: boolean | undefined;
  /** Whether start functions are put off until they are asked for. */
  readonly startsLast?: boolean | undefined;
  /** Whether functions with hot loops are optimised behind the first call. */
  readonly optimisesLate?: boolean | undefined;
  /** Asks for what a suspended call takes. @throws LIMIT_STACKS */
  readonly takeStack: () => void;
  readonly giveStack: () => void;
  /** Called once, when it is closed. */
  readonly onClose: () => void;
}
