import type { Wasi02Context } from "./context.ts";
import { WasiError } from "./errors.ts";

/**
 * Makes an attempt that answers undefined where it would have to wait. A guest that asks over and over lets the event loop go on
 * meanwhile, or nothing would ever come.
 */
export function asked<T>(
  { host }: Wasi02Context,
  attempt: () => T | undefined,
): T | undefined | Promise<T | undefined> {
  const value = attempt();
  if (value !== undefined || !host.sockets.isSpinning()) return value;
  return host.yield()?.then(attempt);
}

/** The same for functions that have an error for it. @throws WasiError would-block */
export function attempted<T>({ host }: Wasi02Context, attempt: () => T | Promise<T> | undefined): T | Promise<T> {
  const value = attempt();
  if (value !== undefined) return value;
  const turn = host.sockets.isSpinning() ? host.yield() : undefined;
  if (turn === undefined) throw new WasiError("would-block");
  return turn.then(() => {
    const later = attempt();
    if (later === undefined) throw new WasiError("would-block");
    return later;
  });
}
