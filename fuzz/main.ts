import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rewrite } from "../src/wasm/index.ts";
import { minimise, type Tried, tryInput } from "./fuzzer.ts";

/** `npm run fuzz [-- --time SECONDS --seed N --count N]`: prints the share that V8 takes and what the oracles find. */
const usage = "usage: npm run fuzz [-- --time SECONDS --seed N --count N]";
const folder = join(import.meta.dirname, "..", ".cache", "fuzz");
const mostFindings = 10;

interface Words {
  readonly seconds: number;
  readonly seed: number;
  readonly count: number;
}

function readWords(words: readonly string[]): Words | undefined {
  try {
    const options = { time: { type: "string" }, seed: { type: "string" }, count: { type: "string" } } as const;
    const { time, seed, count } = parseArgs({ args: [...words], options }).values;
    const read = {
      seconds: Number(time ?? 60),
      seed: Number(seed ?? Date.now() % 1e9),
      count: Number(count ?? Infinity),
    };
    const isGood = read.seconds > 0 && Number.isInteger(read.seed) && read.seed >= 0 && read.count > 0;
    return isGood ? read : undefined;
  } catch {
    return undefined;
  }
}

function keep(tried: Tried): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${tried.seed}.wasm`);
  writeFileSync(path, minimise(tried, rewrite));
  return path;
}

function report(tried: Tried): void {
  const { seed, finding } = tried;
  if (finding === undefined) return;
  console.log(`\nseed ${seed}: ${finding.sort}\n${finding.detail}`);
  console.log(`again: npm run fuzz -- --seed ${seed} --count 1; the module, cut down: ${keep(tried)}`);
}

function main({ seconds, seed, count }: Words): number {
  const end = performance.now() + seconds * 1000;
  let next = performance.now() + 5000;
  const sorts = new Set<string>();
  let [done, accepted, findings] = [0, 0, 0];
  const progress = (): void => {
    const share = ((100 * accepted) / Math.max(done, 1)).toFixed(1);
    console.log(`${done} inputs from seed ${seed}, ${share} % accepted by V8, ${findings} with findings`);
  };
  console.log(`seed ${seed}`);
  while (performance.now() < end && done < count && sorts.size < mostFindings) {
    const tried = tryInput(seed + done, rewrite);
    done += 1;
    accepted += tried.isAccepted ? 1 : 0;
    if (tried.finding !== undefined) {
      findings += 1;
      // One of each sort is enough to work with.
      if (!sorts.has(tried.finding.sort)) report(tried);
      sorts.add(tried.finding.sort);
    }
    if (performance.now() > next) {
      progress();
      next += 5000;
    }
  }
  progress();
  return findings > 0 ? 1 : 0;
}

const words = readWords(process.argv.slice(2));
if (words === undefined) console.error(usage);
process.exitCode = words === undefined ? 2 : main(words);
