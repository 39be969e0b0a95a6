import { fileURLToPath } from "node:url";
import { Engine } from "../src/index.ts";
import type { IdleReport } from "./idle-process.ts";
import { command, type Row } from "./measure.ts";
import { wasmGuest } from "./tools.ts";

/** `spin`, an endless loop, and `one`, which answers 1. */
const spinModule = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 8, 2, 0x60, 0, 0, 0x60, 0, 1, 0x7f, 3, 3, 2, 0, 1, 7, 14, 2, 4, 0x73, 0x70, 0x69,
  0x6e, 0, 0, 3, 0x6f, 0x6e, 0x65, 0, 1, 10, 14, 2, 7, 0, 3, 0x40, 0x0c, 0, 0x0b, 0x0b, 4, 0, 0x41, 1, 0x0b,
]);
const sliceMs = 1;
const samples = 400;

/** Many guests in one process: how late others are beside busy ones, when a deadline ends one, what idle ones take. */
export async function benchMany(): Promise<Row[]> {
  const engine = new Engine({ cache: false });
  const rows = [await deadline(engine), ...(await fairness(engine))];
  await engine.close();
  return [...rows, ...(await idle())];
}

async function deadline(engine: Engine): Promise<Row> {
  const limit = 100;
  const module = await engine.compile(spinModule);
  const instance = await engine.instantiate(module, { mode: "async", limits: { deadline: limit } });
  const start = performance.now();
  await instance.call("spin").catch(() => instance.close());
  const value = performance.now() - start;
  const what = "a deadline of 100 ms on an endless loop: when it has ended";
  return { what, unit: "ms", value, floor: limit, floorName: "the deadline", goal: { value: 110 } };
}

async function fairness(engine: Engine): Promise<Row[]> {
  const module = await engine.compile(spinModule);
  const neighbour = await engine.instantiate(module, { mode: "async" });
  const [timerAlone, callAlone] = [await timers(), await calls(() => neighbour.call("one"))];
  const busy = await engine.instantiate(module, { mode: "async" });
  const ended = busy.call("spin").catch(() => busy.close());
  const [timerBeside, callBeside] = [await timers(), await calls(() => neighbour.call("one"))];
  busy.kill();
  await ended;
  const row = (what: string, alone: number, value: number): Row => ({
    what: `${what} beside a guest that spins, p99`,
    unit: "ms",
    value,
    floor: alone,
    floorName: "alone",
    goal: { value: alone + 2 * sliceMs },
  });
  return [
    row("a timer of 1 ms", timerAlone, timerBeside),
    row("a neighbour's call, 1 ms after the last,", callAlone, callBeside),
  ];
}

/** The 99th of a hundred. */
function p99(times: number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

async function timers(): Promise<number> {
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const start = performance.now();
    await pause();
    times.push(performance.now() - start);
  }
  return p99(times);
}

async function calls(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    await pause();
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  return p99(times);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

async function idle(): Promise<Row[]> {
  const file = await wasmGuest("bench/echo");
  const program = fileURLToPath(new URL("idle-process.ts", import.meta.url));
  return [10_000, 20_000].map((count): Row => {
    const report = JSON.parse(command(process.execPath, [program, file, String(count)]).stdout) as IdleReport;
    const { made, refused, answering, resident, residentBefore } = report;
    const refusals = Object.entries(refused).map(([code, times]) => `${times} refused with ${code}`);
    const told = [`${made} made`, ...refusals, `${answering} answer`].join(", ");
    const what = `${count} idle instances asked for in one process: ${told}; resident`;
    const goal = count === 10_000 ? ({ value: 600 } as const) : "none";
    return { what, unit: "MB", value: resident / 1e6, floor: residentBefore / 1e6, floorName: "without them", goal };
  });
}
