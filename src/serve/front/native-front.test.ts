import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const flag = "--expose-internals";
const canHave = process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");

const here = import.meta.dirname;

function run(...args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, SAMPAN_TEST_NATIVE: "1" };
  return spawnSync(process.execPath, [flag, "--test", "--test-reporter=tap", ...args], { encoding: "utf8", env });
}

test(
  "makeNativeFront() passes what every front passes, in a Node that shows its parser",
  { skip: !canHave, timeout: 120_000 },
  () => {
    const files = ["front.test.ts", "front-bodies.test.ts", "malformed/malformed.test.ts", "worker.test.ts"];
    const { status, stdout } = run(...files.map((file) => join(here, file)));
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^ +# Subtest: is a front of our own$/m);
    assert.match(stdout, /^# Subtest: makeNativeFront\(\) against malformed messages$/m);
  },
);

test(
  "a worker with native sockets that is terminated leaves no listener behind",
  { skip: !canHave, timeout: 120_000 },
  () => {
    const { status, stdout } = run(
      "--test-name-pattern=that is terminated",
      join(here, "..", "control", "harm.test.ts"),
    );
    assert.equal(status, 0, stdout);
    assert.match(stdout, /^# pass 1$/m);
  },
);
