import { SampanError } from "../../base/index.ts";
import { type Native, nativeOrUndefined } from "../../base/native.ts";
import type { RewrittenLayout } from "../../wasm/index.ts";
import { ImageFile, isAsImages, type MemoryImage, takeImages } from "./memory-image.ts";
import { CopiedMemory, type FreshStep, MappedMemory, type MemoryReset } from "./reset-memory.ts";

/** How an instance gets its state back: it does not, and a new one is made; by copying its memory; by copy-on-write. */
export type FreshMechanism = "new" | "copy" | "copy-on-write";

/** An instance as it is put back. */
export interface FreshGuest {
  /** The memories that the engine made for it, in the order of its layout. */
  readonly memories: readonly WebAssembly.Memory[];
  /** Calls of the guest to anything outside of it so far, and what it keeps there. */
  readonly hostCalls: number;
  /** Whether a module of its kind runs code of its own before its first call. */
  readonly hasInitializer: boolean;
  /** Whether it came to rest: no call suspended, no trap, no exit. */
  readonly isReusable: boolean;
  /** Saves the state of its modules, and puts that back: false where that could not be done. */
  save(): void;
  restore(): boolean;
  /** Runs the module's start function and `_initialize`. @throws what ends the guest there */
  initialize(): void | Promise<void>;
  /** Closes what the guest has open. */
  rest(): void;
  /** Gives the guest the host state of a new instance. */
  renew(): void;
  /** Ends it for good. */
  close(): void;
}

/** What is known of the state of a module's instances, or of a component's: of all its modules together. */
export interface FreshLayout extends Pick<RewrittenLayout, "unrestorable"> {
  /** Left out where they have no functions that put it back. */
  readonly restore?: object | undefined;
  /** Each with the pages of 64 KiB that it begins with. */
  readonly memories: readonly { readonly initial: number }[];
}

/** What instances of one module are handed out with. */
export interface FreshOptions<G extends FreshGuest> {
  readonly layout: FreshLayout;
  /** Makes an instance that was not initialised yet. */
  readonly make: () => G | Promise<G>;
  /** `auto`, the default, takes the quickest that module and system have; another is for comparison. */
  readonly mechanism?: FreshMechanism | "auto" | undefined;
  /** Most instances that are kept for later; 64 where it is left out. */
  readonly mostIdle?: number | undefined;
  /** Steps that are left out, for tests. */
  readonly omit?: readonly FreshStep[] | undefined;
  /** Asks for the maps of one more memory, before it is mapped. @throws LIMIT_MEMORIES */
  readonly takeMaps?: (() => void) | undefined;
  /** The system's calls; those of the process where it is left out, none where it is `undefined`. */
  readonly native?: Native | undefined;
}

/** What one instance is put back by. */
interface Saved {
  readonly memories: readonly MemoryReset[];
  isIdle: boolean;
}

/** The moment to which a module's instances are put back. */
interface Moment {
  /** Whether initialising comes before it, once, or after it, each time. */
  readonly isInitialized: boolean;
  readonly images: readonly MemoryImage[];
}

/**
 * Hands out instances of one module, each with the state of a new one. An instance that comes back is put back to the moment
 * after its initialisation; where that called anything outside, to the moment before it, so that no seed, time or environment of
 * once is seen again, and initialising is part of each handing out. What cannot be put back is thrown away.
 */
export class FreshInstances<G extends FreshGuest> {
  /** How instances get their state back. */
  readonly mechanism: FreshMechanism;
  readonly #options: FreshOptions<G>;
  readonly #native: Native | undefined;
  readonly #omit: ReadonlySet<FreshStep>;
  readonly #mostIdle: number;
  readonly #saved = new WeakMap<G, Saved>();
  readonly #idle: G[] = [];
  #moment: Moment | undefined;
  #first: Promise<G> | undefined;
  #file: ImageFile | undefined;
  #isClosed = false;

