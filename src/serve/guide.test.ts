import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { capabilityOfFlag } from "../capabilities/index.ts";
import { finish } from "./config/finish.ts";
import { readServeFile } from "./config/read-file.ts";
import {
  cgiSettings,
  clientLimits,
  flagOf,
  serverSettings,
  trustSetting,
  workloadSettings,
} from "./config/settings.ts";

const guide = readFileSync(new URL("../../docs/guides/serve.md", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "serve-guide-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("docs/guides/serve.md shows files that are read", async () => {
  const files = [...guide.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = ""]) => text);
  assert.ok(files.length >= 2);
  for (const text of files) {
    writeFileSync(join(folder, "serve.yaml"), text);
    finish(await readServeFile("serve.yaml", { cwd: folder, lookup: () => undefined }));
  }
});

test("docs/guides/serve.md names flags and keys that there are", () => {
  const tables = [serverSettings, clientLimits, workloadSettings, cgiSettings];
  const settings = [...tables.flatMap((table) => Object.entries(table)), ["trust", trustSetting] as const];
  const own = ["--file", "--route", "--watch", "--json", "--no-supervisor", "--cgi", "--feature"];
  const known = new Set([...own, ...settings.map(([key, setting]) => flagOf(key, setting))]);
  const named = [...guide.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag);
  assert.ok(named.length > 15);
  assert.deepEqual(
    named.filter((flag) => !known.has(flag) && capabilityOfFlag(flag) === undefined),
    [],
  );
});
