import { greeterComponent } from "../guests/greeter.ts";
import { shopComponent } from "../guests/shop.ts";
import { tellingComponent } from "../guests/small-components.ts";
import { Engine } from "../src/engine/index.ts";
import { decodeComponent } from "../src/wasm/component/index.ts";
import { makePlan } from "../src/component/index.ts";
import {
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  importOf,
  imports,
  moduleOf,
  types,
  u32,
} from "../src/wasm/module-fixture.ts";
import { jcoRows } from "./component-jco.ts";
import { componentStartRows } from "./component-start.ts";
import { fusedRows } from "./fused.ts";
import { type BenchOptions, mean, median, type Row, type Skipped } from "./measure.ts";

interface Greeter {
  addOne(value: number): number;
  callOften(times: number): number;
  greet(name: string): string;
}

const hostCalls = {
  "test:host/calls@1.2.0": {
    add: (a: number, b: number) => a + b,
    log: () => {},
    Thing: class {
      get(): number {
        return 1;
      }
    },
  },
};

/** Calls into and out of a component, fresh instances of it, the plan of a large one, and starts. */
export async function benchComponent(options: BenchOptions): Promise<(Row | Skipped)[]> {
  const bytes = await greeterComponent();
  // Checks cost each host call and each loop the same: what is measured is the crossing.
  await using engine = new Engine({ cache: false, checks: "off" });
  const component = await engine.compileComponent(bytes);
  const instance = await engine.instantiateComponent(component, { imports: hostCalls });
  const greeter = instance.exports as unknown as Greeter;
  return [
    ...callRows(greeter),
    ...(await toldRows(engine)),
    ...fusedRows(),
    await instanceRow(engine, bytes, { modules: "three core modules", goal: "none" }),
    await instanceRow(engine, await shopComponent(), { modules: "one core module of C", goal: { value: 60 } }),
    planRow(bytes),
    ...(await jcoRows(options.jco)),
    ...(await componentStartRows(options)),
  ];
}

function callRows(greeter: Greeter): Row[] {
  const bare = bareCalls();
  const often = 1_000_000;
  const [host, hostFloor] = inTurn(
    () => greeter.callOften(often),
    () => bare(often),
  );
  const many = 100_000;
  const [scalar, scalarFloor] = inTurn(
    () => repeat(many, () => greeter.addOne(1)),
    () => repeat(many, () => bare(1)),
  );
  const [text, textFloor] = inTurn(
    () => repeat(many, () => greeter.greet("twenty bytes of text")),
    () => repeat(many, () => new TextDecoder().decode(new TextEncoder().encode("twenty bytes of text"))),
  );
  return [
    {
      what: "a component's call of a host function, two u32",
      unit: "ns",
      value: (host / often) * 1e6,
      floor: (hostFloor / often) * 1e6,
      floorName: "a plain core import",
      goal: { value: 40 },
    },
    {
      what: "a call of a component's export, a u32, with one host call in it",
      unit: "ns",
      value: (scalar / many) * 1e6,
      floor: (scalarFloor / many) * 1e6,
      floorName: "a plain core export",
      goal: "none",
    },
    {
      what: "a string of 20 bytes in and 26 out, told to the host as well",
      unit: "ns",
      value: (text / many) * 1e6,
      floor: (textFloor / many) * 1e6,
      floorName: "encoding and decoding it",
      goal: "none",
    },
  ];
}

/** What a host function is told: a short text, and bytes that are its own. */
async function toldRows(engine: Engine): Promise<Row[]> {
  const component = await engine.compileComponent(tellingComponent());
  const [text, bytes] = ["twenty bytes of text", new Uint8Array(65_536)];
  const [often, seldom] = [300_000, 2_000];
  let told = 0;
  const calls = {
    text: (each: string) => void (told += each.length),
    bytes: (each: Uint8Array) => void (told += each.length),
  };
  const { exports: guest } = await engine.instantiateComponent(component, { imports: { "test:host/calls": calls } });
  const { tellText, tellBytes } = guest as Readonly<Record<string, (times: number) => void>>;
  const encoded = new TextEncoder().encode(text);
  const [strings, decodings] = inTurn(
    () => tellText?.(often),
    () => repeat(often, () => new TextDecoder().decode(encoded)),
  );
  const [lists, copies] = inTurn(
    () => tellBytes?.(seldom),
    () => repeat(seldom, () => bytes.slice()),
  );
  const expected = often * text.length + seldom * bytes.length;
  if (told === 0 || told % expected !== 0) throw new Error(`The host was told ${told} bytes`);
  return [
    {
      what: "a component's call of a host function, a string of 20 bytes",
      unit: "ns",
      value: (strings / often) * 1e6,
      floor: (decodings / often) * 1e6,
      floorName: "decoding it",
      goal: { value: 250 },
    },
    {
      what: "a component's call of a host function, 64 KiB as list<u8>",
      unit: "ns",
      value: (lists / seldom) * 1e6,
      floor: (copies / seldom) * 1e6,
      floorName: "a plain copy",
      goal: { ratio: 3 },
    },
  ];
}