  /** @throws ENGINE_FRESH_STATE where a mechanism is asked for that the module or the system does not have */
  constructor(options: FreshOptions<G>) {
    this.#options = options;
    this.#native = "native" in options ? options.native : nativeOrUndefined();
    this.#omit = new Set(options.omit);
    this.#mostIdle = options.mostIdle ?? 64;
    this.mechanism = chooseMechanism(options.mechanism ?? "auto", options.layout, this.#native);
  }

  /** Instances that are ready. */
  get idleCount(): number {
    return this.#idle.length;
  }

  /** An instance with the state of a new one. @throws what making and initialising one throws, ENGINE_CLOSED */
  async acquire(): Promise<G> {
    if (this.#isClosed) throw new SampanError("ENGINE_CLOSED", "Cannot hand out an instance: the engine is closed");
    const ready = this.#takeIdle();
    if (ready === undefined) return this.#make();
    if (this.#moment?.isInitialized === false) await this.#initialize(ready);
    return ready;
  }

  /** An instance that is ready at once, without a promise; undefined where it takes {@link acquire}. */
  acquireNow(): G | undefined {
    return this.#moment?.isInitialized === true && !this.#isClosed ? this.#takeIdle() : undefined;
  }

  /** Takes an instance back and puts its state back, or throws it away. */
  release(guest: G): void {
    const saved = this.#saved.get(guest);
    if (saved?.isIdle === true) return;
    const isKept = saved !== undefined && !this.#isClosed && this.#idle.length < this.#mostIdle && guest.isReusable;
    if (!isKept || !this.#putBack(guest, saved)) {
      this.#discard(guest);
      return;
    }
    saved.isIdle = true;
    this.#idle.push(guest);
  }

  /** Ends the instances that are ready and gives up the image; those that come back later end then. */
  close(): void {
    this.#isClosed = true;
    for (const guest of this.#idle.splice(0)) this.#discard(guest);
    this.#file?.close();
  }

  #takeIdle(): G | undefined {
    const guest = this.#idle.pop();
    if (guest === undefined) return undefined;
    const saved = this.#saved.get(guest);
    if (saved !== undefined) saved.isIdle = false;
    if (!this.#omit.has("host")) guest.renew();
    return guest;
  }

  #putBack(guest: G, { memories }: Saved): boolean {
    try {
      if (!this.#omit.has("host")) guest.rest();
      if (!guest.restore()) return false;
      for (const memory of memories) if (!memory.reset()) return false;
      return true;
    } catch {
      // Whatever it was, nobody can say any more what state the instance is in; a new one is always right.
      return false;
    }
  }

  #discard(guest: G): void {
    this.#saved.delete(guest);
    guest.close();
  }

  async #make(): Promise<G> {
    if (this.mechanism === "new") {
      const guest = await this.#options.make();
      await this.#initialize(guest);
      return guest;
    }
    if (this.#moment === undefined) {
      if (this.#first === undefined) {
        this.#first = this.#makeFirst();
        try {
          return await this.#first;
        } finally {
          this.#first = undefined;
        }
      }
      // Who comes meanwhile waits for what the first one finds out; where that fails, it tries itself.
      await this.#first.catch(() => undefined);
      return this.#make();
    }
    return this.#makeNext(this.#moment);
  }

  /** Makes the first instance and finds out to which moment instances are put back. */
  async #makeFirst(): Promise<G> {
    const guest = await this.#options.make();
    const callsBefore = guest.hostCalls;
    let images = takeImages(guest.memories, this.#native?.c.getpagesize());
    guest.save();
    await this.#initialize(guest);
    const isInitialized = guest.hostCalls === callsBefore;
    if (isInitialized && guest.hasInitializer) {
      images = takeImages(guest.memories, this.#native?.c.getpagesize());
      guest.save();
    }
    this.#moment = { isInitialized, images };
    this.#keep(guest, images);
    return guest;
  }

  async #makeNext({ isInitialized, images }: Moment): Promise<G> {
    const guest = await this.#options.make();
    if (!isInitialized) guest.save();
    const callsBefore = guest.hostCalls;
    await this.#initialize(guest);
    if (!isInitialized) {
      this.#keep(guest, images);
      return guest;
    }
    // Wasm leaves the bits of a NaN and whether a memory can grow open: what went another way is used once.
    if (guest.hostCalls !== callsBefore || (guest.hasInitializer && !isAsImages(guest.memories, images))) return guest;
    guest.save();
    this.#keep(guest, images);
    return guest;
  }

  async #initialize(guest: G): Promise<void> {
    try {
      await guest.initialize();
    } catch (error) {
      this.#discard(guest);
      throw error;
    }
  }

  #keep(guest: G, images: readonly MemoryImage[]): void {
    const { takeMaps = () => {} } = this.#options;
    const native = this.#native;
    const omit = this.#omit;
    const file = this.mechanism === "copy-on-write" ? this.#imageFile(images) : undefined;
    const memories = images.map((image, index) => {
      const memory = guest.memories[index];
      if (memory === undefined) throw new RangeError(`An instance without its memory ${index}`);
      if (file === undefined) return new CopiedMemory(memory, image, { native, omit });
      return new MappedMemory(memory, { image, index, file, omit, takeMaps });
    });
    this.#saved.set(guest, { memories, isIdle: false });
  }

  /** The file of the images; undefined where the system has no room for it, and copying serves. */
  #imageFile(images: readonly MemoryImage[]): ImageFile | undefined {
    if (this.#file !== undefined || this.#native === undefined) return this.#file;
    try {
      this.#file = new ImageFile(this.#native, images);
    } catch {
      return undefined;
    }
    return this.#file;
  }
}

/** Pages of 64 KiB that are copied in the time that the system takes to drop what was written. */
const mostCopied = 3;

function chooseMechanism(
  wanted: FreshMechanism | "auto",
  { restore, unrestorable, memories }: FreshLayout,
  native: Native | undefined,
): FreshMechanism {
  if (wanted === "new" || (wanted === "auto" && restore === undefined)) return "new";
  if (restore === undefined) {
    const why = unrestorable === undefined ? "it was compiled without restore functions" : `it has ${unrestorable}`;
    throw unavailable(wanted, `the module cannot be put back, because ${why}`);
  }
  if (wanted === "auto") {
    const pages = memories.reduce((sum, { initial }) => sum + initial, 0);
    return native === undefined || pages <= mostCopied ? "copy" : "copy-on-write";
  }
  if (wanted === "copy-on-write" && native === undefined) throw unavailable(wanted, "this system has no native calls");
  return wanted;
}

function unavailable(mechanism: FreshMechanism | "auto", why: string): SampanError {
  return new SampanError("ENGINE_FRESH_STATE", `Cannot use the mechanism "${mechanism}" for fresh state: ${why}`, {
    hint: 'use "auto"',
  });
}
