import type { Grants } from "../../capabilities/index.ts";
import type { ImportInfo } from "../../wasm/index.ts";
import type { PlannedImport } from "../import-plan.ts";
import type { ThrownData } from "../pool/link.ts";

/** What every thread of one guest is started with; no two of them share more than the module and its memories. */
export interface GuestData {
  readonly module: WebAssembly.Module;
  /** The rewritten module's export that is its start function, if it has one. */
  readonly start: string | undefined;
  readonly memories: readonly (PlannedImport & { readonly memory: WebAssembly.Memory })[];
  /** Host calls by their numbers. */
  readonly calls: readonly PlannedImport[];
  /** Functions of the embedder's by their numbers. */
  readonly given: readonly PlannedImport[];
  /** Imports that a thread answers by itself: they need nothing that the threads share. */
  readonly local: readonly ImportInfo[];
  readonly grants: Grants;
}

/** What one thread is started with. */
export interface ThreadData extends GuestData {
  readonly channel: SharedArrayBuffer;
  /** Where the answers of the embedder's functions come in. */
  readonly answers: MessagePort;
}

/** The number of the call that starts a thread; host calls count up from 0. */
export const spawnCall = -1;

/** What a thread is told. */
export type ToThread =
  /** To make the guest's first instance. */
  | { readonly kind: "make" }
  /** To call an export of it. */
  | { readonly kind: "call"; readonly name: string; readonly args: readonly unknown[] }
  /** To make an instance and run it as one more thread. */
  | { readonly kind: "run"; readonly tid: number; readonly arg: number };

/** What a thread tells. */
export type FromThread =
  /** It is there and takes work. */
  | { readonly kind: "ready" }
  /** A question is in the channel. */
  | { readonly kind: "asks" }
  /** It calls a function of the embedder's and waits for the answer. */
  | { readonly kind: "given"; readonly index: number; readonly args: readonly unknown[] }
  | { readonly kind: "made"; readonly functions: readonly string[] }
  | { readonly kind: "returned"; readonly values: readonly unknown[] }
  /** The guest's thread is over; the thread takes work again. */
  | { readonly kind: "over" }
  | { readonly kind: "thrown"; readonly thrown: GuestThrown };

/** What ended a guest's code, as data: a trap's stack has the offsets of the rewritten module. */
export type GuestThrown =
  | { readonly kind: "trap" | "overflow" | "exception"; readonly message: string; readonly stack: string }
  | { readonly kind: "link"; readonly message: string }
  /** The export that was to be called is not there. */
  | { readonly kind: "missing"; readonly name: string; readonly functions: readonly string[] }
  | { readonly kind: "other"; readonly thrown: ThrownData };