/** Microseconds of a fresh instance beside the bare core instances that it is made of. */
async function instanceRow(
  engine: Engine,
  bytes: Uint8Array<ArrayBuffer>,
  { modules: made, goal }: { readonly modules: string; readonly goal: Row["goal"] },
): Promise<Row> {
  const component = await engine.compileComponent(bytes);
  const { modules } = component;
  const [ours, floors]: [number[], number[]] = [[], []];
  for (let round = 0; round < 2_000; round++) {
    let start = performance.now();
    await engine.instantiateComponent(component, { imports: hostCalls });
    ours.push((performance.now() - start) * 1e3);
    start = performance.now();
    makeBare(modules.map(({ module }) => module));
    floors.push((performance.now() - start) * 1e3);
    // Collected instances are found in turns of the event loop.
    if (round % 20 === 0) await new Promise(setImmediate);
  }
  return {
    what: `a fresh instance of a component of ${made}, after the first (median)`,
    unit: "µs",
    value: median(ours),
    floor: median(floors),
    floorName: "its core instances alone",
    goal,
  };
}

function makeBare(modules: readonly WebAssembly.Module[]): WebAssembly.Instance[] {
  const memory = new WebAssembly.Memory({ initial: 4 });
  return modules.map((module) => {
    const given: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module))
      (given[from] ??= {})[name] = kind === "memory" ? memory : () => 0;
    return new WebAssembly.Instance(module, given);
  });
}

/** Milliseconds to decode, check and plan a component of 14 MB, nearly all of it one core module of 20,000 functions. */
function planRow(small: Uint8Array<ArrayBuffer>): Row {
  const module = largeModule();
  const large = Buffer.concat([small, Uint8Array.from([1, ...u32(module.length)]), module]);
  const times: number[] = [];
  const floors: number[] = [];
  for (let i = 0; i < 9; i++) {
    let start = performance.now();
    makePlan(decodeComponent(large), "large");
    times.push(performance.now() - start);
    start = performance.now();
    large.slice();
    Buffer.from(large);
    floors.push(performance.now() - start);
  }
  return {
    what: `decode, check and plan of a component of ${(large.length / 1e6).toFixed(1)} MB`,
    unit: "ms",
    value: median(times),
    floor: mean(floors),
    floorName: "a copy of its bytes",
    goal: { value: 15 },
  };
}

function largeModule(): Uint8Array {
  const count = 20_000;
  const body = Array.from({ length: 690 }, () => 0x01);
  const indices = Array.from({ length: count }, (_, index) => index);
  const head = moduleOf(
    types(functionType([], [])),
    functions(...indices.map(() => 0)),
    exports(...indices.slice(0, 1_000).map((index) => exportOf(`function${index}`, 0, index))),
  );
  const one = Uint8Array.from([...u32(body.length + 2), 0, ...body, 0x0b]);
  const content = Buffer.concat([Uint8Array.from(u32(count)), ...indices.map(() => one)]);
  return Buffer.concat([head, Uint8Array.from([10, ...u32(content.length)]), content]);
}

/** `(import "host" "add")` called in a loop by a core module that no component is around. */
function bareCalls(): (times: number) => number {
  const module = moduleOf(
    types(functionType([i32, i32], [i32]), functionType([i32], [i32])),
    imports(importOf("host", "add", [0, 0])),
    functions(1),
    exports(exportOf("call", 0, 1)),
    // loop: sum = add(sum, 1); times -= 1; while times
    [
      10,
      0x1c,
      1,
      0x1a,
      1,
      1,
      i32,
      0x03,
      0x40,
      0x20,
      1,
      0x41,
      1,
      0x10,
      0,
      0x21,
      1,
      0x20,
      0,
      0x41,
      1,
      0x6b,
      0x22,
      0,
      0x0d,
      0,
      0x0b,
      0x20,
      1,
      0x0b,
    ],
  );
  const given = { host: { add: (a: number, b: number) => a + b } };
  const { call } = new WebAssembly.Instance(new WebAssembly.Module(module), given).exports;
  return call as (times: number) => number;
}

function repeat(times: number, run: () => unknown): void {
  for (let i = 0; i < times; i++) run();
}

/** Milliseconds of two things that run in turn, the best of each. */
function inTurn(one: () => unknown, other: () => unknown): [number, number] {
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 8; round++) {
    for (const [at, run] of [one, other].entries()) {
      const start = performance.now();
      run();
      best[at as 0 | 1] = Math.min(best[at as 0 | 1], performance.now() - start);
    }
  }
  return best;
}
