import { readFileSync } from "node:fs";
import { compileGuest as compileSources, ownGuest } from "../guests/toolchain.ts";
import { defaultGrants } from "../src/capabilities/index.ts";
import {
  compileGuest,
  type FreshMechanism,
  FreshInstances,
  type GuestModule,
  ReusableGuest,
} from "../src/engine/index.ts";
import { HostWorkload } from "../src/host/index.ts";
import { command, mean, median, type Row, type Skipped } from "./measure.ts";

/** A guest by its memory, and what each request writes; sizes are in pages of 4 KiB. */
interface Sizes {
  readonly name: string;
  readonly pages: number;
  readonly filled: number;
  readonly runs: number;
  readonly run: number;
  /** Most µs to put one back, and how many times faster that has to be than a new one; without it, the figure is only told. */
  readonly goal?: { readonly value: number; readonly times: number };
  readonly flags?: readonly string[];
}

const sizes: readonly Sizes[] = [
  { name: "320 KiB", pages: 56, filled: 16, runs: 2, run: 4, goal: { value: 5, times: 5 } },
  { name: "1.1 MiB", pages: 252, filled: 64, runs: 2, run: 8, goal: { value: 8, times: 5 } },
  { name: "1.1 MiB, pages read first", pages: 252, filled: 64, runs: 2, run: 8, flags: ["-DREADS"] },
  {
    name: "30 MiB, 1 MiB of it written",
    pages: 7_600,
    filled: 2_048,
    runs: 8,
    run: 32,
    goal: { value: 60, times: 10 },
  },
];
const batches = 30;
/** As many requests as there are between two of those whose pages are looked at: their cost is part of each batch. */
const batch = 1_024;
const flag = "--expose-internals";

/**
 * What it costs to put an instance back, with the page faults that this causes in the request after it: requests with that
 * less the same requests without, in turn. Each request writes the usual pages and two others, each time other ones.
 */
export async function benchFreshState(): Promise<(Row | Skipped)[]> {
  // The launcher starts Sampan with this flag, which makes native calls quicker.
  if (!process.execArgv.includes(flag)) {
    return JSON.parse(command(process.execPath, [flag, import.meta.filename]).stdout) as (Row | Skipped)[];
  }
  const rows: (Row | Skipped)[] = [];
  for (const size of sizes) rows.push(...(await benchSize(size)));
  return rows;
}

async function benchSize(size: Sizes): Promise<(Row | Skipped)[]> {
  const module = await compileSize(size);
  const workload = new HostWorkload(defaultGrants);
  const make = (): ReusableGuest =>
    new ReusableGuest(module, { createHost: () => workload.createInstance(), args: ["guest"] });
  const poolOf = (mechanism: FreshMechanism | "auto"): FreshInstances<ReusableGuest> =>
    new FreshInstances({ layout: module.layout, make, mechanism });
  const fresh = poolOf("new");
  const still = await fresh.acquire();
  const plain = handleOf(still);
  const floor = mean(await timeNew(fresh, size));
  const floorName = "a new one, mean";
  const auto = poolOf("auto");
  const cost = await timeReset(auto, plain, size);
  const what = `put back ${size.name}, auto: ${auto.mechanism}`;
  const { goal } = size;
  const row: Row = { what, unit: "µs", value: cost, floor, floorName, goal: goal ?? "none" };
  const rows: (Row | Skipped)[] = [row];
  if (goal !== undefined) {
    const ratio = { ratio: goal.times, atLeast: true };
    const whatNew = `a new one of ${size.name} (mean)`;
    rows.push({ what: whatNew, unit: "µs", value: floor, floor: cost, floorName: "put back", goal: ratio });
  }
  for (const mechanism of ["copy", "copy-on-write"] as const) {
    // Copied whole, 30 MiB take milliseconds.
    if (mechanism === auto.mechanism || size.pages > 1_000) continue;
    const told = `put back ${size.name}, ${mechanism}`;
    const pool = tryPool(() => poolOf(mechanism));
    if (pool === undefined) rows.push({ what: told, skipped: "this system has no native calls" });
    else rows.push({ ...row, what: told, value: await timeReset(pool, plain, size), goal: "none" });
    pool?.close();
  }
  auto.close();
  fresh.release(still);
  fresh.close();
  workload.close();
  return rows;
}

async function compileSize({ pages, filled, runs, run, flags = [] }: Sizes): Promise<GuestModule> {
  const { sources, args = [] } = ownGuest("fresh-state");
  const sizeFlags = [`-DPAGES=${pages}`, `-DFILLED=${filled}`, `-DRUNS=${runs}`, `-DRUN=${run}`];
  const path = await compileSources({ sources, args: [...args, ...sizeFlags, ...flags] });
  return compileGuest(readFileSync(path), { restore: true });
}

function tryPool(make: () => FreshInstances<ReusableGuest>): FreshInstances<ReusableGuest> | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

type Handle = (first: number, second: number) => number;

function handleOf(guest: ReusableGuest): Handle {
  return guest.guest.exports["handle"] as Handle;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e3;

/** Pages that are not usual, a step that hits all of them in turn. */
const unusual = (i: number, { pages }: Sizes): readonly [number, number] => [(i * 37) % pages, (i * 61 + 11) % pages];

async function timeReset(pool: FreshInstances<ReusableGuest>, plain: Handle, size: Sizes): Promise<number> {
  pool.release(await pool.acquire());
  const costs: number[] = [];
  let i = 0;
  for (let round = 0; round < batches; round++) {
    const start = now();
    for (let count = 0; count < batch; count++) {
      const guest = pool.acquireNow();
      if (guest === undefined) throw new Error("No instance is ready");
      const [first, second] = unusual(i++, size);
      handleOf(guest)(first, second);
      pool.release(guest);
    }
    const middle = now();
    for (let count = 0; count < batch; count++) {
      const [first, second] = unusual(i++, size);
      plain(first, second);
    }
    costs.push((middle - start - (now() - middle)) / batch);
  }
  return median(costs.slice(5));
}

/** Means of batches: collecting memories is part of what a new instance costs, and it comes in bursts. */
async function timeNew(pool: FreshInstances<ReusableGuest>, size: Sizes): Promise<number[]> {
  const batch = size.pages > 1_000 ? 10 : 100;
  const costs: number[] = [];
  for (let round = 0; round < batches; round++) {
    const start = now();
    for (let i = 0; i < batch; i++) {
      const guest = await pool.acquire();
      const [first, second] = unusual(i, size);
      handleOf(guest)(first, second);
      pool.release(guest);
    }
    costs.push((now() - start) / batch);
  }
  return costs.slice(5);
}

if (import.meta.main) process.stdout.write(JSON.stringify(await benchFreshState()));
