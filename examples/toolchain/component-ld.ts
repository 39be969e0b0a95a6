/**
 * Stands in for `wasm-component-ld` where Debian's Rust compiles for `wasm32-wasip2`: links by wasm-ld, and has jco make the component.
 * rustc starts it with wasm-ld's own arguments.
 *
 *   WASM_LD=/path/to/wasm-ld node examples/toolchain/component-ld.ts -flavor wasm … -o OUT
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { javaScriptTools } from "./packages.ts";

const args = process.argv.slice(2);
const outAt = args.indexOf("-o") + 1;
const out = args[outAt];
const flavor = args.indexOf("-flavor");
if (outAt === 0 || out === undefined) throw new Error("Cannot link without -o");
const core = `${out}.core`;
args[outAt] = core;
if (flavor >= 0) args.splice(flavor, 2);

const { jco, adapters } = await javaScriptTools({ progress: () => {}, isAllowed: false });
const adapter = args.some((word) => word.endsWith("crt1-command.o")) ? adapters.command : adapters.reactor;
execFileSync(process.env["WASM_LD"] ?? "wasm-ld", args, { stdio: "inherit" });
const line = [jco, "new", core, "--adapt", `wasi_snapshot_preview1=${adapter}`, "-o", out];
execFileSync(process.execPath, line, { stdio: ["ignore", "ignore", "inherit"] });
rmSync(core);
