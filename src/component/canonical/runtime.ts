/** The traps that lifting and lowering end in (Canonical ABI, Loading, Storing, Flat Lifting), and the budget's. */
export type CanonicalTrapReason =
  | "unaligned-pointer"
  | "pointer-out-of-bounds"
  | "string-out-of-bounds"
  | "string-too-long"
  | "list-out-of-bounds"
  | "list-too-long"
  | "invalid-utf8"
  | "incomplete-utf8"
  | "invalid-utf16"
  | "invalid-char"
  | "invalid-discriminant"
  | "realloc-unaligned"
  | "realloc-out-of-bounds"
  /** What is lifted would take more of the host's memory than {@link MemoryViews.liftBudget} allows. */
  | "value-too-large";

/** The canonical options that generated code depends on. */
export interface CanonicalShape {
  readonly stringEncoding: "utf8" | "utf16" | "latin1+utf16";
  readonly memoryIs64?: boolean;
  /** `async`: a host function may answer a promise; a core function that is lifted answers one. */
  readonly mode: "sync" | "async";
  /** Whether a list of bytes is lifted as a view of the guest's memory, for a host function that is done with it when it returns. */
  readonly lendsBytes?: boolean;
}

/** One call as its instance sees it. */
export interface CanonicalTask {
  /** Whether the guest's function was called; set right before that. */
  started: boolean;
}

/** What generated code needs of an instance: one object for each lifted or lowered function. */
export interface CanonicalRuntime {
  readonly views: MemoryViews;
  /** Calls the guest's allocator; the answer is unsigned and not checked yet. */
  realloc(old: number, oldSize: number, alignment: number, size: number): number;
  /** Ends the guest by a trap. */
  trap(reason: CanonicalTrapReason): never;
  /** Ends the guest because of what a host function threw, or because what it answered cannot be lowered. */
  fail(error: unknown): never;
  /** `slot` is the position in {@link resourcesOf} the function type. */
  liftOwn(slot: number, handle: number): unknown;
  liftBorrow(slot: number, handle: number): unknown;
  lowerOwn(slot: number, value: unknown): number;
  lowerBorrow(slot: number, value: unknown): number;
  /** `slot` is the position in {@link asyncTypesOf} the function type, 0 for an error context. */
  liftAsync(kind: AsyncKind, slot: number, handle: number): unknown;
  lowerAsync(kind: AsyncKind, slot: number, value: unknown): number;
  enterCall(): CanonicalTask;
  leaveCall(task: CanonicalTask): void;
}

/** The kinds of values that belong to the async part of the canonical ABI. */
export type AsyncKind = "stream" | "future" | "error-context";

const nothing = new ArrayBuffer(0);

/**
 * Views of a guest's memory for generated code. A memory that grows leaves its old buffer detached, whose views are empty:
 * {@link fresh} is called whenever the guest has run, and a view that stayed behind reaches nothing.
 */
export class MemoryViews {
  buffer: ArrayBufferLike = nothing;
  u8 = new Uint8Array(nothing);
  data = new DataView(nothing);
  /** Length in code units, tag included, of the string or list that was lowered last. */
  length = 0;
  /** How much of {@link liftBudget} is left to the value that is being lifted. */
  left = 0;
  /** Most bytes that one call's lifted values may come to in JavaScript, as V8 keeps them. */
  liftBudget = 2 ** 29;
  #memory: WebAssembly.Memory | undefined;

  /** Sets the memory once it is there. */
  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory;
    this.#read(memory);
  }

  /** Renews the views where the memory has grown. */
  fresh(): void {
    if (this.u8.length === 0) this.#renew();
  }

  #renew(): void {
    if (this.#memory !== undefined && this.#memory.buffer !== this.buffer) this.#read(this.#memory);
  }

  #read(memory: WebAssembly.Memory): void {
    this.buffer = memory.buffer;
    this.u8 = new Uint8Array(this.buffer);
    this.data = new DataView(this.buffer);
  }
}
