import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { leakHunter } from "../guests/leak-hunter.ts";
import { median } from "./measure.ts";
import { Load, Soaked, type Standing } from "./soak-load.ts";

/**
 * `npm run soak [-- --requests N --minutes M --connections C --workers W]`: has `sampan serve` answer until one of the two is reached,
 * an instance for each request, with a component that fails where it finds anything of another request. Prints how many failed and
 * how memory went; it fails where any did, or where memory grew by more than 5 % behind the first tenth.
 */
const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "10000000" },
    minutes: { type: "string", default: "30" },
    connections: { type: "string", default: "32" },
    workers: { type: "string", default: String(availableParallelism()) },
  },
});
const [requests, minutes] = [Number(values.requests), Number(values.minutes)];
const mostGrowth = 0.05;
const samples = 40;

const folder = mkdtempSync(join(tmpdir(), "sampan-soak-"));
try {
  const file = join(folder, "hunter.wasm");
  writeFileSync(file, leakHunter());
  const server = await Soaked.start(file, { workers: Number(values.workers) });
  process.exitCode = await soak(server);
  await server.end();
} finally {
  rmSync(folder, { recursive: true });
}

/** How far it is, from 0 to 1. */
function progressOf(asked: number, start: number): number {
  return Math.max(asked / requests, (performance.now() - start) / (minutes * 60_000));
}

async function soak(server: Soaked): Promise<number> {
  const start = performance.now();
  let asked = 0;
  const load = new Load(server.port, () => {
    if (progressOf(asked, start) >= 1) return false;
    asked += 1;
    return true;
  });
  const standings: Standing[] = [];
  console.log("| requests | failed | a second | resident, MB | mappings | descriptors | instances |");
  console.log("|---|---|---|---|---|---|---|");
  let isOver = false;
  const run = load.run(Number(values.connections)).then(() => (isOver = true));
  for (let next = 1; !isOver;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (isOver || progressOf(asked, start) < next / samples) continue;
    next = Math.floor(progressOf(asked, start) * samples) + 1;
    const standing = await server.standing();
    standings.push(standing);
    const { resident, maps, descriptors, instances } = standing;
    const rate = (load.answered / (performance.now() - start)) * 1000;
    const figures = [
      load.answered,
      load.failed,
      Math.round(rate),
      (resident / 1e6).toFixed(1),
      maps,
      descriptors,
      instances,
    ];
    console.log(`| ${figures.join(" | ")} |`);
  }
  await run;
  const warm = standings.slice(Math.ceil(standings.length / 10)).map(({ resident }) => resident);
  const part = Math.ceil(warm.length / 5);
  const growth = median(warm.slice(-part)) / median(warm.slice(0, part)) - 1;
  const isGood = load.failed === 0 && growth <= mostGrowth;
  console.log(
    `\n${load.answered} answered, ${load.failed} failed; resident memory ${(growth * 100).toFixed(1)} % behind warm-up`,
  );
  return isGood ? 0 : 1;
}
