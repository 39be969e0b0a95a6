import type { GuestOutcome } from "../../abi/index.ts";
import { SampanError } from "../../base/index.ts";

/** The error of an end that came from outside, or that the guest asked for; undefined where there was none. */
export function endingError(outcome: GuestOutcome | undefined, name: string): unknown {
  switch (outcome?.kind) {
    case "limit":
    case "bug":
      return outcome.error;
    case "exit":
      return new SampanError("GUEST_EXITED", `Component "${name}" exited with ${outcome.code}`, {
        data: { code: outcome.code },
      });
    case "signal": {
      const { signal } = outcome;
      const data = { signal, code: 128 + signal };
      return new SampanError("GUEST_EXITED", `Component "${name}" was ended by signal ${signal}`, { data });
    }
    case undefined:
      return undefined;
  }
}

/** The error of a call that comes too late, which says what ended the instance. */
export function endedBefore(
  entry: string,
  { isClosed, failure }: { readonly isClosed: boolean; readonly failure: unknown },
): SampanError {
  const said = failure instanceof Error ? `: ${failure.message}` : "";
  const why = isClosed ? "is closed" : `has ended${said}`;
  return new SampanError("INSTANCE_ENDED", `Cannot call "${entry}": the instance ${why}`, {
    hint: "make a new instance",
    ...(failure === undefined ? {} : { cause: failure }),
  });
}
