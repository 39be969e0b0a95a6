import { printable, SampanError } from "../src/base/index.ts";

/** `npm run conformance -- SUITE DIR`: runs somebody else's suite from a folder on this machine. */
const suites: ReadonlyMap<string, (folder: string) => Promise<boolean>> = new Map([
  ["wasi-testsuite", async (folder) => (await import("./wasi-testsuite/suite.ts")).runWasiTestsuite(folder)],
  ["component-model", async (folder) => (await import("./component-model/suite.ts")).runComponentModel(folder)],
]);

const [name = "", folder = ""] = process.argv.slice(2);
const suite = suites.get(name);
if (suite === undefined || folder === "") {
  console.error(`usage: npm run conformance -- ${[...suites.keys()].join("|")} DIR`);
  process.exit(2);
}
try {
  process.exitCode = (await suite(folder)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof SampanError)) throw error;
  console.error(`conformance: ${printable(error.message)}`);
  process.exitCode = 2;
}
