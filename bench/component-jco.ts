import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { greeterComponent } from "../guests/greeter.ts";
import { shopComponent } from "../guests/shop.ts";
import { Engine } from "../src/engine/index.ts";
import { helloRows } from "./component-hello.ts";
import type { Row, Skipped } from "./measure.ts";

interface Greeter {
  addOne(value: number): number;
  greet(name: string): string;
}
interface Shop {
  readonly orders: {
    total(lines: readonly { name: string; count: number; price: number | undefined }[]): number;
  };
}

/** One component as it is called on one side. */
interface Side<T> {
  readonly exports: T;
}

/** What jco writes with `--instantiation`. */
interface Transpiled<T> {
  instantiate(core: (file: string) => Promise<WebAssembly.Module>, imports: object): Promise<T>;
}

const what = "components beside jco's output";
const hostCalls = {
  add: (a: number, b: number) => a + b,
  log: () => {},
  Thing: class {
    get(): number {
      return 1;
    }
  },
};

/** The same components through the output of a jco that stands in a folder's node_modules. */
export async function jcoRows(folder: string | undefined): Promise<(Row | Skipped)[]> {
  const tool = join(folder ?? "", "node_modules", "@bytecodealliance", "jco", "dist", "jco.js");
  if (folder === undefined) return [{ what, skipped: "--jco FOLDER names one with @bytecodealliance/jco installed" }];
  if (!existsSync(tool)) return [{ what, skipped: `${folder} has no @bytecodealliance/jco` }];
  const work = mkdtempSync(join(tmpdir(), "sampan-bench-jco-"));
  await using engine = new Engine({ cache: false, checks: "off" });
  try {
    const make = async <T>(name: string, bytes: Uint8Array, imports: object): Promise<[Side<T>, Side<T>]> => {
      const transpiled = await transpile<T>(tool, work, { name, bytes });
      const component = await engine.compileComponent(bytes);
      const options = { imports: imports as Record<string, unknown> };
      const ours = await engine.instantiateComponent(component, options);
      return [{ exports: ours.exports as unknown as T }, { exports: await transpiled(imports) }];
    };
    const imports = { "test:host/calls": hostCalls };
    const [greeter, theirGreeter] = await make<Greeter>("greeter", await greeterComponent(), imports);
    const [shop, theirShop] = await make<Shop>("shop", await shopComponent(), {});
    const lines = Array.from({ length: 3 }, (_, count) => ({ name: "tea", count, price: 3.5 }));
    return [
      callRow("an export's call, a u32", [greeter, theirGreeter], (each) => each.addOne(1)),
      callRow("an export's call, strings of 20 and 26 bytes", [greeter, theirGreeter], (each) =>
        each.greet("twenty bytes of text"),
      ),
      callRow("an export's call, three records", [shop, theirShop], (each) => each.orders.total(lines)),
      ...(await helloRows(tool, work)),
    ];
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function transpile<T>(
  tool: string,
  work: string,
  { name, bytes }: { readonly name: string; readonly bytes: Uint8Array },
): Promise<(imports: object) => Promise<T>> {
  const [file, out] = [join(work, `${name}.wasm`), join(work, name)];
  writeFileSync(file, bytes);
  const args = [tool, "transpile", file, "--instantiation", "async", "--name", name, "-o", out];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`jco could not transpile ${name}: ${stderr}`);
  // What jco writes is a module whose package.json it does not write.
  writeFileSync(join(out, "package.json"), '{"type": "module"}');
  const made = (await import(pathToFileURL(join(out, `${name}.js`)).href)) as Transpiled<T>;
  const modules = new Map<string, Promise<WebAssembly.Module>>();
  const core = (each: string): Promise<WebAssembly.Module> => {
    let module = modules.get(each);
    if (module === undefined) modules.set(each, (module = WebAssembly.compile(readFileSync(join(out, each)))));
    return module;
  };
  return (imports) => made.instantiate(core, imports);
}

/** Nanoseconds of a call on both sides, in turn, the best of each. */
function callRow<T>(name: string, [ours, theirs]: readonly [Side<T>, Side<T>], run: (exports: T) => unknown): Row {
  const times = { ours: Number.POSITIVE_INFINITY, theirs: Number.POSITIVE_INFINITY };
  for (let round = 0; round < 8; round++) {
    for (const [key, side, count] of [
      ["ours", ours, 50_000],
      ["theirs", theirs, 5_000],
    ] as const) {
      const start = performance.now();
      for (let i = 0; i < count; i++) run(side.exports);
      times[key] = Math.min(times[key], ((performance.now() - start) / count) * 1e6);
    }
  }
  return rowOf(name, times);
}

/** jco's figure above Sampan's own, which is to be so many times less. */
function rowOf(name: string, { ours, theirs }: { ours: number; theirs: number }): Row {
  return {
    what: `${name}: jco's output`,
    unit: "ns",
    value: theirs,
    floor: ours,
    floorName: "Sampan",
    goal: { ratio: 5, atLeast: true },
  };
}
