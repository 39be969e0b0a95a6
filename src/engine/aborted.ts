import { SampanError } from "../base/index.ts";

/** The error of an end that a signal asked for. */
export function abortedBy(reason: unknown, name: string): SampanError {
  const said = reason instanceof Error ? reason.message : String(reason);
  return new SampanError("GUEST_ABORTED", `"${name}" was ended by its signal: ${said}`, { cause: reason });
}
