import { HostError } from "../../base/index.ts";
import { Buffers, type FileStat, type FollowMode, type HostInstance } from "../../host/index.ts";
import { closed, WasiError, WasiTrap } from "./errors.ts";
import { Polls } from "./polls.ts";
import type { Wasi02Interface } from "./row.ts";

/** What the functions of one instance work on. */
export interface Wasi02Options {
  /** Its arguments, the program's name first. */
  readonly args: readonly string[];
  /** Features that were allowed by name. */
  readonly features?: ReadonlySet<string> | undefined;
  /** Makes what the component's side takes for the error case of a `result`. */
  readonly makeError: (payload: unknown) => Error;
  /** Writes one line for each call. */
  readonly trace?: ((line: string) => void) | undefined;
}

/** Most bytes that one read brings, however many are asked for. */
export const mostBytes = 1_048_576;
/** What the buffer for reads begins with, in bytes. */
const firstScratch = 65_536;

const noBytes = new Uint8Array(0);

/** What is known of the file that a path named. */
export interface LastStat {
  readonly folder: object;
  readonly text: string;
  readonly follow: FollowMode;
  readonly stat: FileStat;
}

/** The state of one instance's WASI 0.2. */
export class Wasi02Context {
  readonly args: readonly string[];
  readonly features: ReadonlySet<string>;
  readonly trace: ((line: string) => void) | undefined;
  /** Bytes of HTTP messages that the host keeps for the guest until they are sent or dropped. */
  httpBytes = 0;
  /** What the last call on a path answered, where that was `stat-at`. */
  lastStat: LastStat | undefined;
  readonly #makeError: (payload: unknown) => Error;
  #polls: Polls | undefined;
  #writes: Set<Promise<void>> | undefined;
  #shortText: Uint8Array<ArrayBuffer> | undefined;
  #errors: Map<unknown, Error> | undefined;
  #host: HostInstance | undefined;
  #suspends = false;
  #scratch = noBytes;
  #part = noBytes;
  #pieces: Buffers | undefined;

  constructor({ args, features = new Set(), makeError, trace }: Wasi02Options) {
    this.args = args;
    this.features = features;
    this.trace = trace;
    this.#makeError = makeError;
  }

  // Of what follows a guest that answers one request uses little: it is made when it is first asked for.

  get polls(): Polls {
    return (this.#polls ??= new Polls(this));
  }

  /** What is being written while the guest goes on. */
  get writes(): Set<Promise<void>> {
    return (this.#writes ??= new Set());
  }

  /** Whether something is. */
  get isWriting(): boolean {
    return this.#writes !== undefined && this.#writes.size > 0;
  }

  /** Room for texts for which a loop is quicker than an encoder. */
  get shortText(): Uint8Array<ArrayBuffer> {
    return (this.#shortText ??= new Uint8Array(64));
  }

  /** What the guest has of the host. */
  get host(): HostInstance {
    if (this.#host === undefined) throw new TypeError("An instance calls before it has a host");
    return this.#host;
  }

  /** Whether operations of the host may answer promises. */
  get suspends(): boolean {
    return this.#suspends;
  }

  /** Gives it the host that it works on, which is made once it is known whether calls may wait. */
  attach(host: HostInstance, { suspends = false }: { readonly suspends?: boolean } = {}): void {
    this.#host = host;
    this.#suspends = suspends;
  }

  /**
   * So many bytes, at most {@link mostBytes}, for what one call answers: they are the guest's only until the next call. The same view
   * each time that as many are wanted.
   */
  scratch(length: number): Uint8Array<ArrayBuffer> {
    if (this.#part.length === length) return this.#part;
    if (this.#scratch.length < length)
      this.#scratch = new Uint8Array(Math.min(mostBytes, Math.max(firstScratch, length)));
    this.#part = this.#scratch.subarray(0, length);
    return this.#part;
  }

  /** These bytes as the one piece of a read or write that is over when it returns. */
  piece(bytes: Uint8Array): Buffers {
    const pieces = (this.#pieces ??= new Buffers());
    pieces.reset(bytes);
    pieces.add(0, bytes.length);
    return pieces;
  }

  /** What a call that threw comes to. */
  errorOf(error: unknown, { errorOf }: Wasi02Interface, name: string): unknown {
    if (error instanceof WasiError) return this.#errorFor(error.payload);
    if (!(error instanceof HostError)) return error;
    if (errorOf === undefined) return new WasiTrap(`${name} failed: ${error.message}, and has no way to say so`);
    return this.#errorFor(errorOf(error));
  }

  /** Resolves once what was written is on its way, or can no longer be. */
  async flushed(): Promise<void> {
    while (this.isWriting) await Promise.allSettled(this.writes);
  }

  /** Failing is ordinary: an error for a code is made once. */
  #errorFor(payload: unknown): Error {
    if (typeof payload === "object" && payload !== closed) return this.#makeError(payload);
    const errors = (this.#errors ??= new Map());
    let error = errors.get(payload);
    if (error === undefined) errors.set(payload, (error = this.#makeError(payload)));
    return error;
  }
}
