import type { StdioName } from "../../capabilities/index.ts";
import type { ProjectNetworkConfig } from "../../host/index.ts";
import type { PlaceData } from "../embed/place.ts";
import type { ThrownData } from "./link.ts";

/** A stream on its way: what its other side asks for it by. */
export interface StreamData {
  readonly stream: number;
  readonly kind: "readable" | "writable";
  /** Whether it is one of the side to which it crosses. */
  readonly isOwn?: boolean;
}

/**
 * A resource on its way: one of the guest's, an object of the caller's, or one of what the guest's side has, each by its number on
 * the side that has it; or a stream.
 */
export type HandleData =
  | { readonly guest: number }
  | { readonly caller: number }
  | { readonly there: number }
  | StreamData;

/** An instance of a component that is to be made there. */
export interface ComponentData {
  readonly id: number;
  readonly data: PlaceData;
  /** Streams that are channels on the caller's side. */
  readonly channels: readonly StdioName[];
  /** Numbers of the imports that the caller gives. */
  readonly given: readonly number[];
  readonly network?: ProjectNetworkConfig;
}

/** How a call ended, of an export or of a function of the caller's. */
export type CallEnding =
  | { readonly kind: "returned"; readonly value: unknown }
  /** The error case of a function whose result is a `result`. */
  | { readonly kind: "error"; readonly payload: unknown }
  | ThrewEnding;

/** The end by an error; `token` names the error itself where it is one of the caller's side. */
export interface ThrewEnding {
  readonly kind: "threw";
  readonly thrown: ThrownData;
  readonly token?: number;
}

/** Whether an instance was made. */
export type ComponentMade = { readonly kind: "made" } | ThrewEnding;

/** How the call of an export ended. */
export interface CallAnswer {
  readonly ending: CallEnding;
  readonly isEnded: boolean;
  /** Resources that the call was to take and did not. */
  readonly kept: readonly number[];
}

/** What the two sides of one component ask each other. */
export type ComponentAsk =
  /** The caller's side: a call of an export, by `interface#function`. */
  | { readonly what: "call"; readonly name: string; readonly args: readonly unknown[] }
  /** Destroys a resource of the guest's. */
  | { readonly what: "drop"; readonly resource: number }
  /** The guest's side: a call of a function of the caller's, by the number of the import. */
  | { readonly what: "host-call"; readonly import: number; readonly args: readonly unknown[] }
  /** Either side: the next bytes of a stream, or undefined at its end. */
  | { readonly what: "pull"; readonly stream: number }
  /** Bytes for a stream. */
  | { readonly what: "push"; readonly stream: number; readonly bytes: Uint8Array };

/** What the two sides of one component tell each other. */
export type ComponentNote =
  /** Nobody on the caller's side has a resource of the guest's side any more. */
  | { readonly what: "release"; readonly resource: number }
  /** The guest has dropped an object of the caller's. */
  | { readonly what: "caller-drop"; readonly object: number }
  /** Nobody reads or writes a stream any more. */
  | { readonly what: "cancel"; readonly stream: number };

/** A question of one component's. */
export interface ComponentAskData {
  readonly instance: number;
  readonly ask: ComponentAsk;
}

/** A note of one component's. */
export interface ComponentNoteData {
  readonly instance: number;
  readonly note: ComponentNote;
}

/** The wire of one component, as each of its sides has it. */
export interface ComponentWire {
  ask(ask: ComponentAsk): Promise<unknown>;
  tell(note: ComponentNote): void;
}
