import type { AccessRequest } from "../capabilities/index.ts";

/** Hears what a guest uses and what it is refused, for `--learn`, `--audit`, traces and the summary at the end. */
export interface Observer {
  /** Called only where {@link Observer.isLearning} is set, because it costs time on each call. */
  used(request: AccessRequest): void;
  refused(request: AccessRequest): void;
  readonly isLearning: boolean;
}

/** An observer that hears nothing. */
export const deafObserver: Observer = { isLearning: false, used: () => {}, refused: () => {} };
