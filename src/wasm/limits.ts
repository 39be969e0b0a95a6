import type { RewrittenBytes } from "./patch.ts";
import { rewrite } from "./rewrite/rewrite.ts";

/**
 * Gives every memory of a core module, its own and imported ones, a maximum of at most `maxPages` pages of 64 KiB each
 * (WebAssembly 3.0, 5.5.5 Import section, 5.5.8 Memory section), so that `memory.grow` past it answers -1. A memory with
 * pages of another size gets as many of those as fit. Where nothing has to change the result holds the same bytes object.
 * The limit holds for each memory, not for their sum.
 *
 * @throws LIMIT_MEMORY where a memory begins with more, WASM_MALFORMED, WASM_FEATURE
 */
export function limitMemory(bytes: Uint8Array<ArrayBuffer>, maxPages: number): RewrittenBytes {
  const { bytes: limited, offsets } = rewrite(bytes, { maxPages });
  return { bytes: limited, originalOffset: (offset) => offsets.original(offset) };
}
