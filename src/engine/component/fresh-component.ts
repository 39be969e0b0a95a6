import type { AccessRequest, Grants } from "../../capabilities/index.ts";
import type { IncomingExchange } from "../../host/index.ts";
import { abortedBy } from "../aborted.ts";
import { FreshInstances, type FreshMechanism } from "../fresh-state/fresh-instances.ts";
import type { FreshStep } from "../fresh-state/reset-memory.ts";
import type { InstanceLimits, InstanceUsage } from "../limits.ts";
import type { Turns } from "../turns.ts";
import type { ComponentModule } from "./component-module.ts";
import type { ComponentOptions, ComponentsShare } from "./components.ts";
import { FreshMaker } from "./fresh-maker.ts";
import { layoutOf, type ReusableComponent } from "./reusable-component.ts";
import { ReusedInstances } from "./reused-instances.ts";
import { UseControl } from "./use-control.ts";
import { useIsOver } from "./use-embedding.ts";

/** What instances of a component are handed out with. */
export interface FreshComponentOptions extends Pick<
  ComponentOptions,
  "args" | "grants" | "features" | "network" | "imports" | "provider" | "stdio"
> {
  /** `request`, the default: each use begins with the state of a new instance; `reuse`: as the use before left it. */
  readonly isolation?: "request" | "reuse" | undefined;
  /** How they are put back; the quickest that component and system have where it is left out, or `auto`. */
  readonly mechanism?: FreshMechanism | "auto" | undefined;
  /** Uses after which an instance is thrown away, for `reuse`. */
  readonly mostReuses?: number | undefined;
  /** Most instances that are kept for later; 64 where it is left out. */
  readonly mostIdle?: number | undefined;
  /** Told what an instance was refused because its grants do not cover it. */
  readonly onRefused?: ((request: AccessRequest) => void) | undefined;
  /** What each use may take. */
  readonly limits?: InstanceLimits | undefined;
}

/** An instance while it is used. */
export interface FreshComponentUse {
  /** Calls an export, as ComponentInstance.invoke does. @throws what that throws, INSTANCE_ENDED once the use is over */
  invoke(name: string, ...args: readonly unknown[]): Promise<unknown>;
}

/** What one use is given beside what it is for. */
export interface FreshUseOptions {
  /** Ends the use by a trap: it throws GUEST_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** The same, for who ends one of many uses a second: a signal costs more than a use. */
  readonly control?: UseControl | undefined;
}

/** What the engine gives instances of a component that are handed out. */
export interface FreshComponentParts {
  readonly component: ComponentModule;
  readonly options: FreshComponentOptions;
  readonly grants: Grants;
  readonly share: ComponentsShare;
  readonly onClose: (closed: FreshComponent) => void;
  /** Steps that are left out, for tests. */
  readonly omit?: readonly FreshStep[] | undefined;
}

const defaultIdle = 64;

/** Instances of one component with the same grants, handed out for one use each. */
export class FreshComponent {
  readonly #maker: FreshMaker;
  readonly #turns: Turns;
  readonly #instances: FreshInstances<ReusableComponent> | ReusedInstances;
  readonly #onClose: (closed: FreshComponent) => void;
  readonly #used = { calls: 0, bytesIn: 0, bytesOut: 0, cpu: 0, memory: 0 };
  readonly #mostIdle: number;
  #inUse = 0;
  #isClosed = false;

  /** @throws COMPONENT_IMPORT_MISSING, COMPONENT_FEATURE_OFF, ENGINE_FRESH_STATE */
  constructor({ component, options, grants, share, onClose, omit }: FreshComponentParts) {
    const { isolation = "request", mechanism, mostReuses = Infinity, mostIdle = defaultIdle } = options;
    this.#onClose = onClose;
    this.#mostIdle = mostIdle;
    this.#turns = share.thread.turns;
    this.#maker = new FreshMaker({ component, options, grants, share });
    const make = (): Promise<ReusableComponent> => this.#maker.make();
    this.#instances =
      isolation === "reuse"
        ? new ReusedInstances({ make, mostReuses, mostIdle })
        : new FreshInstances({
            layout: layoutOf(component),
            make,
            mechanism,
            mostIdle,
            omit,
            takeMaps: () => share.maps.take("memory"),
          });
  }

  /** How instances get their state back: by copy-on-write, by copying, or by making new ones. */
  get mechanism(): FreshMechanism {
    return this.#maker.isUnique ? "new" : this.#instances.mechanism;
  }

  /** Instances that are ready. */
  get idle(): number {
    return this.#instances.idleCount;
  }

  /** Instances that are used now. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Instances that there are. */
  get count(): number {
    return this.#maker.count;
  }

