import { type ByteSink, type ByteSource, HostError } from "../../base/index.ts";
import type { Wasi02Context } from "./context.ts";
import { closed, WasiError } from "./errors.ts";
import { InputStream } from "./input-stream.ts";
import { OutputStream } from "./output-stream.ts";

/** What a channel of the embedder's does when it waits, or is asked whether it would. */
abstract class ChannelEnd {
  readonly #channel: Pick<ByteSource, "ready">;

  constructor(channel: Pick<ByteSource, "ready">) {
    this.#channel = channel;
  }

  isReady(): boolean {
    const giveUp = new AbortController();
    const ready = this.#channel.ready(giveUp.signal);
    if (ready === true) return true;
    ready.catch(() => {});
    giveUp.abort();
    return false;
  }

  watch(wake: () => void): true | (() => void) {
    const giveUp = new AbortController();
    const ready = this.#channel.ready(giveUp.signal);
    if (ready === true) return true;
    let isOver = false;
    const woken = (): void => {
      if (!isOver) wake();
    };
    ready.then(woken, woken);
    return () => {
      isOver = true;
      giveUp.abort();
    };
  }

  errorOf(error: unknown): unknown {
    return error instanceof HostError && error.errno === "pipe" ? closed : undefined;
  }
}

class ChannelSource extends ChannelEnd {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    super(source);
    this.#source = source;
  }

  read(into: Uint8Array): number | Promise<number> {
    return this.#source.read(into);
  }

  close(): void {
    this.#source.cancel();
  }
}

class ChannelSink extends ChannelEnd {
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    super(sink);
    this.#sink = sink;
  }

  write(bytes: Uint8Array): number | Promise<number> {
    return this.#sink.write(bytes);
  }

  close(): void {
    this.#sink.close();
  }
}

/** The resource `input-stream` (`wasi:io/streams`) of bytes that an embedder gives. */
export function inputStreamOf(context: Wasi02Context, source: ByteSource): InputStream {
  return new InputStream(context, new ChannelSource(source));
}

/** The resource `output-stream` (`wasi:io/streams`) to where an embedder takes bytes. */
export function outputStreamOf(context: Wasi02Context, sink: ByteSink): OutputStream {
  return new OutputStream(context, new ChannelSink(sink));
}

/** Most bytes of one chunk. */
const chunkSize = 65_536;

/** An `input-stream` that a guest gave as a stream of the Web's, which it is closed with. */
export function webFromInput(input: InputStream): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          controller.enqueue(await input.readInto(new Uint8Array(chunkSize)));
        } catch (error) {
          if (isClosed(error)) return controller.close();
          throw toldBy(error);
        }
      },
      cancel: () => input.close(),
    },
    { highWaterMark: 0 },
  );
}

/** An `output-stream` that a guest gave as a stream of the Web's, which it is closed with. */
export function webFromOutput(output: OutputStream): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    async write(chunk) {
      try {
        await output.blockingWriteAndFlush(chunk);
      } catch (error) {
        throw toldBy(error);
      }
    },
    close: () => output.close(),
    abort: () => output.close(),
  });
}

function isClosed(error: unknown): boolean {
  return error instanceof WasiError && tagOf(error.payload) === "closed";
}

function tagOf(payload: unknown): unknown {
  return typeof payload === "object" && payload !== null && "tag" in payload ? payload.tag : undefined;
}

/** What a reader or writer of the Web's learns of a `stream-error`. */
function toldBy(error: unknown): unknown {
  if (!(error instanceof WasiError)) return error;
  const reason = tagOf(error.payload) === "closed" ? "it is closed" : "its last operation failed";
  return new Error(`Cannot use a stream of a component: ${reason}`, { cause: error });
}
