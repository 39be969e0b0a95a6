import type { ServerPorts } from "../config/settings.ts";

/** What a serving process tells its supervisor. */
export type ToSupervisor =
  | { readonly kind: "listening"; readonly at: ServerPorts }
  /** It ends because it was asked to, with this status. */
  | { readonly kind: "ending"; readonly status: number };

/** What a supervisor tells the serving process: a signal that it got. */
export interface FromSupervisor {
  readonly kind: "signal";
  readonly name: ServeSignal;
}

/** Signals that a server knows. */
export type ServeSignal = "SIGTERM" | "SIGINT" | "SIGHUP";

/** The signals that a server knows. */
export const serveSignals: readonly ServeSignal[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/** The variable by which a process knows that it is supervised; its value is {@link ServerPorts} as JSON. */
export const supervisedBy = "SAMPAN_SERVE_CHILD";
