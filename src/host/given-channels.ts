import { type ByteSink, type ByteSource, failure } from "../base/index.ts";
import { sinkToWeb, sourceFrom, sourceFromWeb, type WebSink } from "./channels.ts";

/** What bytes come out of: bytes, text, a stream of the Web's, or anything of chunks that can be iterated. */
export type BytesGiven =
  | string
  | ArrayBufferView
  | ArrayBuffer
  | ReadableStream<Uint8Array>
  | AsyncIterable<Chunk>
  | Iterable<Chunk>;

/** Where bytes go: a stream of the Web's, a function that takes each chunk, or a writable stream of Node's. */
export type BytesTaken = WritableStream<Uint8Array> | ((chunk: Uint8Array) => unknown) | NodeWritable;

type Chunk = Uint8Array | string;

/** As much of a writable stream of Node's as is used of it. */
export interface NodeWritable {
  write(chunk: Uint8Array, done: (error?: Error | null) => void): unknown;
  end(): unknown;
}

/** The channel for what bytes are given as; undefined for what is nothing of that kind, as a channel itself is handed back. */
export function sourceFor(given: unknown): ByteSource | undefined {
  if (typeof given === "string") return sourceFrom(given);
  if (ArrayBuffer.isView(given)) return sourceFrom(new Uint8Array(given.buffer, given.byteOffset, given.byteLength));
  if (given instanceof ArrayBuffer) return sourceFrom(new Uint8Array(given));
  if (typeof given !== "object" || given === null) return undefined;
  if (given instanceof ReadableStream) return sourceFromWeb(given as ReadableStream<Uint8Array>);
  if ("read" in given && "ready" in given && "cancel" in given) return given as ByteSource;
  if (!(Symbol.asyncIterator in given) && !(Symbol.iterator in given)) return undefined;
  return sourceFromWeb(webFrom(chunksOf(given as AsyncIterable<Chunk>)));
}

/** A stream of the Web's of chunks that come one after the other. */
function webFrom(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

async function* chunksOf(given: AsyncIterable<Chunk>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const chunk of given) {
    const bytes = typeof chunk === "string" ? encoder.encode(chunk) : chunk;
    if (!(bytes instanceof Uint8Array)) throw new TypeError(`Cannot read a chunk of bytes from ${typeof bytes}`);
    if (bytes.length > 0) yield bytes;
  }
}

/** The channel for where bytes are to go; undefined for what is nothing of that kind. */
export function sinkFor(taken: unknown): ByteSink | undefined {
  if (typeof taken === "function") return new CallSink(taken as (chunk: Uint8Array) => unknown);
  if (typeof taken !== "object" || taken === null) return undefined;
  if (taken instanceof WritableStream) return sinkToWeb(taken as WritableStream<Uint8Array>);
  if ("write" in taken && "ready" in taken && "close" in taken) return taken as ByteSink;
  return "write" in taken && "end" in taken ? nodeSink(taken as NodeWritable) : undefined;
}

/** {@link sinkFor} of what is only lent: a stream of the Web's is let go of when the sink is closed, and not closed itself. */
export function lentSinkFor(taken: unknown): ByteSink | undefined {
  const sink = taken instanceof WritableStream ? sinkToWeb(taken as WritableStream<Uint8Array>) : sinkFor(taken);
  if (sink === undefined) return undefined;
  return {
    write: (bytes, signal) => sink.write(bytes, signal),
    ready: (signal) => sink.ready(signal),
    close() {
      if (isWebSink(sink)) sink.release();
    },
  };
}

function isWebSink(sink: ByteSink): sink is WebSink {
  return "release" in sink;
}

/** A writable stream of Node's, which is left open: standard streams go to many. */
function nodeSink(stream: NodeWritable): ByteSink {
  return new CallSink(
    (chunk) =>
      new Promise<void>((resolve, reject) => {
        stream.write(chunk, (error) => (error === undefined || error === null ? resolve() : reject(error)));
      }),
  );
}

/** A sink that calls a function with a copy of each chunk, one after the other where it answers promises. */
class CallSink implements ByteSink {
  readonly #call: (chunk: Uint8Array) => unknown;
  #pending: Promise<void> | undefined;
  #isBroken = false;

  constructor(call: (chunk: Uint8Array) => unknown) {
    this.#call = call;
  }

  write(bytes: Uint8Array, signal?: AbortSignal): number | Promise<number> {
    if (this.#pending !== undefined) return this.#pending.then(() => this.write(bytes, signal));
    if (this.#isBroken) throw failure("pipe");
    if (bytes.length === 0) return 0;
    const answer = this.#call(bytes.slice());
    if (answer instanceof Promise) {
      const over = (): void => {
        this.#pending = undefined;
      };
      this.#pending = answer.then(over, () => {
        this.#isBroken = true;
        over();
      });
    }
    return bytes.length;
  }

  ready(): true | Promise<void> {
    return this.#pending ?? true;
  }

  close(): void {
    // Nothing is told of the end: whoever gave the function has the instance, too.
  }
}
