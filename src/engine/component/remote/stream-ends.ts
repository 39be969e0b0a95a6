import type { ByteSink, ByteSource } from "../../../base/index.ts";
import { sinkFor, sourceFor } from "../../../host/index.ts";
import type { ComponentWire, StreamData } from "../../pool/component-protocol.ts";

/** Most bytes of one chunk that crosses. */
const chunkSize = 65_536;

type Kept =
  | { readonly kind: "readable"; readonly value: unknown; readonly source: ByteSource }
  | { readonly kind: "writable"; readonly value: unknown; readonly sink: ByteSink };

/**
 * The streams of one component that have one end on this side and one on the other: bytes cross as they are asked for, and the next
 * ones are taken when those have arrived.
 */
export class StreamEnds {
  readonly #wire: ComponentWire;
  readonly #kept = new Map<number, Kept>();
  /** What crossed before crosses as the same. */
  readonly #known = new WeakMap<object, StreamData>();
  #lastId = 0;

  constructor(wire: ComponentWire) {
    this.#wire = wire;
  }

  /** Keeps what a resource of `wasi:io/streams` is made of on this side for the other; undefined for what is nothing of that kind. */
  offer(resource: string, value: unknown): StreamData | undefined {
    const known = typeof value === "object" && value !== null ? this.#known.get(value) : undefined;
    if (known !== undefined) return known;
    const kept = keptFor(resource, value);
    if (kept === undefined) return undefined;
    this.#lastId += 1;
    const data = { stream: this.#lastId, kind: kept.kind };
    this.#kept.set(data.stream, kept);
    if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) this.#known.set(value, data);
    return data;
  }

  /** This side's end of a stream that the other side keeps, or what this side keeps itself. */
  take({ stream, kind, isOwn }: StreamData): unknown {
    if (isOwn === true) return this.#kept.get(stream)?.value;
    const made = kind === "writable" ? this.#writable(stream) : this.#readable(stream);
    this.#known.set(made, { stream, kind, isOwn: true });
    return made;
  }

  /** The next bytes of a stream of this side's, undefined at its end. */
  async pull(stream: number): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(stream);
    if (kept?.kind !== "readable") return undefined;
    const into = new Uint8Array(chunkSize);
    const count = await kept.source.read(into);
    if (count > 0) return count === into.length ? into : into.slice(0, count);
    this.#kept.delete(stream);
    return undefined;
  }

  /** Writes to a stream of this side's; resolves when it has taken all. */
  async push(stream: number, bytes: Uint8Array): Promise<void> {
    const kept = this.#kept.get(stream);
    if (kept?.kind !== "writable") throw new Error("The stream is closed");
    for (let at = 0; at < bytes.length;) {
      const count = await kept.sink.write(bytes.subarray(at));
      if (count === 0) await kept.sink.ready();
      at += count;
    }
  }

  /** Gives up a stream of this side's. */
  cancel(stream: number): void {
    const kept = this.#kept.get(stream);
    this.#kept.delete(stream);
    if (kept?.kind === "readable") kept.source.cancel();
    else kept?.sink.close();
  }

  /** Gives up all. */
  close(): void {
    for (const stream of this.#kept.keys()) this.cancel(stream);
  }

  #readable(stream: number): ReadableStream<Uint8Array> {
    const wire = this.#wire;
    return new ReadableStream(
      {
        async pull(controller) {
          const bytes = (await wire.ask({ what: "pull", stream })) as Uint8Array | undefined;
          if (bytes === undefined) controller.close();
          else controller.enqueue(bytes);
        },
        cancel: () => wire.tell({ what: "cancel", stream }),
      },
      // Nothing is asked for before somebody reads.
      { highWaterMark: 0 },
    );
  }

  #writable(stream: number): WritableStream<Uint8Array> {
    const wire = this.#wire;
    return new WritableStream({
      // The bytes are the guest's memory, which changes while they are on their way.
      write: async (bytes) => void (await wire.ask({ what: "push", stream, bytes: bytes.slice() })),
      close: () => wire.tell({ what: "cancel", stream }),
      abort: () => wire.tell({ what: "cancel", stream }),
    });
  }
}

function keptFor(resource: string, value: unknown): Kept | undefined {
  if (resource === "input-stream") {
    const source = sourceFor(value);
    return source && { kind: "readable", value, source };
  }
  const sink = resource === "output-stream" ? sinkFor(value) : undefined;
  return sink && { kind: "writable", value, sink };
}
