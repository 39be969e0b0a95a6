import type { BigIntStats } from "node:fs";
import type { ComponentExports, ComponentImports, ComponentMode } from "../../component/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import type { NetworkChoice, StdioChannels } from "../../host/index.ts";
import type { Engine } from "../engine.ts";
import type { InstanceLimits, InstanceUsage } from "../limits.ts";
import type { Cordon } from "../pool/pool.ts";

/** What an instance is placed with that structured clone carries. */
export interface PlaceData {
  /** How errors call it. */
  readonly name: string;
  readonly kind: "component" | "module";
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The file that the bytes are of, as an absolute path, where they are of one. */
  readonly file?: string | undefined;
  /** What `fstat` said of that file before it was read. */
  readonly stat?: BigIntStats | undefined;
  readonly grants: Grants;
  readonly limits: InstanceLimits;
  /** Its arguments, the program's name first. */
  readonly args: readonly string[];
  readonly features: readonly string[];
  /** As the caller asked for; chosen by what it imports where it is left out. */
  readonly mode?: ComponentMode | undefined;
  /** What separates it from the caller; nothing where it is left out. */
  readonly cordon?: Exclude<Cordon, "shared"> | undefined;
}

/** What an instance is placed with that is live, and stays with the caller. */
export interface PlaceLive {
  readonly imports: ComponentImports;
  /** Streams of the caller's; the process's own where one is left out. */
  readonly stdio: StdioChannels;
  readonly network?: NetworkChoice | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly engine?: Engine | undefined;
}

/** An instance that is asked for. */
export interface PlaceRequest {
  readonly data: PlaceData;
  readonly live: PlaceLive;
}

/** An instance of a component, or of a core module, wherever it is. */
export interface PlacedComponent {
  /** Whether each call answers a promise (`async`) or at once (`sync`); always `async` where it is not in the caller's thread. */
  readonly mode: ComponentMode;
  /** What it exports, as JavaScript has it. */
  readonly exports: ComponentExports;
  /** Names of the functions that it exports, as {@link invoke} takes them. */
  readonly functions: readonly string[];
  readonly isEnded: boolean;
  /** Calls an export by `interface#function` or `function`, names as in WIT. */
  invoke(name: string, ...args: readonly unknown[]): Promise<unknown>;
  usage(): Promise<InstanceUsage>;
  /** Ends it; calls then throw GUEST_EXITED. */
  kill(): void;
  /** Ends it and gives back what it has; a call in flight is ended. */
  close(): Promise<void>;
}
