import { Alarms } from "../host/index.ts";
import { KeptStacks } from "./kept-stacks.ts";
import type { EpochThread } from "./epoch.ts";
import { createHooks, type Hooks } from "./hooks.ts";
import { createTrap, createTrapError } from "./trap.ts";
import { Turns } from "./turns.ts";

/** A guest as the checks of its code reach it. */
export interface WatchedGuest {
  /** Ends the guest by a trap where its time is over or somebody has killed it. */
  look(): void;
  /** Says that the guest is about to wait for others, and that it goes on. */
  pause(): void;
  resume(): void;
}

/** What all guests of one thread share: the epoch that they look at, the turns that they take, the trap that ends them. */
export class GuestThread {
  readonly turns = new Turns();
  /** The stacks on which requests are answered. */
  readonly stacks = new KeptStacks();
  readonly epoch: EpochThread;
  readonly #guests = new Map<number, WatchedGuest>();
  #trap: (() => never) | undefined;
  #trapError: WebAssembly.RuntimeError | undefined;
  #hooks: Hooks | undefined;
  #lastId = 0;
  /** Whether the guest that looked up last did so because time went by. */
  #isTime = true;

  /** Wakes its guests that sleep. */
  readonly alarms = new Alarms();
  /** Called once a slice while guests run. */
  readonly onTick: () => void;
  /** Whether somebody waits for those slices. */
  readonly isTicked: boolean;

  /** `onTick` is called once a slice while guests run, where no message comes through. */
  constructor(epoch: EpochThread, onTick?: () => void) {
    this.epoch = epoch;
    this.isTicked = onTick !== undefined;
    this.onTick = onTick ?? (() => {});
  }

  /** What checks call; made when the first guest comes that has any. */
  get hooks(): Hooks {
    return (this.#hooks ??= createHooks(this.epoch, {
      look: (id) => {
        this.#looked(id);
        return this.#isTime;
      },
      lookAndYield: (id) => this.#lookedAndYields(id),
    }));
  }

  /** A trap executed in Wasm; its code is made when the first guest ends by one. */
  trap(): never {
    this.#trap ??= createTrap();
    return this.#trap();
  }

  /** The error of a trap, for promises that guests wait for. */
  get trapError(): WebAssembly.RuntimeError {
    return (this.#trapError ??= createTrapError());
  }

  /** Guests that are registered now. */
  get guestCount(): number {
    return this.#guests.size;
  }

  /** Gives a guest the number under which its checks name it. */
  register(guest: WatchedGuest): number {
    do this.#lastId = (this.#lastId + 1) | 0;
    while (this.#guests.has(this.#lastId));
    this.#guests.set(this.#lastId, guest);
    return this.#lastId;
  }

  /** Forgets a guest; code of it that still ran would end at its next check. */
  forget(id: number): void {
    this.#guests.delete(id);
  }

  #looked(id: number): WatchedGuest {
    this.#isTime = this.epoch.clear();
    this.onTick();
    const guest = this.#guests.get(id);
    if (guest === undefined) this.trap();
    else guest.look();
    return guest as WatchedGuest;
  }

  #lookedAndYields(id: number): void | Promise<void> {
    const guest = this.#looked(id);
    if (!this.turns.isOver) return;
    guest.pause();
    return this.turns.next().then(() => {
      guest.resume();
      this.epoch.enter();
      guest.look();
    });
  }
}
