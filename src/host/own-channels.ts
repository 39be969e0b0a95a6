import type { ByteSink, ByteSource } from "../base/index.ts";
import type { StdioName } from "../capabilities/index.ts";

/** Standard streams given by an embedder in place of the process's own. */
export type StdioChannels = {
  readonly stdin?: ByteSource;
  readonly stdout?: ByteSink;
  readonly stderr?: ByteSink;
};

type Channel = { readonly source: ByteSource } | { readonly sink: ByteSink };

/** The channel that is given for a stream, if one is. */
export function channelOf(channels: StdioChannels | undefined, name: StdioName): Channel | undefined {
  if (name === "stdin") return channels?.stdin === undefined ? undefined : { source: channels.stdin };
  const sink = channels?.[name];
  return sink === undefined ? undefined : { sink };
}

/** Standard streams that one instance has for itself: each is closed with the last of the guest's descriptors that has it. */
export class OwnChannels {
  readonly #channels: StdioChannels | undefined;
  readonly #open = new Set<StdioName>();

  constructor(channels: StdioChannels | undefined) {
    this.#channels = channels;
    for (const name of ["stdin", "stdout", "stderr"] as const) if (this.get(name) !== undefined) this.#open.add(name);
  }

  get(name: StdioName): Channel | undefined {
    return channelOf(this.#channels, name);
  }

  /** Says that the guest has the stream no longer. */
  release(name: StdioName): void {
    this.#open.delete(name);
    if (name === "stdin") return this.#channels?.stdin?.cancel();
    const sink = this.#channels?.[name];
    if (![...this.#open].some((other) => this.#channels?.[other] === sink)) sink?.close();
  }
}
