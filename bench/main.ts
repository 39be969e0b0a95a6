import { parseArgs } from "node:util";
import { benchCache } from "./cache.ts";
import { benchCalls } from "./calls.ts";
import { benchComponent } from "./component.ts";
import { benchCompose } from "./compose.ts";
import { benchCpu } from "./cpu.ts";
import { benchFiles } from "./files.ts";
import { benchFreshComponent } from "./fresh-component.ts";
import { benchFreshState } from "./fresh-state.ts";
import { benchHotStart } from "./hot-start.ts";
import { benchInstance } from "./instance.ts";
import { benchMany } from "./many.ts";
import type { BenchOptions, Row, Skipped } from "./measure.ts";
import { benchNetwork } from "./network.ts";
import { benchServe } from "./serve.ts";
import { benchStart } from "./start.ts";

/**
 * `npm run bench [-- [--coremark FOLDER] [--programs FOLDER] [--jco FOLDER] [--oha PATH] NAME…]`: prints figures beside their floors of the same run; it
 * judges nothing but the ratios.
 */
const benches: Readonly<Record<string, (options: BenchOptions) => Promise<(Row | Skipped)[]>>> = {
  start: benchStart,
  instance: benchInstance,
  calls: benchCalls,
  files: benchFiles,
  many: benchMany,
  network: benchNetwork,
  cache: benchCache,
  "fresh-state": benchFreshState,
  "fresh-component": benchFreshComponent,
  cpu: benchCpu,
  "hot-start": benchHotStart,
  component: benchComponent,
  compose: benchCompose,
  serve: benchServe,
};

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    coremark: { type: "string" },
    programs: { type: "string" },
    jco: { type: "string" },
    oha: { type: "string" },
  },
});
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`Cannot measure "${unknown.join(" ")}": there are ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}
console.log("| what | ours | floor | ratio | to reach | |\n|---|---|---|---|---|---|");
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const row of await bench(options)) console.log(lineOf(row));
}

function lineOf(row: Row | Skipped): string {
  if ("skipped" in row) return `| ${row.what} | | | | | skipped: ${row.skipped} |`;
  const { what, unit, value, floor, floorName, goal } = row;
  const ratio = value / floor;
  const floorText = `${floor.toPrecision(3)} (${floorName})`;
  const figures = `| ${what} | ${value.toPrecision(3)} ${unit} | ${floorText} | ${ratio.toFixed(2)} |`;
  if (goal === "none") return `${figures} | |`;
  const isAbsolute = "value" in goal;
  const atLeast = !isAbsolute && goal.atLeast === true;
  const reached = isAbsolute ? value <= goal.value : atLeast ? ratio >= goal.ratio : ratio <= goal.ratio;
  const target = isAbsolute
    ? `≤ ${Number(goal.value.toPrecision(3))} ${unit}`
    : `${atLeast ? "≥" : "≤"} ${Number(goal.ratio.toFixed(2))} ×`;
  return `${figures} ${target} | ${reached ? "reached" : "missed"} |`;
}
