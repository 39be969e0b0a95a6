import type { PlacedComponent, PlaceRequest } from "../../embed/place.ts";
import type { InstanceUsage } from "../../limits.ts";
import type { PlaceThere, PoolWorker } from "../../pool/pool-worker.ts";
import { abortedBy } from "../../aborted.ts";
import type { CallerSide } from "./caller-side.ts";
import type {
  ComponentAskData,
  ComponentMade,
  ComponentNoteData,
  ComponentWire,
} from "../../pool/component-protocol.ts";
import { draftRemote, RemoteComponent, type RemoteControl } from "./remote-component.ts";
import { RemoteState } from "./remote-store.ts";

/** Hears of an instance that is made elsewhere. */
export interface RemoteListeners {
  /** Called before its start function runs, with what ends it. */
  readonly onStart: (control: Pick<RemoteControl, "kill" | "close">) => void;
  /** Called once, when it is closed or collected, or could not be made. */
  readonly onClose: () => void;
}

const sigkill = 9;

const collected = new FinalizationRegistry<() => void>((close) => close());

/**
 * Makes an instance of a component in a worker.
 *
 * @throws what making one in this thread throws, ENGINE_WORKER_LOST
 */
export async function placeRemote(
  worker: PoolWorker,
  request: PlaceRequest,
  { onStart, onClose }: RemoteListeners,
): Promise<PlacedComponent> {
  const { signal } = request.live;
  const state = new RemoteState(request.data.name);
  const draft = draftRemote(request);
  let there: PlaceThere | undefined;
  const wire: ComponentWire = {
    ask: async (ask) => reach(there).request("component-ask", askOf(there, ask)),
    tell: (note) => there?.notify("component-note", { instance: there.id, note } satisfies ComponentNoteData),
  };
  const fail = (error: unknown): void => {
    state.end(error);
    there?.kill(sigkill);
  };
  const side = draft.side({ wire, fail });
  there = worker.place({ stdio: draft.stdio, component: side, lose: (why) => state.end(why) });
  const control = new Control(there, { state, side, wire, onClose: () => forget() });
  const abort = (): void => control.abort(signal?.reason);
  let isOpen = true;
  const forget = (): void => {
    if (!isOpen) return;
    isOpen = false;
    signal?.removeEventListener("abort", abort);
    onClose();
  };
  const made = new RemoteComponent(control, { side, state });
  try {
    const making = there.request("component", { ...draft.data, id: there.id });
    onStart(control);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted === true) abort();
    const ending = (await making) as ComponentMade;
    if (ending.kind === "threw") throw side.errorOf(ending);
    collected.register(made.anchor, () => void control.close().catch(() => {}));
    return made;
  } catch (error) {
    there.leave();
    forget();
    // What ended it on this side is known better here.
    throw state.isEnded ? state.failure : error;
  }
}

function reach(there: PlaceThere | undefined): PlaceThere {
  if (there === undefined) throw new TypeError("The instance has no place yet");
  return there;
}

function askOf(there: PlaceThere | undefined, ask: ComponentAskData["ask"]): ComponentAskData {
  return { instance: reach(there).id, ask };
}

interface ControlParts {
  readonly state: RemoteState;
  readonly side: CallerSide;
  readonly wire: ComponentWire;
  readonly onClose: () => void;
}

/** Ends an instance elsewhere. It has nothing that a program holds, so that this is collected and then closed. */
class Control implements RemoteControl {
  readonly wire: ComponentWire;
  readonly #there: PlaceThere;
  readonly #parts: ControlParts;

  constructor(there: PlaceThere, parts: ControlParts) {
    this.#there = there;
    this.#parts = parts;
    this.wire = parts.wire;
  }

  usage(): Promise<InstanceUsage> {
    return this.#there.request("usage", { instance: this.#there.id }) as Promise<InstanceUsage>;
  }

  kill(signal: number): void {
    const { state } = this.#parts;
    if (state.isEnded) return;
    state.kill(signal);
    this.#there.kill(signal);
  }

  /** {@link kill}, and calls say why. */
  abort(reason: unknown): void {
    const { state } = this.#parts;
    if (state.isEnded) return;
    state.end(abortedBy(reason, state.name));
    this.#there.kill(sigkill);
  }

  async close(): Promise<void> {
    const { state, side, onClose } = this.#parts;
    if (state.isClosed) return;
    this.kill(sigkill);
    state.close();
    try {
      await this.#there.request("close", { instance: this.#there.id });
    } catch (error) {
      if (!isLost(error)) throw error;
    } finally {
      side.close();
      this.#there.leave();
      onClose();
    }
  }
}

/** A worker that is gone has closed everything. */
function isLost(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENGINE_WORKER_LOST";
}
