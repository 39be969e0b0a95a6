import { SampanError } from "../../base/index.ts";
import type { ReusableComponent } from "./reusable-component.ts";

/** What instances that keep their state are handed out with. */
export interface ReusedOptions {
  readonly make: () => Promise<ReusableComponent>;
  /** Uses after which one is thrown away. */
  readonly mostReuses: number;
  /** Most that are kept for later. */
  readonly mostIdle: number;
}

/** Hands out instances for one use each, which begin as the use before left them. */
export class ReusedInstances {
  readonly mechanism = "new";
  readonly #options: ReusedOptions;
  readonly #idle: ReusableComponent[] = [];
  readonly #uses = new WeakMap<ReusableComponent, number>();
  #isClosed = false;

  constructor(options: ReusedOptions) {
    this.#options = options;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  acquireNow(): ReusableComponent | undefined {
    const ready = this.#idle.pop();
    ready?.instance.beginUse("as-left");
    return ready;
  }

  /** @throws what making and initialising one throws, ENGINE_CLOSED */
  async acquire(): Promise<ReusableComponent> {
    if (this.#isClosed) throw new SampanError("ENGINE_CLOSED", "Cannot hand out an instance: the engine is closed");
    const ready = this.acquireNow();
    if (ready !== undefined) return ready;
    const made = await this.#options.make();
    try {
      await made.initialize();
    } catch (error) {
      made.close();
      throw error;
    }
    return made;
  }

  release(instance: ReusableComponent): void {
    const { mostReuses, mostIdle } = this.#options;
    const uses = (this.#uses.get(instance) ?? 0) + 1;
    const isKept = !this.#isClosed && this.#idle.length < mostIdle && uses < mostReuses && instance.instance.isAtRest;
    if (!isKept) {
      instance.close();
      return;
    }
    this.#uses.set(instance, uses);
    this.#idle.push(instance);
  }

  close(): void {
    this.#isClosed = true;
    for (const instance of this.#idle.splice(0)) instance.close();
  }
}
