import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { best, type BenchOptions, command, inTurn, type Row, type Skipped, timeCommand } from "./measure.ts";
import { sampan, wasmGuest } from "./tools.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const rounds = 31;

/** What components cost from the start of a process on, their plans and modules in the cache. */
export async function componentStartRows({ jco, programs }: BenchOptions): Promise<(Row | Skipped)[]> {
  return [await commandRow(jco), pythonRow(programs), ...libraryRows()];
}

/** `sampan run` of a C program as a component of WASI 0.2, by the adapter that jco brings, and as the module that it was made of. */
async function commandRow(folder: string | undefined): Promise<Row | Skipped> {
  const what = "sampan run of a C hello as a component, whole command";
  const tool = join(folder ?? "", "node_modules", "@bytecodealliance", "jco", "dist", "jco.js");
  if (folder === undefined) return { what, skipped: "--jco FOLDER names one with @bytecodealliance/jco installed" };
  if (!existsSync(tool)) return { what, skipped: `${folder} has no @bytecodealliance/jco` };
  const work = mkdtempSync(join(tmpdir(), "sampan-bench-start-"));
  try {
    const module = await wasmGuest("hello");
    const component = join(work, "hello.wasm");
    command(process.execPath, [tool, "new", "--wasi-command", module, "-o", component]);
    for (let i = 0; i < 3; i++) waitStill(() => timeCommand(sampan, ["run", component]));
    const [value, floor] = inTurn(
      rounds,
      () => timeCommand(sampan, ["run", component]),
      () => timeCommand(sampan, ["run", module]),
    );
    return { what, unit: "ms", value, floor, floorName: "the module that it was made of", goal: { ratio: 1.15 } };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A file that has just been written is known by its content alone: its times may not show the next change. */
function waitStill(run: () => void): void {
  run();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}

/**
 * A Python program, the 18 MB of componentize-py. The floor is a bare start of Node and what V8 takes to compile the core modules from
 * their bytes, and then to make one instance and run it, in a process that has decoded and planned it and loaded all code
 * (`component-floor.ts`).
 */
function pythonRow(folder: string | undefined): Row | Skipped {
  const what = "sampan run of a Python hello as a component, whole command";
  const file = join(folder ?? "", "python-component.wasm");
  if (folder === undefined || !existsSync(file)) return { what, skipped: "name a folder with it: --programs FOLDER" };
  const floorOf = (): number => {
    const bare = timeCommand(process.execPath, ["-e", "0"]);
    const { stderr } = command(process.execPath, [join(root, "bench", "component-floor.ts"), file]);
    return bare + Number(stderr);
  };
  const [value, floor] = inTurn(9, () => timeCommand(sampan, ["run", file]), floorOf, best);
  return {
    what,
    unit: "ms",
    value,
    floor,
    floorName: "Node's bare start, V8's compile, one instance and run",
    goal: { ratio: 1.5 },
  };
}

/** What a Node program does with a component of 255 KB, in a process that has done nothing before. */
function libraryRows(): Row[] {
  const script = `
    const [start, { instantiate }] = [performance.now(), await import(${JSON.stringify(pathToFileURL(join(root, "dist", "index.mjs")))})];
    const loaded = performance.now();
    const image = await instantiate(${JSON.stringify(join(root, "guests", "image", "image.wasm"))}, { allow: {} });
    try { await image.exports["acme:image/resize"].resize(new Uint8Array(3), { width: 1 }); } catch {}
    console.log(JSON.stringify([performance.now() - loaded, loaded - start]));
    process.exit();`;
  const run = (): readonly [number, number] =>
    JSON.parse(command(process.execPath, ["--input-type=module", "-e", script]).stdout) as [number, number];
  run();
  run();
  const figures = Array.from({ length: 15 }, run);
  const bare = best(Array.from({ length: 5 }, () => timeCommand(process.execPath, ["-e", "0"])));
  const rowOf = (what: string, index: 0 | 1, goal: Row["goal"]): Row => ({
    what,
    unit: "ms",
    value: best(figures.map((each) => each[index])),
    floor: bare,
    floorName: "node26 -e 0",
    goal,
  });
  return [
    rowOf("a component of 255 KB in a Node program: compile, instantiate, first call; not the first process", 0, {
      value: 10,
    }),
    rowOf("import of sampan before that", 1, "none"),
  ];
}
