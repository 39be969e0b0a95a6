/**
 * One call into an instance (component model, Canonical ABI: Tasks). Calls of this version of WASI wait for their end, so that each
 * instance has one task at a time, on top of those that it was called from.
 */
export class Task {
  /** Whether the guest's function was called; its allocator may have been before. */
  started = false;
  /** Handles that it was lent and has not dropped. */
  borrows = 0;
  /** What `context.get` and `context.set` read and write. */
  readonly context: (number | bigint)[] = [];
  readonly parent: Task | undefined;
  /** What takes back what the host passed to it, should it come to nothing before code of the guest runs. */
  undo: (() => void)[] | undefined;

  constructor(parent?: Task) {
    this.parent = parent;
  }

  /** Whether it is no call's, and nothing was kept in it. */
  get isPristine(): boolean {
    const { started, borrows, context, parent, undo } = this;
    return !started && borrows === 0 && context.length === 0 && parent === undefined && undo === undefined;
  }
}
