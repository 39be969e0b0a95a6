// What V8 alone takes for a command component: prints the ms to compile its core modules from their bytes and to make and run one
// instance of it, everything else done before.
import { readFileSync } from "node:fs";
import process from "node:process";
import { makePlan } from "../src/component/index.ts";
import { compileComponent } from "../src/engine/component/component-module.ts";
import { Engine } from "../src/engine/index.ts";
import { decodeComponent } from "../src/wasm/component/index.ts";

const bytes = new Uint8Array(readFileSync(process.argv[2] ?? ""));
const plan = makePlan(decodeComponent(bytes), "floor");
await using engine = new Engine({ cache: false, checks: "off" });
let start = performance.now();
const compiled = plan.modules.map((module) => new WebAssembly.Module(module.bytes as Uint8Array<ArrayBuffer>));
let taken = performance.now() - start;
// V8 finds these modules again by their bytes: compiling them is not counted twice.
const component = compileComponent(bytes, { name: "floor" });
if (component.modules.length !== compiled.length) throw new Error("A component is not compiled module by module");
// Loads what instances are made with.
await engine.instantiateComponent(compileComponent(emptyComponent()));
start = performance.now();
const instance = await engine.instantiateComponent(component, { args: ["floor"] });
await instance.invoke(instance.functions.find((name) => name.startsWith("wasi:cli/run")) ?? "");
taken += performance.now() - start;
process.stderr.write(String(taken));
process.exit();

function emptyComponent(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
}
