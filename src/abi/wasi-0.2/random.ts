import { WasiTrap } from "./errors.ts";
import type { Wasi02Context } from "./context.ts";
import type { Wasi02Interface } from "./row.ts";

/** Most bytes that a guest can take at once (a larger list would not fit into one buffer of the host's). */
const mostRandom = 0x4000_0000n;

function bytesOf({ host }: Wasi02Context, length: bigint): Uint8Array {
  if (length > mostRandom) throw new WasiTrap(`a guest asked for ${length} random bytes at once`);
  const bytes = new Uint8Array(Number(length));
  host.random.fill(bytes);
  return bytes;
}

function wordOf(context: Wasi02Context): bigint {
  const bytes = context.scratch(8);
  context.host.random.fill(bytes);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}

/** Randomness of the system, or of the granted seed. */
export const random: Wasi02Interface = {
  rows: {
    "get-random-bytes": { docs: "So many bytes; without a grant the guest ends.", run: bytesOf },
    "get-random-u64": { docs: "A word; without a grant the guest ends.", run: wordOf },
  },
};

/** The same source: what is secure serves those that need less. */
export const insecure: Wasi02Interface = {
  rows: {
    "get-insecure-random-bytes": { docs: "So many bytes, of the same source as the secure ones.", run: bytesOf },
    "get-insecure-random-u64": { docs: "A word, of the same source as the secure ones.", run: wordOf },
  },
};

export const insecureSeed: Wasi02Interface = {
  rows: {
    "insecure-seed": {
      docs: "Two words to seed hash maps with, of the same source as the secure ones.",
      run: (context: Wasi02Context): [bigint, bigint] => [wordOf(context), wordOf(context)],
    },
  },
};
