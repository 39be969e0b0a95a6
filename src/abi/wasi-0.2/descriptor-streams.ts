import { Buffers, type Descriptor } from "../../host/index.ts";
import type { InputSource } from "./input-stream.ts";
import type { OutputSink } from "./output-stream.ts";
import { DescriptorPollable, type Pollable } from "./pollable.ts";

/** Becomes one piece: all of these bytes. */
export function takeBytes(buffers: Buffers, bytes: Uint8Array): Buffers {
  buffers.reset(bytes);
  buffers.add(0, bytes.length);
  return buffers;
}

/** What is read and written at an open descriptor's own position: a standard stream, a pipe. */
abstract class DescriptorEnd {
  protected readonly descriptor: Descriptor;
  protected readonly buffers = new Buffers();
  readonly #events: "read" | "write";
  #neverWaits: boolean | undefined;

  constructor(descriptor: Descriptor, events: "read" | "write") {
    this.descriptor = descriptor;
    this.#events = events;
  }

  isReady(): boolean {
    // Asking the system costs as much as a small transfer; a file is ready at any time.
    this.#neverWaits ??= this.descriptor.type() === "regular-file";
    return this.#neverWaits || this.descriptor.wait(this.#events, 0);
  }

  wait(ms: number): boolean {
    return this.descriptor.wait(this.#events, ms);
  }

  watch(wake: () => void): true | (() => void) {
    return this.descriptor.watch(this.#events, wake);
  }

  pollable(): Pollable {
    return new DescriptorPollable(this.descriptor, this.#events);
  }
}

/** Reads a descriptor. */
export class DescriptorSource extends DescriptorEnd implements InputSource {
  constructor(descriptor: Descriptor) {
    super(descriptor, "read");
  }

  read(into: Uint8Array): number | Promise<number> {
    return this.descriptor.read(takeBytes(this.buffers, into));
  }
}

/** Writes a descriptor. */
export class DescriptorSink extends DescriptorEnd implements OutputSink {
  constructor(descriptor: Descriptor) {
    super(descriptor, "write");
  }

  write(bytes: Uint8Array): number | Promise<number> {
    return this.descriptor.write(takeBytes(this.buffers, bytes));
  }
}
