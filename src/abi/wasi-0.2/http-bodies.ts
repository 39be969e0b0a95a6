import { HostError } from "../../base/index.ts";
import { type BodyPipe, type BodySource, HttpFailure } from "../../host/index.ts";
import { asked } from "./attempts.ts";
import type { Wasi02Context } from "./context.ts";
import { closed, failedOperation, WasiError } from "./errors.ts";
import { Fields } from "./http-fields.ts";
import { InputStream } from "./input-stream.ts";
import { type OutputSink, OutputStream } from "./output-stream.ts";
import { type Pollable, WatchedPollable } from "./pollable.ts";

/** A nested `result`, as values have it. */
export type Result<T, E> = { readonly tag: "ok"; readonly val: T } | { readonly tag: "err"; readonly val: E };

/** What a future's second `get` answers: it was there, and was taken. */
export const taken: Result<never, undefined> = { tag: "err", val: undefined };

/** The code of an exchange's failure. @throws what is none */
export function codeOf(error: unknown): unknown {
  if (error instanceof HttpFailure) return error.code;
  throw error;
}

/** The `stream-error` of a body's failure. */
function streamError(error: unknown): unknown {
  if (error instanceof HostError && error.errno === "pipe") return closed;
  return error instanceof HttpFailure ? failedOperation(error) : undefined;
}

/** The resource `incoming-body` of `wasi:http/types`. */
export class IncomingBody {
  readonly #context: Wasi02Context;
  readonly #reader: BodySource;
  #isStreamed = false;
  #isFinished = false;

  constructor(context: Wasi02Context, reader: BodySource) {
    this.#context = context;
    this.#reader = reader;
  }

  /** Its bytes, once. @throws WasiError */
  stream(): InputStream {
    if (this.#isStreamed) throw new WasiError(undefined);
    this.#isStreamed = true;
    const reader = this.#reader;
    return new InputStream(this.#context, {
      read: (into) => reader.read(into),
      pass: (most, to) => reader.pass(most, to),
      isReady: () => reader.isReady(),
      watch: (wake) => reader.watch(wake),
      errorOf: streamError,
    });
  }

  /** Drops what is left of it: the trailers come behind that. */
  finish(): FutureTrailers {
    this.#isFinished = true;
    return new FutureTrailers(this.#context, this.#reader);
  }

  drop(): void {
    if (!this.#isFinished) this.#reader.close();
  }
}

/** The resource `future-trailers` of `wasi:http/types`. */
export class FutureTrailers {
  readonly #context: Wasi02Context;
  readonly #reader: BodySource;
  #rest: Promise<void> | undefined;
  #isTaken = false;

  constructor(context: Wasi02Context, reader: BodySource) {
    this.#context = context;
    this.#reader = reader;
  }

  /** Undefined while the body comes in. */
  get(): unknown {
    if (this.#isTaken) return taken;
    return asked(this.#context, () => {
      if (!this.#isReady()) return undefined;
      this.#isTaken = true;
      const { failure, trailers } = this.#reader;
      if (failure !== undefined) return { tag: "ok", val: { tag: "err", val: failure.code } };
      return { tag: "ok", val: { tag: "ok", val: trailers.length === 0 ? undefined : Fields.received(trailers) } };
    });
  }

  subscribe(): Pollable {
    return new WatchedPollable({
      isReady: () => this.#isReady(),
      watch: (wake) => {
        if (this.#isReady()) return true;
        let isStopped = false;
        this.#rest?.then(
          () => isStopped || wake(),
          () => isStopped || wake(),
        );
        return () => {
          isStopped = true;
        };
      },
    });
  }

  drop(): void {
    this.#reader.close();
  }

  #isReady(): boolean {
    this.#rest ??= this.#reader.rest();
    return this.#reader.isOver;
  }
}

/** What a piece of a body that nobody sends yet takes besides its bytes. */
const pieceOverhead = 128;

/**
 * A body as a stream writes it. A class: an accessor of an object literal is held by the literal's shape, so what it was made for would
 * live until the old generation is collected.
 */
class PipeSink implements OutputSink {
  readonly #pipe: BodyPipe;
  readonly #keeps: (count: number) => void;

  constructor(pipe: BodyPipe, keeps: (count: number) => void) {
    this.#pipe = pipe;
    this.#keeps = keeps;
  }

  get isImmediate(): boolean {
    return this.#pipe.isReady();
  }

  write(bytes: Uint8Array): number | Promise<number> {
    this.#keeps(bytes.length + pieceOverhead);
    return this.#pipe.write(bytes);
  }

  flush(): void {
    this.#pipe.flush();
  }

  isReady(): boolean {
    return this.#pipe.isReady();
  }

  watch(wake: () => void): true | (() => void) {
    return this.#pipe.watch(wake);
  }

  errorOf(error: unknown): unknown {
    return streamError(error);
  }
}

/** The resource `outgoing-body` of `wasi:http/types`. */
export class OutgoingBody {
  readonly #context: Wasi02Context;
  readonly #pipe: BodyPipe;
  readonly #keeps: (count: number) => void;
  #isWritten = false;
  #isEnded = false;

  /** `keeps` is told of bytes before they are written. */
  constructor(context: Wasi02Context, pipe: BodyPipe, keeps: (count: number) => void) {
    this.#context = context;
    this.#pipe = pipe;
    this.#keeps = keeps;
  }

  /** Where its bytes are written, once. @throws WasiError */
  write(): OutputStream {
    if (this.#isWritten) throw new WasiError(undefined);
    this.#isWritten = true;
    return new OutputStream(this.#context, new PipeSink(this.#pipe, this.#keeps));
  }

  /** Says that it is whole. @throws WasiError error-code where it is not as long as its headers say */
  finish(trailers: Fields | undefined): void {
    this.#isEnded = true;
    try {
      this.#pipe.finish(trailers?.entries);
    } catch (error) {
      throw new WasiError(codeOf(error));
    } finally {
      trailers?.drop();
    }
  }

  /** A body that was not finished breaks its message off. */
  drop(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#pipe.fail(new HttpFailure({ tag: "internal-error", val: "a body was dropped before it was finished" }));
  }
}
