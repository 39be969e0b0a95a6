import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { AttackCase } from "./attack.ts";
import { attackCases } from "./cases/index.ts";
import { abis, type HostSetting, settings } from "./issue.ts";
import { type Outcome, Runner } from "./runner.ts";

const fewestCases = 60;
const hosts = settings();
let parent = "";
let runner: Runner;
let runs = 0;

before(() => {
  // Thousands of small trees are built and removed: in memory where the system offers that.
  parent = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "sampan-attacks-"));
  runner = new Runner(parent);
});

after(async () => {
  await runner.close();
  rmSync(parent, { recursive: true, force: true });
  const implementations = new Set(hosts.map(({ implementation }) => implementation)).size;
  // oxlint-disable-next-line no-console -- the one line that says how much was tried
  console.log(
    `${attackCases.length} attacks × ${implementations} implementations × ${Object.keys(abis).length} ABIs: ${runs} runs`,
  );
});

test("the attack table has enough cases, each with a name of its own", () => {
  assert.ok(attackCases.length >= fewestCases);
  assert.ok(hosts.length > 0);
  assert.equal(new Set(attackCases.map(({ name }) => name)).size, attackCases.length);
});

for (const attack of attackCases.filter(({ from }) => from === "main thread")) testAttack(attack);

describe("attempts that a careless host never comes back from", { concurrency: 3 }, () => {
  for (const attack of attackCases.filter(({ from }) => from !== "main thread")) testAttack(attack);
});

function testAttack(attack: AttackCase): void {
  test(`attack "${attack.name}" gets through the weak host and through no other`, async () => {
    const [weak] = await runner.run(attack, ["weak"]);
    assert.ok(weak?.gotThrough, `The weak host held: ${show(weak)}`);
    const outcomes = await runner.run(
      attack,
      hosts.filter((setting) => isIncluded(attack, setting)),
    );
    for (const outcome of outcomes) {
      runs += 1;
      const where = `${JSON.stringify(outcome.setting)}: ${show(outcome)}`;
      assert.equal(outcome.report.crash, undefined, `It crashed ${where}`);
      assert.equal(outcome.report.hung, false, `It hung ${where}`);
      assert.equal(outcome.gotThrough, false, `It got through ${where}`);
      if (attack.rival !== undefined) assert.ok(outcome.report.flips > 0, `The rival stood still ${where}`);
    }
  });
}

/**
 * Whether an attack is issued in a setting: costly ones through one ABI, and without /proc, where a path stands for an open
 * folder and a rival can be faster, only what is promised.
 */
function isIncluded(attack: AttackCase, { implementation, abi }: HostSetting): boolean {
  if (attack.isCostly === true && abi !== "preview1") return false;
  return attack.needsDescriptors !== true || implementation !== "walk without /proc";
}

function show(outcome: Outcome | undefined): string {
  const report = outcome?.report;
  return report === undefined
    ? "no report"
    : JSON.stringify({
        ...report,
        inodes: report.inodes.length,
        errors: report.errors.slice(0, 8),
        names: report.names.slice(0, 8),
        seen: report.seen.slice(0, 80),
      });
}