  /**
   * Has an instance answer one request of a server's. It is over when this returns where the component waits for nothing.
   *
   * @throws what ComponentInstance.answer throws, ENGINE_CLOSED
   */
  answer(exchange: IncomingExchange, options?: FreshUseOptions): Promise<void> | void {
    // Whoever has to wait for a turn takes no instance meanwhile: those that are used are few, and stay in the processor's caches.
    if (this.#maker.mode === "async" && this.#turns.isOver)
      return this.#turns.next().then(() => this.#answerNow(exchange, options));
    return this.#answerNow(exchange, options);
  }

  #answerNow(exchange: IncomingExchange, options: FreshUseOptions | undefined): Promise<void> | void {
    const ready = this.#instances.acquireNow();
    return ready === undefined ? this.#answerLater(exchange, options) : this.#answer(ready, exchange, options);
  }

  /** Hands an instance to `run`, and takes it back when that is done. @throws what `run` throws, ENGINE_CLOSED */
  async use<T>(run: (instance: FreshComponentUse) => T | Promise<T>, options?: FreshUseOptions): Promise<T> {
    const guest = this.#instances.acquireNow() ?? (await this.#instances.acquire());
    this.#checkWanted(guest, options);
    let isOver = false;
    const invoke = async (name: string, ...args: readonly unknown[]): Promise<unknown> => {
      if (isOver) throw useIsOver(name);
      return guest.instance.invoke(name, ...args);
    };
    const forget = this.#begin(guest, options);
    try {
      return await run({ invoke });
    } finally {
      isOver = true;
      forget?.();
      this.#end(guest, options);
    }
  }

  /** Makes instances until so many are ready, as far as they are kept; where none is, one is made so that all code is ready. */
  async warm(count: number): Promise<void> {
    const made: ReusableComponent[] = [];
    const wanted = this.#keeps ? Math.min(count, this.#mostIdle) : Math.min(count, 1);
    try {
      while (this.idle + made.length < wanted) made.push(await this.#instances.acquire());
    } finally {
      for (const guest of made) this.#instances.release(guest);
    }
  }

  get #keeps(): boolean {
    return this.mechanism !== "new" || this.#instances instanceof ReusedInstances;
  }

  /** What all uses together took; of memory, the most that one had. */
  usage(): InstanceUsage {
    return { ...this.#used };
  }

  /** Ends the instances that are ready; those in use end when they are done. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#instances.close();
    this.#maker.close();
    this.#onClose(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #answerLater(exchange: IncomingExchange, options: FreshUseOptions | undefined): Promise<void> {
    return this.#answer(await this.#instances.acquire(), exchange, options);
  }

  #answer(
    guest: ReusableComponent,
    exchange: IncomingExchange,
    options: FreshUseOptions | undefined,
  ): Promise<void> | void {
    const { instance } = guest;
    this.#checkWanted(guest, options);
    const forget = options === undefined ? undefined : this.#begin(guest, options);
    if (options === undefined) this.#inUse += 1;
    const over = (hasFailed: boolean): void => {
      forget?.();
      instance.endAnswer({ hasFailed });
      this.#end(guest, options);
    };
    let answered: Promise<void> | void;
    try {
      answered = instance.handle(exchange);
    } catch (error) {
      over(true);
      throw error;
    }
    if (answered === undefined) return over(false);
    return answered.then(
      () => over(false),
      (error: unknown) => {
        over(true);
        throw error;
      },
    );
  }

  /** Gives an instance back of whose use nothing is wanted any more. @throws GUEST_ABORTED */
  #checkWanted(guest: ReusableComponent, { signal, control }: FreshUseOptions = {}): void {
    const ended = signal?.aborted === true ? { reason: signal.reason as unknown } : control?.ended;
    if (ended === undefined) return;
    this.#instances.release(guest);
    throw abortedBy(ended.reason, this.#maker.name);
  }

  #begin(guest: ReusableComponent, { signal, control }: FreshUseOptions = {}): (() => void) | undefined {
    this.#inUse += 1;
    if (control !== undefined) UseControl.attach(control, guest.instance);
    if (signal === undefined) return undefined;
    const abort = (): void => guest.instance.abort(signal.reason);
    signal.addEventListener("abort", abort);
    return () => signal.removeEventListener("abort", abort);
  }

  #end(guest: ReusableComponent, options: FreshUseOptions | undefined): void {
    if (options?.control !== undefined) UseControl.attach(options.control, undefined);
    this.#inUse -= 1;
    guest.instance.takeUsage(this.#used);
    this.#instances.release(guest);
  }
}
