import { SampanError } from "../../base/index.ts";
import { type ComponentStore, textOfTrap } from "../../component/index.ts";
import { explainBacktrace } from "../backtrace.ts";
import type { Frame } from "../trap.ts";
import type { ComponentModule } from "./component-module.ts";
import { moduleFrames } from "./module-frames.ts";

/** What is known of a trap beside its error. */
export interface TrapSurroundings {
  readonly component: ComponentModule;
  /** Why the canonical ABI ended the guest, if it did. */
  readonly trapped: ComponentStore["trapped"];
  /** Why a function of the host's made it trap, if one did. */
  readonly hostTrap?: string | undefined;
  /** The function that was called. */
  readonly entry: string | undefined;
  /** What to try, if that can be seen. */
  readonly hint?: (() => string | undefined) | undefined;
}

/**
 * The error of a trap (GUEST_TRAPPED, or LIMIT_STACK), which names component and function and has a backtrace through all of its core
 * modules; undefined for an error that is no trap.
 */
export function trapError(
  error: unknown,
  { component, trapped, hostTrap, entry, hint }: TrapSurroundings,
): SampanError | undefined {
  const message = hostTrap ?? messageOf(error, trapped);
  if (message === undefined) return undefined;
  const isStackOverflow = error instanceof RangeError;
  const backtrace = backtraceOf(error as Error, component);
  const inner = trapped !== undefined && trapped.state.id !== 0 ? ` (in its component "${trapped.state.name}")` : "";
  const where = entry === undefined ? "" : ` in "${entry}"`;
  const code = isStackOverflow ? "LIMIT_STACK" : "GUEST_TRAPPED";
  return new SampanError(code, `Component "${component.name}" trapped${where}${inner}: ${message}`, {
    cause: error,
    hint: isStackOverflow ? undefined : hint?.(),
    data: {
      component: component.name,
      ...(entry === undefined ? {} : { function: entry }),
      ...(trapped === undefined ? {} : { reason: trapped.reason }),
      text: message,
      backtrace,
    },
  });
}

function messageOf(error: unknown, trapped: TrapSurroundings["trapped"]): string | undefined {
  if (trapped !== undefined) return trapped.text;
  if (error instanceof WebAssembly.RuntimeError) return error.message;
  if (error instanceof RangeError && error.message.startsWith("Maximum call stack")) return "call stack exhausted";
  if (error instanceof WebAssembly.Exception) return textOfTrap("uncaught-exception");
  // V8 says so before anything of ours is called: a function that may wait was called where nothing can.
  if (error instanceof Error && error.name === "SuspendError") return textOfTrap("cannot-leave");
  return undefined;
}

function backtraceOf(error: Error, component: ComponentModule): Frame[] {
  return moduleFrames(error, component.modules).flatMap(({ module, frames }) =>
    explainBacktrace(frames, module.bytes).map((frame) => ({ ...frame, module: module.name })),
  );
}
