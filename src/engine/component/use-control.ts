/** What can be ended for a reason of the caller's. */
interface Abortable {
  abort(reason: unknown): void;
}

/** Ends one use of an instance, from when it has one until it is over. */
export class UseControl {
  #instance: Abortable | undefined;
  #end: { readonly reason: unknown } | undefined;

  /** Ends the use by a trap, now or as soon as it begins: it throws GUEST_ABORTED. */
  end(reason: unknown): void {
    this.#end ??= { reason };
    this.#instance?.abort(reason);
  }

  /** What it was ended for, if it was. */
  get ended(): { readonly reason: unknown } | undefined {
    return this.#end;
  }

  /** Says what the use has, or that it is over. */
  static attach(control: UseControl, instance: Abortable | undefined): void {
    control.#instance = instance;
  }
}
