import type { HostError } from "../../base/index.ts";
import type { ComponentFunctionType } from "../../wasm/component/index.ts";
import type { Wasi02Context } from "./context.ts";

/** One function that components import from an interface of WASI 0.2, and what docs print of it. */
export interface Wasi02Row {
  /** Takes and answers values as docs/COMPONENTS.md has them; what it throws becomes the error of its `result`, or ends the guest. */
  readonly run: (context: Wasi02Context, ...values: never[]) => unknown;
  /** What takes the place of `run` for a component that has a type of its own for the function: some drafts changed under one name. */
  readonly runFor?: (type: ComponentFunctionType | undefined) => Wasi02Row["run"];
  /** Whether it may answer a promise: an instance that is bound async is suspended there. */
  readonly mayWait?: true;
  /** Whether bytes that it takes may be the guest's own memory: it is done with them when the call is over. */
  readonly takesViews?: true;
  /** The feature that has to be named before a component gets it: its package marks it `@unstable`. */
  readonly feature?: string;
  /** What it does, one sentence. */
  readonly docs: string;
}

/** Functions of one interface by their names in WIT: `now`, `[method]pollable.block`, `[resource-drop]pollable`. */
export type Wasi02Rows = Readonly<Record<string, Wasi02Row>>;

/** One interface. */
export interface Wasi02Interface {
  readonly rows: Wasi02Rows;
  /** The error case of its results for a failure of the host's; left out where no function of it has a result. */
  readonly errorOf?: (error: HostError) => unknown;
}
