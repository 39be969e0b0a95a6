import { SampanError } from "../../base/index.ts";
import type { GuestModule } from "../guest-module.ts";
import type { RunResult } from "../guest.ts";
import { thrownData, thrownFrom } from "../pool/link.ts";
import { backtraceOf } from "../trap.ts";
import type { GuestThrown } from "./protocol.ts";

/** What guest code threw, for another thread: structured clone would drop what kind of error it was. */
export function describeThrown(error: unknown): GuestThrown {
  if (error instanceof WebAssembly.LinkError) return { kind: "link", message: error.message };
  const { stack = "" } = error as { stack?: string };
  if (error instanceof RangeError && error.message.startsWith("Maximum call stack")) {
    return { kind: "overflow", message: "call stack exhausted", stack };
  }
  if (error instanceof WebAssembly.RuntimeError) return { kind: "trap", message: error.message, stack };
  if (error instanceof WebAssembly.Exception) {
    return { kind: "exception", message: "an exception that nothing caught", stack };
  }
  return { kind: "other", thrown: thrownData(error) };
}

/** How a guest ended by what a thread of it threw; `tid` is 0 for the first one. */
export function resultFromThrown(thrown: GuestThrown, { name, originalOffset }: GuestModule, tid: number): RunResult {
  switch (thrown.kind) {
    case "link": {
      const message = thrown.message.replace(/^WebAssembly\.Instance\(\): /, "");
      return failed(new SampanError("GUEST_IMPORT_UNKNOWN", `Cannot run "${name}": ${message}`));
    }
    case "missing": {
      const { functions } = thrown;
      const offered =
        functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
      const message = `Cannot call "${thrown.name}" of "${name}": ${offered}`;
      return failed(new SampanError("GUEST_EXPORT_MISSING", message, { data: { functions } }));
    }
    case "other":
      return failed(thrownFrom(thrown.thrown));
    case "trap":
    case "overflow":
    case "exception": {
      const { message, stack } = thrown;
      const backtrace = backtraceOf({ stack }, originalOffset);
      const code = thrown.kind === "overflow" ? ({ code: "LIMIT_STACK" } as const) : {};
      return { kind: "trap", message, backtrace, ...code, ...(tid === 0 ? {} : { thread: tid }) };
    }
  }
}

function failed(error: unknown): RunResult {
  return { kind: "bug", error };
}
