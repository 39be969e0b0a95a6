// Runs the test files in Node 26: all of them, or those under the paths that are given: node setup/test.js [PATH…]
import { existsSync, readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { become } from "./become.js";
import { Complaint, runScript } from "./complaint.js";
import { findNode26, missingNode26 } from "./node26.js";
import { root } from "./paths.js";

/** Rooms that cannot be without tests. Others are searched too. */
const required = ["src", "setup"];
const notOurs = new Set(["node_modules", "dist"]);

function testFiles(path) {
  return list(path).filter((file) => /\.test\.(ts|js)$/.test(file));
}

/** A run over nothing must not pass. */
function someTestFiles(path) {
  const files = testFiles(path);
  if (files.length === 0) throw new Complaint(`Cannot test "${path}": there is no test file in it`);
  return files;
}

function list(path) {
  if (!existsSync(join(root, path))) return [];
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => (name === "node_modules" ? [] : list(join(path, name))));
}

await runScript(async () => {
  const chosen = process.argv.slice(2);
  const rooms = readdirSync(root).filter((name) => !name.startsWith(".") && !notOurs.has(name));
  const all = () => {
    for (const room of required) someTestFiles(room);
    return rooms.flatMap(testFiles);
  };
  const files = chosen.length > 0 ? chosen.flatMap(someTestFiles) : all();
  const node = await findNode26();
  if (node === undefined) throw missingNode26("it is not set up yet", { again: "Run npm test, which sets it up" });
  process.chdir(root);
  // Node leaves one processor free, which here would be half of them; what is measured is measured against a floor of the same run.
  const concurrency = `--test-concurrency=${availableParallelism()}`;
  await become(node, ["--test", concurrency, "--test-timeout=600000", ...files]);
});
