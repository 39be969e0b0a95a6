import { SampanError } from "../../base/index.ts";
import { suspendsGuests } from "../pool/suspends-guests.ts";
import type { Berth } from "../pool/pool.ts";
import type { PlacedComponent, PlaceRequest } from "./place.ts";

/**
 * Makes an instance where its data says: in this thread, or behind a cordon. What this Node.js cannot run goes into the process of one
 * that can.
 *
 * @throws what making an instance throws
 */
export async function placeComponent(request: PlaceRequest): Promise<PlacedComponent> {
  const { cordon } = request.data;
  if (cordon !== undefined) return placeElsewhere(request, cordon);
  const { placeHere } = await import("./place-here.ts");
  if (suspendsGuests) return placeHere(request);
  try {
    return await placeHere(request);
  } catch (error) {
    if (!(error instanceof SampanError) || !isOfThisNode(error)) throw error;
    return placeElsewhere(request, "newer-node");
  }
}

/** Whether it is for want of something in V8 that a component cannot be made. */
function isOfThisNode({ code }: SampanError): boolean {
  return code === "ENGINE_UNSUPPORTED" || code === "GUEST_NOT_RUNNABLE";
}

async function placeElsewhere(request: PlaceRequest, berth: Exclude<Berth, "shared">): Promise<PlacedComponent> {
  const { engineFor } = await import("./own-engine.ts");
  const { engine } = engineFor(request.live.engine);
  if (request.data.kind === "component") return engine.placeElsewhere(request, berth);
  const { placeModule } = await import("./place-here.ts");
  const { data } = request;
  const module = await engine.compile(data.bytes, { name: data.name });
  return placeModule(engine, module, { ...request, data: { ...data, cordon: berth === "thread" ? berth : "process" } });
}
