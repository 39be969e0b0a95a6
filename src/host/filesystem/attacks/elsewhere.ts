import { closeSync, existsSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { open } from "../file-calls.ts";
import { attackCases } from "./cases/index.ts";
import { issue, makeTarget } from "./issue.ts";
import type { BlockJob, IssueJob, Job, JobMessage, RivalJob } from "./jobs.ts";
import { World } from "./world.ts";

// What another thread or another process runs: it issues attacks, blocks as a guest, or changes the tree as a rival.

function tell(message: JobMessage): void {
  if (parentPort === null) process.send?.(message);
  else parentPort.postMessage(message);
}

async function runJob(job: Job): Promise<void> {
  if (job.task === "issue") await issueAll(job);
  else if (job.task === "block") block(job);
  else rename(job);
}

async function issueAll({ attack: name, runs }: IssueJob): Promise<void> {
  const attack = attackCases.find((one) => one.name === name);
  if (attack === undefined) throw new TypeError(`No attack is named "${name}"`);
  for (const { base, setting } of runs) {
    tell({ kind: "issued" });
    tell({ kind: "report", report: await issue(attack, setting, new World(base)) });
  }
}

function block({ base, setting }: BlockJob): void {
  const target = makeTarget({ name: "", from: "worker", attempt: () => {} }, setting, new World(base));
  const fd = target.open(target.folder, "fifo", open.read | open.write);
  tell({ kind: "blocked" });
  target.read(fd, 1);
}

function rename({ base, renames }: RivalJob): void {
  const counter = openSync(join(base, "flips"), "a");
  tell({ kind: "started" });
  while (!existsSync(join(base, "stop"))) {
    for (const [from, to] of renames) {
      try {
        renameSync(join(base, from), join(base, to));
      } catch {
        // The guest may have taken away or put something there: the next round finds it otherwise.
      }
    }
    writeSync(counter, ".");
  }
  closeSync(counter);
  tell({ kind: "stopped" });
}

if (parentPort === null) process.on("message", (job: Job) => void runJob(job));
else {
  parentPort.on("message", (job: Job) => void runJob(job));
  if (workerData !== null) await runJob(workerData as Job);
}
