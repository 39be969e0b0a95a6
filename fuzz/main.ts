import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rewrite } from "../src/wasm/index.ts";
import { tryValues } from "./component-values.ts";
import { tryAdapter } from "./adapters.ts";
import { tryComponent } from "./components.ts";
import { minimise, type Tried, tryInput } from "./fuzzer.ts";
import type { Finding } from "./oracle.ts";
import { tryWit } from "./wit.ts";

/** `npm run fuzz`: prints the share of inputs that is accepted and what the oracles find. */
const usage = "usage: npm run fuzz [-- --target NAME --time SECONDS --seed N --count N]";
const folder = join(import.meta.dirname, "..", ".cache", "fuzz");
const mostFindings = 10;

/** What came of one input, and how to get the bytes that show it. */
interface Outcome {
  readonly isAccepted: boolean;
  readonly finding: Finding | undefined;
  readonly bytes: () => Uint8Array;
}

interface Target {
  /** Who decides which inputs count as accepted. */
  readonly judge: string;
  readonly run: (seed: number) => Outcome;
}

/** What can be fuzzed, by the name that `--target` takes; the first is meant where none is given. */
const targets: Readonly<Record<string, Target>> = {
  rewriter: {
    judge: "V8",
    run: (seed) => {
      const tried: Tried = tryInput(seed, rewrite);
      return { ...tried, bytes: () => minimise(tried, rewrite) };
    },
  },
  components: {
    judge: "the decoder",
    run: (seed) => {
      const tried = tryComponent(seed);
      return { ...tried, bytes: () => tried.bytes };
    },
  },
  values: {
    judge: "the canonical ABI",
    run: (seed) => {
      const tried = tryValues(seed);
      return { ...tried, bytes: () => tried.bytes };
    },
  },
  adapters: {
    judge: "the adapters",
    run: (seed) => {
      const tried = tryAdapter(seed);
      return { ...tried, bytes: () => new TextEncoder().encode(tried.text) };
    },
  },
  wit: {
    judge: "the readers of WIT",
    run: (seed) => {
      const tried = tryWit(seed);
      return { ...tried, bytes: () => new TextEncoder().encode(tried.sources.map(({ text }) => text).join("\n")) };
    },
  },
};

interface Words {
  readonly name: string;
  readonly target: Target;
  readonly seconds: number;
  readonly seed: number;
  readonly count: number;
}

function readWords(words: readonly string[]): Words | undefined {
  try {
    const text = { type: "string" } as const;
    const options = { target: text, time: text, seed: text, count: text };
    const { target: name = "rewriter", time, seed, count } = parseArgs({ args: [...words], options }).values;
    const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
    if (target === undefined) return undefined;
    const read = {
      name,
      target,
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

function keep(seed: number, outcome: Outcome): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${seed}.wasm`);
  writeFileSync(path, outcome.bytes());
  return path;
}

function report(name: string, seed: number, outcome: Outcome): void {
  if (outcome.finding === undefined) return;
  console.log(`\nseed ${seed}: ${outcome.finding.sort}\n${outcome.finding.detail}`);
  const again = `npm run fuzz -- --target ${name} --seed ${seed} --count 1`;
  console.log(`again: ${again}; the bytes, cut down: ${keep(seed, outcome)}`);
}

function main({ name, target, seconds, seed, count }: Words): number {
  const end = performance.now() + seconds * 1000;
  let next = performance.now() + 5000;
  const sorts = new Set<string>();
  let [done, accepted, findings] = [0, 0, 0];
  const progress = (): void => {
    const share = ((100 * accepted) / Math.max(done, 1)).toFixed(1);
    console.log(`${done} inputs from seed ${seed}, ${share} % accepted by ${target.judge}, ${findings} with findings`);
  };
  console.log(`seed ${seed}`);
  while (performance.now() < end && done < count && sorts.size < mostFindings) {
    const at = seed + done;
    const tried = target.run(at);
    done += 1;
    accepted += tried.isAccepted ? 1 : 0;
    if (tried.finding !== undefined) {
      findings += 1;
      // One of each sort is enough to work with.
      if (!sorts.has(tried.finding.sort)) report(name, at, tried);
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
