// Sets up what is missing, then runs a file of this repository in Node 26: node setup/run.js FILE [args…]
import { become } from "./become.js";
import { runScript } from "./complaint.js";
import { findNode26, missingNode26 } from "./node26.js";
import { setUp } from "./set-up.js";

await runScript(async () => {
  await setUp();
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined) return;
  const node = await findNode26();
  if (node === undefined) throw missingNode26("npm did not install it", { again: "Run npm ci --include=optional" });
  await become(node, ["--", file, ...args]);
});
