import { command, inMemoryFolder, median, type Row, type Skipped } from "./measure.ts";
import { nativeGuest, sampan, wasmGuest } from "./tools.ts";

const phases = ["write", "read", "stat", "list", "unlink"] as const;
type Phases = Record<(typeof phases)[number], number>;

/** Ratios to native C that are to be reached with node:ffi: the best of each among wasmtime, wazero and node:wasi. */
const goals: Phases = { write: 1.4, read: 1.8, stat: 2.3, list: 8, unlink: 1.1 };
const withoutFfi = 3;
const rounds = 60;
const whole = 9;

/** Small files and one large file, each beside the same C source compiled by gcc. */
export async function benchFiles(): Promise<(Row | Skipped)[]> {
  return [...(await benchSequential()), ...(await benchSmallFiles())];
}

async function benchSequential(): Promise<(Row | Skipped)[]> {
  const native = nativeGuest("bench/sequential");
  const wasm = await wasmGuest("bench/sequential");
  const what = "256 MiB in calls of 64 KiB";
  if (native === undefined) return [{ what, skipped: "there is no gcc for the floor" }];
  return inMemoryFolder((folder) => {
    const run = (file: string, args: string[]): Record<"write" | "read", number> =>
      JSON.parse(command(file, args).stdout);
    const ours: Record<"write" | "read", number>[] = [];
    const floors: Record<"write" | "read", number>[] = [];
    for (let i = 0; i < whole; i++) {
      ours.push(run(sampan, ["run", "-v", `${folder}:.`, wasm]));
      floors.push(run(native, [folder]));
    }
    // The best of each: how fast the system finds 256 MiB of free pages varies fivefold, for native C as well.
    return (["write", "read"] as const).map((phase): Row => {
      const rate = (times: readonly Record<"write" | "read", number>[]): number =>
        256 / Math.min(...times.map((time) => time[phase]));
      const goal = { ratio: 0.9, atLeast: true };
      return {
        what: `${phase} ${what}`,
        unit: "MiB/s",
        value: rate(ours),
        floor: rate(floors),
        floorName: "native C",
        goal,
      };
    });
  });
}

async function benchSmallFiles(): Promise<(Row | Skipped)[]> {
  const native = nativeGuest("bench/small-files");
  const wasm = await wasmGuest("bench/small-files");
  if (native === undefined) return [{ what: "1,000 small files", skipped: "there is no gcc for the floor" }];
  return inMemoryFolder((folder) => {
    const floor = smallFiles(native, [folder, String(rounds)]);
    const args = ["run", "-v", `${folder}:.`, wasm, ".", String(rounds)];
    const rows: Row[] = [];
    for (const [name, env, factor] of [
      ["", undefined, 1],
      [", without node:ffi", { SAMPAN_FFI: "0" }, withoutFfi],
    ] as const) {
      const ours = smallFiles(sampan, args, env);
      for (const phase of phases) {
        const label = phase === "list" ? "list 10 × 1,000 entries" : `${phase} 1,000 small files`;
        const goal = { ratio: goals[phase] * factor };
        const [value, bare] = [ours[phase] / 1e3, floor[phase] / 1e3];
        rows.push({ what: `${label}${name}`, unit: "µs", value, floor: bare, floorName: "native C", goal });
      }
    }
    return rows;
  });
}

/** The median of each phase over the rounds of one run, in nanoseconds. */
function smallFiles(file: string, args: readonly string[], env?: Readonly<Record<string, string>>): Phases {
  const { stdout } = command(file, args, env === undefined ? {} : { env });
  const all = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Phases);
  return Object.fromEntries(phases.map((phase) => [phase, median(all.map((each) => each[phase]))])) as Phases;
}
