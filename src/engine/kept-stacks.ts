/** A core function of a component's that answers a request: it takes the handles of the request and of its answer's place. */
export type CoreHandler = (request: number, outparam: number) => void;

/**
 * `(module (import "" "next" (func (result i32))) (import "" "request" (global (mut i32))) (import "" "outparam" (global (mut i32)))
 * (import "" "handler" (table 1 funcref)) (func (export "run") …))`: calls what the table has with what the globals have each time
 * that `next` answers 1, and returns when that answers 0.
 */
const loopModule = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 0x0d, 3, 0x60, 0, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 0, 0x60, 0, 0, 2, 0x2f, 4, 0, 4,
  0x6e, 0x65, 0x78, 0x74, 0, 0, 0, 7, 0x72, 0x65, 0x71, 0x75, 0x65, 0x73, 0x74, 3, 0x7f, 1, 0, 8, 0x6f, 0x75, 0x74,
  0x70, 0x61, 0x72, 0x61, 0x6d, 3, 0x7f, 1, 0, 7, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x72, 1, 0x70, 0, 1, 3, 2, 1, 2,
  7, 7, 1, 3, 0x72, 0x75, 0x6e, 0, 1, 0x0a, 0x1a, 1, 0x18, 0, 2, 0x40, 3, 0x40, 0x10, 0, 0x45, 0x0d, 1, 0x23, 0, 0x23,
  1, 0x41, 0, 0x11, 1, 0, 0x0c, 0, 0x0b, 0x0b, 0x0b,
]);

/** Stacks that wait for their next call at most; more at once are made and thrown away. */
const mostKept = 32;

/**
 * Calls handlers on stacks that are kept from one call to the next. What V8 allocates for an entry by `WebAssembly.promising`
 * lives until the old generation is collected, so a new entry for each request makes each collection of the young one long.
 * A handler runs in the asynchronous context in which its stack was made, not in that of its caller.
 */
export class KeptStacks {
  readonly #waiting: KeptStack[] = [];
  #module: WebAssembly.Module | undefined;

  /** Calls `handler`, in which `Suspending` imports may wait; it begins behind what runs now. @throws what it throws */
  call(handler: CoreHandler, request: number, outparam: number): Promise<void> {
    const stack = this.#waiting.pop() ?? this.#make();
    return stack.call(handler, request, outparam);
  }

  /** Lets go of a handler, whose instance could not be collected otherwise. */
  forget(handler: CoreHandler): void {
    for (const stack of this.#waiting) stack.forget(handler);
  }

  #make(): KeptStack {
    this.#module ??= new WebAssembly.Module(loopModule);
    return new KeptStack(this.#module, (stack) => {
      if (this.#waiting.length === mostKept) return false;
      this.#waiting.push(stack);
      return true;
    });
  }
}

interface Call {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** One stack, in a loop that waits for a call, makes it and waits again. */
class KeptStack {
  readonly #request = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  readonly #outparam = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  readonly #table = new WebAssembly.Table({ element: "anyfunc", initial: 1 });
  /** Takes it back; whether it is to wait for another call. */
  readonly #keep: (stack: KeptStack) => boolean;
  #handler: CoreHandler | undefined;
  #call: Call | undefined;
  #wake: ((go: number) => void) | undefined;

  constructor(module: WebAssembly.Module, keep: (stack: KeptStack) => boolean) {
    this.#keep = keep;
    const next = new WebAssembly.Suspending(() => this.#next());
    const imports = { next, request: this.#request, outparam: this.#outparam, handler: this.#table };
    const { run } = new WebAssembly.Instance(module, { "": imports }).exports;
    const running = WebAssembly.promising(run as () => void)();
    running.catch((error: unknown) => this.#call?.reject(error));
  }

  call(handler: CoreHandler, request: number, outparam: number): Promise<void> {
    if (this.#handler !== handler) {
      this.#table.set(0, handler);
      this.#handler = handler;
    }
    this.#request.value = request;
    this.#outparam.value = outparam;
    return new Promise<void>((resolve, reject) => {
      this.#call = { resolve, reject };
      this.#wake?.(1);
    });
  }

  forget(handler: CoreHandler): void {
    if (this.#handler !== handler) return;
    this.#table.set(0, null);
    this.#handler = undefined;
  }

  #next(): number | Promise<number> {
    const call = this.#call;
    if (call !== undefined) {
      this.#call = undefined;
      call.resolve();
      if (!this.#keep(this)) return 0;
    }
    return new Promise<number>((wake) => (this.#wake = wake));
  }
}
