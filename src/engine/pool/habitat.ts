import type { Wire } from "./link.ts";
import type { KillData } from "./protocol.ts";

/** A thread or a process in which guests run, as the engine that started it sees it. */
export interface Habitat {
  readonly kind: "thread" | "process";
  readonly wire: Wire;
  /** Says whether the process that started it lives on for its sake. */
  hold(isHeld: boolean): void;
  /** Tells it to end one instance, which it hears while a guest's code keeps the thread busy as well. */
  kill(data: KillData): void;
  /** Ends it with all that runs there. */
  end(): Promise<void>;
  /** Called once, when it is gone: why, in words that follow "the worker". */
  onGone(listener: (why: string) => void): void;
}
