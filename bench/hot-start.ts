import { existsSync } from "node:fs";
import { join } from "node:path";
import { best, type BenchOptions, inTurn, type Row, type Skipped, timeCommand } from "./measure.ts";
import { sampan } from "./tools.ts";

const rounds = 15;

/** Programs by the names of their files, and what makes each start, print one line and end. */
const programs: readonly (readonly [file: string, args: readonly string[]])[] = [
  ["hello-go.wasm", []],
  ["ruby.wasm", ["-e", "puts 1"]],
  ["python.wasm", ["-c", "print(1)"]],
];

/** What finding and optimising hot functions costs whole starts of large programs, caches warm. */
export async function benchHotStart({ programs: folder }: BenchOptions): Promise<(Row | Skipped)[]> {
  return programs.map(([file, args]) => {
    const what = `whole start of ${file}, hot loops`;
    const path = folder === undefined ? undefined : join(folder, file);
    if (path === undefined || !existsSync(path)) return { what, skipped: `name a folder with it: --programs FOLDER` };
    const start = (choice: string) => () => timeCommand(sampan, ["run", "--hot-loops", choice, path, ...args]);
    const [value, floor] = inTurn(rounds, start("on"), start("off"), best);
    return { what, unit: "ms", value, floor, floorName: "without", goal: { ratio: 1.1 } };
  });
}
