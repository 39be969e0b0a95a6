import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { HostError } from "../../../base/index.ts";
import { open } from "../file-calls.ts";
import { Bench, type ContractSubject } from "./bench.ts";
import { testDirectories, testNames, testTimes } from "./names.ts";
import { testOpening, testResolving } from "./opening.ts";
import { testPipes, testTransfers } from "./transfers.ts";

/** Runs the tests that each implementation of {@link FileCalls} has to pass. */
export function testFileCalls(subject: ContractSubject): void {
  let root = "";
  let count = 0;
  let bench: Bench;
  const calls = subject.create();
  const it = (name: string, run: () => void) => {
    test(`${subject.label}: ${name}`, run);
  };
  before(() => {
    root = mkdtempSync(join(tmpdir(), "sampan-calls-"));
  });
  beforeEach(() => {
    const host = join(root, String(count++));
    mkdirSync(join(host, "dir/inner"), { recursive: true });
    writeFileSync(join(host, "file"), "content");
    writeFileSync(join(host, "dir/inner/deep"), "deep");
    symlinkSync("file", join(host, "link"));
    symlinkSync("dir", join(host, "dirlink"));
    symlinkSync("../file", join(host, "dir/up"));
    bench = new Bench(calls, host);
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  testOpening(it, () => bench);
  testResolving(it, () => bench, subject);
  testTransfers(it, () => bench, subject);
  testNames(it, () => bench);
  testTimes(it, () => bench, subject);
  testDirectories(it, () => bench);
  testPipes(it, () => bench);
  it("every descriptor opened on the way is closed, whether a call succeeds or fails", () => {
    const attempts = () => {
      for (const name of [
        "dir/inner/deep",
        "dir/inner/../../dir/up",
        "dir/no/no",
        "dir/../..",
        "dirlink/up",
        "dirlink/inner/no",
      ]) {
        try {
          bench.calls.close(bench.open(name, open.read | open.follow));
          bench.statAt(name, "follow");
          bench.calls.unlink(bench.dir, bench.path(`${name}-missing`));
        } catch (error) {
          assert.ok(error instanceof HostError);
        }
      }
    };
    attempts();
    const held = () => (process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0);
    const first = held();
    for (let i = 0; i < 20; i++) attempts();
    assert.equal(held(), first);
  });
}
