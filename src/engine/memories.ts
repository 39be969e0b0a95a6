import { SampanError } from "../base/index.ts";
import type { RewrittenLayout } from "../wasm/index.ts";
import type { ImportedMemory } from "./import-plan.ts";

const pageSize = 65_536;

/** The memories of one instance that are made for it. */
export interface MadeMemories {
  /** Those that a rewritten module imports in place of its own, by the names that it imports them under. */
  readonly own: Readonly<Record<string, WebAssembly.Memory>>;
  /** Those that the module imports itself, in its order. */
  readonly imported: readonly WebAssembly.Memory[];
}

/**
 * Makes the memories that a module imports. `limit` is the most bytes of all of them together, shared out evenly.
 *
 * @throws LIMIT_MEMORY where one begins with more, LIMIT_MEMORIES where the process has no addresses left for one
 */
export function makeMemories(
  { memories }: RewrittenLayout,
  imported: readonly ImportedMemory[],
  limit?: number,
): MadeMemories {
  const count = memories.length + imported.length;
  const most = limit === undefined ? Number.POSITIVE_INFINITY : Math.floor(limit / pageSize / count);
  const make = ({ initial, maximum, shared, is64 }: MemorySize): WebAssembly.Memory => {
    if (initial > most) throw tooSmall(initial, most);
    const ceiling = Math.min(most, maximum ?? Number.POSITIVE_INFINITY);
    return makeMemory({ initial, maximum: Number.isFinite(ceiling) ? ceiling : undefined, shared, is64 });
  };
  const own: Record<string, WebAssembly.Memory> = {};
  for (const size of memories) own[size.name] = make(size);
  return {
    own,
    imported: imported.map(({ type: { min, max, shared, is64 } }) =>
      make({ initial: min, maximum: max, shared, is64 }),
    ),
  };
}

interface MemorySize {
  readonly initial: number;
  readonly maximum?: number | undefined;
  readonly shared: boolean;
  readonly is64: boolean;
}

function makeMemory({ initial, maximum, shared, is64 }: MemorySize): WebAssembly.Memory {
  const pages = (count: number): number | bigint => (is64 ? BigInt(count) : count);
  const descriptor = {
    initial: pages(initial),
    ...(maximum === undefined ? {} : { maximum: pages(maximum) }),
    ...(shared ? { shared } : {}),
    ...(is64 ? { address: "i64" } : {}),
  };
  try {
    // The declarations of TypeScript know no memory with 64-bit addresses.
    return new WebAssembly.Memory(descriptor as WebAssembly.MemoryDescriptor);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new SampanError("LIMIT_MEMORIES", "Cannot have one more memory in this process: it has no addresses left", {
      hint: "run fewer instances at once, or more processes",
      cause,
    });
  }
}

function tooSmall(initial: number, most: number): SampanError {
  const needed = initial * pageSize;
  const allowed = most * pageSize;
  const message = `Cannot run in ${allowed} bytes of memory: the module begins with ${needed}`;
  return new SampanError("LIMIT_MEMORY", message, { hint: "raise it with --memory SIZE", data: { needed, allowed } });
}
