import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { setImmediate as turn } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Engine } from "../src/engine/index.ts";
import { MemorySink } from "../src/host/index.ts";
import { command, median, type Row } from "./measure.ts";
import { wasmGuest } from "./tools.ts";

/** What jco writes with `--instantiation sync`. */
interface Transpiled {
  readonly instantiate: (
    core: (file: string) => WebAssembly.Module,
    imports: object,
  ) => { readonly run: { run(): void } };
}

/** What is used here of `@bytecodealliance/preview2-shim`, jco's own host of WASI 0.2. */
interface Shim {
  readonly cli: { readonly environment: object };
  readonly io: { readonly streams: { readonly OutputStream: { readonly prototype: object } } };
}

interface Instantiation {
  readonly WASIShim: new (parts: object) => { getImportObject(): object };
}

/** Each is done once for each instance. */
type Sides = Readonly<Record<"handedOut" | "handedOutAndRun" | "made" | "theirs" | "theirsAndRun", () => unknown>>;

const what = "a fresh instance of a C hello component, after the first (median)";
const blocks = 12;
const roundsOfBlock = 150;
const hello = "Hello from Sampan\n".length;

/**
 * Fresh instances of a C program as a component of WASI 0.2, as jco makes one: handed out by the engine as `sampan serve` hands them
 * out, made anew, and by jco's output. What is written goes to a sink on both sides.
 */
export async function helloRows(tool: string, work: string): Promise<Row[]> {
  const file = join(work, "hello.wasm");
  command(process.execPath, [tool, "new", "--wasi-command", await wasmGuest("hello"), "-o", file]);
  await using engine = new Engine({ cache: false });
  const ours = await makeOurs(engine, new Uint8Array(readFileSync(file)));
  const theirs = await makeTheirs(tool, file, join(work, "hello"));
  const times = await timeInBlocks({ ...ours.sides, ...theirs.sides });
  if (ours.written() !== blocks * roundsOfBlock * hello || theirs.written() !== ours.written())
    throw new Error(`Not each hello was said: ${ours.written()} and ${theirs.written()} bytes`);
  const beside = (name: string, value: number, floor: number, goal: Row["goal"]): Row => ({
    what: name,
    unit: "µs",
    value,
    floor,
    floorName: "Sampan",
    goal,
  });
  const most = { ratio: 8, atLeast: true };
  return [
    { what, unit: "µs", value: times.handedOut, floor: times.made, floorName: "a new one", goal: { value: 60 } },
    beside(`${what}: jco's output`, times.theirs, times.handedOut, most),
    beside(`${what}, and its hello: jco's output`, times.theirsAndRun, times.handedOutAndRun, most),
    beside("a new instance of a C hello component, nothing put back: jco's output", times.theirs, times.made, "none"),
  ];
}

async function makeOurs(
  engine: Engine,
  bytes: Uint8Array,
): Promise<{ sides: Pick<Sides, "handedOut" | "handedOutAndRun" | "made">; written: () => number }> {
  const stdout = new MemorySink();
  const component = await engine.compileComponent(bytes, { name: "hello" });
  const restored = await engine.compileComponent(bytes, { name: "hello", restore: true });
  const fresh = await engine.freshComponent(restored, { stdio: { stdout } });
  return {
    sides: {
      handedOut: () => fresh.use(() => {}),
      handedOutAndRun: () => fresh.use((instance) => instance.invoke("wasi:cli/run#run")),
      made: () => engine.instantiateComponent(component),
    },
    written: () => stdout.bytes.length,
  };
}

async function makeTheirs(
  tool: string,
  file: string,
  out: string,
): Promise<{ sides: Pick<Sides, "theirs" | "theirsAndRun">; written: () => number }> {
  command(process.execPath, [tool, "transpile", file, "--instantiation", "sync", "--name", "hello", "-o", out]);
  // What jco writes is a module whose package.json it does not write.
  writeFileSync(join(out, "package.json"), '{"type": "module"}');
  const load = async (path: string): Promise<unknown> => import(pathToFileURL(path).href);
  const { resolve } = createRequire(tool);
  const { instantiate } = (await load(join(out, "hello.js"))) as Transpiled;
  const { cli, io } = (await load(resolve("@bytecodealliance/preview2-shim"))) as Shim;
  const { WASIShim } = (await load(resolve("@bytecodealliance/preview2-shim/instantiation"))) as Instantiation;
  let written = 0;
  const take = (bytes: Uint8Array): void => void (written += bytes.length);
  const sink: object = Object.assign(Object.create(io.streams.OutputStream.prototype) as object, {
    checkWrite: () => 65_536n,
    write: take,
    blockingWriteAndFlush: take,
    flush: () => {},
    blockingFlush: () => {},
    [Symbol.dispose]: () => {},
  });
  const modules = new Map<string, WebAssembly.Module>();
  const core = (name: string): WebAssembly.Module => {
    let module = modules.get(name);
    if (module === undefined) modules.set(name, (module = new WebAssembly.Module(readFileSync(join(out, name)))));
    return module;
  };
  // Else it says hello from the arguments of this process.
  const environment = { ...cli.environment, getArguments: () => ["hello"], getEnvironment: () => [] };
  const make = (): ReturnType<typeof instantiate> =>
    instantiate(
      core,
      new WASIShim({ cli: { ...cli, environment, stdout: { getStdout: () => sink } } }).getImportObject(),
    );
  return { sides: { theirs: make, theirsAndRun: () => make().run.run() }, written: () => written };
}

/** The median of each in µs. In blocks, so that no side pays for another's garbage. */
async function timeInBlocks(sides: Sides): Promise<Record<keyof Sides, number>> {
  const times: Record<keyof Sides, number[]> = {
    handedOut: [],
    handedOutAndRun: [],
    made: [],
    theirs: [],
    theirsAndRun: [],
  };
  for (let block = 0; block < blocks; block++) {
    for (const [key, run] of Object.entries(sides) as [keyof Sides, () => unknown][]) {
      for (let round = 0; round < roundsOfBlock; round++) {
        const start = performance.now();
        await run();
        times[key].push((performance.now() - start) * 1e3);
        // Collected instances are found in turns of the event loop.
        if (round % 20 === 0) await turn();
      }
    }
  }
  return {
    handedOut: median(times.handedOut),
    handedOutAndRun: median(times.handedOutAndRun),
    made: median(times.made),
    theirs: median(times.theirs),
    theirsAndRun: median(times.theirsAndRun),
  };
}
