import { writeAll } from "../base/index.ts";
import { supervise, supervisedBy } from "../serve/index.ts";

// `sampan serve` alone: the supervisor is small, so that the process which serves begins at once. What it types wrong, that one says.

const args = process.argv.slice(3);
const has = (...words: readonly string[]): boolean => args.some((word) => words.includes(word));

if (has("-h", "--help")) void import("./main.ts");
else if (process.env[supervisedBy] !== undefined || has("--no-supervisor")) void import("./serve-run.ts");
else {
  void supervise({
    args: [...process.execArgv, ...process.argv.slice(1)],
    env: process.env,
    tell: (line) => writeAll(2, `sampan: ${line}\n`),
  }).then((status) => process.exit(status));
}
