import { runWasiTestsuite } from "./wasi-testsuite/suite.ts";

/** `npm run conformance -- SUITE DIR`: runs somebody else's suite from a folder on this machine. */
const suites: Readonly<Record<string, (folder: string) => Promise<boolean>>> = { "wasi-testsuite": runWasiTestsuite };

const [name = "", folder] = process.argv.slice(2);
const suite = suites[name];
if (suite === undefined || folder === undefined) {
  console.error(`usage: npm run conformance -- ${Object.keys(suites).join("|")} DIR`);
  process.exit(2);
}
process.exit((await suite(folder)) ? 0 : 1);
