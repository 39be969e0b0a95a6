/**
 * Stands in for a `clang` with a sysroot for WASI, as far as a Makefile of one source needs it: npm's `@yowasp/clang`, run by Sampan.
 *
 *   node examples/toolchain/clang.ts --target=wasm32-wasi -O2 -o OUT SOURCE.c
 */
import { compileGuest } from "../../guests/toolchain.ts";

const words = process.argv.slice(2);
const outAt = words.indexOf("-o");
const out = words[outAt + 1];
if (outAt < 0 || out === undefined) throw new Error("Cannot compile without -o");
words.splice(outAt, 2);
const sources = words.filter((word) => word.endsWith(".c"));
const args = words.filter((word) => !sources.includes(word) && word !== "--target=wasm32-wasi");
await compileGuest({ sources, args, out });
