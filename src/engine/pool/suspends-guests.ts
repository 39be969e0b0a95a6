import { SampanError } from "../../base/index.ts";

/** Whether this Node.js suspends guests that wait (JavaScript Promise Integration). */
export const suspendsGuests: boolean = "Suspending" in WebAssembly;

/** The error of what this Node.js cannot run. */
export function withoutSuspension(
  why = "and the instance may have to wait",
  { hint = 'give it the cordon "process", which then is one of Node.js 26' }: { readonly hint?: string } = {},
): SampanError {
  const message = `Cannot run the instance under Node.js ${process.versions.node}: it has no JavaScript Promise Integration, ${why}`;
  return new SampanError("ENGINE_UNSUPPORTED", message, { hint });
}
