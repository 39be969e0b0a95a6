import type { StdioChannels } from "../../../host/index.ts";
import { makePlan } from "../../../component/index.ts";
import { decodeComponent } from "../../../wasm/component/index.ts";
import type { PlacedComponent } from "../../embed/place.ts";
import { placeHere } from "../../embed/place-here.ts";
import type { Engine } from "../../engine.ts";
import type { Link } from "../../pool/link.ts";
import { GuestSide } from "./guest-side.ts";
import type {
  ComponentAsk,
  ComponentAskData,
  ComponentData,
  ComponentMade,
  ComponentNote,
  ComponentNoteData,
} from "../../pool/component-protocol.ts";
import { Shapes } from "./shapes.ts";

interface Served {
  readonly side: GuestSide;
  readonly starting: AbortController;
  placed: PlacedComponent | undefined;
}

/** The components of a pool's worker, on the side where they run. */
export class ComponentServer {
  readonly #engine: Engine;
  readonly #link: Link;
  readonly #served = new Map<number, Served>();

  constructor(engine: Engine, link: Link) {
    this.#engine = engine;
    this.#link = link;
  }

  /** Makes an instance. @throws what making one in a thread throws */
  async place({ id, data, given, network }: ComponentData, stdio: StdioChannels): Promise<ComponentMade> {
    const side = new GuestSide(new Shapes(makePlan(decodeComponent(data.bytes), data.name)), {
      ask: (ask) => this.#link.request("component-ask", { instance: id, ask } satisfies ComponentAskData),
      tell: (note) => this.#link.notify("component-note", { instance: id, note } satisfies ComponentNoteData),
    });
    const served: Served = { side, starting: new AbortController(), placed: undefined };
    this.#served.set(id, served);
    try {
      const { signal } = served.starting;
      const live = { imports: {}, stdio, signal, engine: this.#engine, ...(network === undefined ? {} : { network }) };
      const placed = await placeHere({ data, live }, { provider: side.provider(given) });
      served.placed = placed;
      side.attach(placed);
      return { kind: "made" };
    } catch (error) {
      this.#served.delete(id);
      side.close();
      return side.threw(error);
    }
  }

  /** An instance; undefined where it is none of a component's. */
  find(id: number): PlacedComponent | undefined {
    return this.#served.get(id)?.placed;
  }

  answer(id: number, ask: ComponentAsk): unknown {
    const served = this.#served.get(id);
    if (served === undefined) throw new TypeError(`Instance ${id} is not on this side`);
    return served.side.answer(ask);
  }

  hear(id: number, note: ComponentNote): void {
    this.#served.get(id)?.side.hear(note);
  }

  /** Ends an instance, or one that is being made. */
  kill(id: number): void {
    const served = this.#served.get(id);
    served?.placed?.kill();
    served?.starting.abort();
  }

  /** Ends an instance and forgets it. */
  async close(id: number): Promise<void> {
    const served = this.#served.get(id);
    this.#served.delete(id);
    await served?.placed?.close();
    served?.side.close();
  }
}
