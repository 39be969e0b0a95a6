import { coreMark, type CpuGuest, cpuGuests, emptyLoop } from "./cpu-guests.ts";
import { best, type BenchOptions, command, type Row, type Skipped, timeCommand } from "./measure.ts";
import { sampan } from "./tools.ts";
import { findWasmtime, type Wasmtime } from "./wasmtime.ts";

const rounds = 5;

/** Milliseconds of one program by each way to run it, the best of runs in turn; a way that is not there is left out. */
interface Times {
  readonly on: number;
  readonly off: number;
  readonly native?: number;
  readonly wasmtime?: number;
}

type Way = keyof Times;

/** What checks cost programs that compute, and how they compare with native code and with wasmtime; whole commands. */
export async function benchCpu({ coremark }: BenchOptions): Promise<(Row | Skipped)[]> {
  const guests = await cpuGuests();
  if (coremark !== undefined) guests.push(await coreMark(coremark));
  const wasmtime = findWasmtime();
  const rows: (Row | Skipped)[] = [];
  const all: Times[] = [];
  for (const guest of guests) {
    const times = measure(guest, wasmtime);
    all.push(times);
    rows.push(checksRow(guest, times, 1.08), ...others(guest, times, wasmtime));
  }
  if (coremark === undefined)
    rows.push({ what: "CoreMark", skipped: "name a copy of its repository: --coremark FOLDER" });
  const tightest = await emptyLoop();
  rows.push(checksRow(tightest, measure({ ...tightest, native: undefined }, undefined), 1.25));
  rows.push(meanRow(all, "native", { floorName: "gcc -O2", ratio: 1.15 }));
  rows.push(meanRow(all, "wasmtime", { floorName: wasmtime?.name ?? "wasmtime", ratio: 1 }));
  return rows;
}

function measure(guest: CpuGuest, wasmtime: Wasmtime | undefined): Times {
  const { wasm, native, args } = guest;
  const printed = new Set<string>();
  const ways: readonly (readonly [Way, () => number])[] = [
    ["on", () => timeSampan(["--checks", "on", wasm, ...args])],
    ["off", () => timeSampan(["--checks", "off", wasm, ...args])],
    ...(native === undefined ? [] : [["native", () => timeCommand(native, args)] as const]),
    ...(wasmtime === undefined ? [] : [["wasmtime", wasmtime.prepare(wasm, args)] as const]),
  ];
  if (native !== undefined && args.length === 0) {
    printed.add(command(native, args).stdout).add(command(sampan, ["run", wasm]).stdout);
    if (printed.size > 1) throw new Error(`${guest.name} printed ${[...printed].join(" and ")}`);
  }
  const taken = ways.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, [, run]] of ways.entries()) taken[index]?.push(run());
  }
  return Object.fromEntries(ways.map(([way], index) => [way, best(taken[index] ?? [])])) as unknown as Times;
}

function timeSampan(line: readonly string[]): number {
  return timeCommand(sampan, ["run", ...line]);
}

function checksRow({ name }: CpuGuest, { on, off }: Times, ratio: number): Row {
  return { what: `${name}: checks`, unit: "ms", value: on, floor: off, floorName: "without", goal: { ratio } };
}

/** What one program alone takes is told, without a ratio to reach. */
function others({ name }: CpuGuest, times: Times, wasmtime: Wasmtime | undefined): Row[] {
  const floors = [
    [times.native, "gcc -O2"],
    [times.wasmtime, wasmtime?.name ?? ""],
  ] as const;
  return floors.flatMap(([floor, floorName]) =>
    floor === undefined ? [] : [{ what: name, unit: "ms", value: times.on, floor, floorName, goal: "none" } as const],
  );
}

function meanRow(
  all: readonly Times[],
  way: "native" | "wasmtime",
  to: { floorName: string; ratio: number },
): Row | Skipped {
  const what = `all of them, checks on, geometric mean`;
  const floors = all.flatMap((times) => times[way] ?? []);
  if (floors.length < all.length) return { what, skipped: `there is no ${to.floorName}` };
  const value = geometricMean(all.map(({ on }) => on));
  return { what, unit: "ms", value, floor: geometricMean(floors), floorName: to.floorName, goal: { ratio: to.ratio } };
}

function geometricMean(numbers: readonly number[]): number {
  return Math.exp(numbers.reduce((sum, each) => sum + Math.log(each), 0) / numbers.length);
}
