import { execFileSync } from "node:child_process";
import { constants, openSync, read, symlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { open } from "../../file-calls.ts";
import type { AttackCase, Setting } from "../attack.ts";
import type { BlockJob } from "../jobs.ts";
import type { World } from "../world.ts";

function fifo(world: World): void {
  execFileSync("mkfifo", [world.at("granted/fifo")]);
}

/** Reads in the way that a host with asynchronous file calls does. */
async function readInPool(world: World): Promise<void> {
  const fd = openSync(world.at("granted/fifo"), constants.O_RDWR);
  read(fd, () => {});
}

/** Reads in the way that ours does, a blocked guest having a thread of its own; resolves when it is about to. */
function readInThread(world: World, setting: Setting): Promise<void> {
  const job: BlockJob = { task: "block", base: world.base, setting };
  const thread = new Worker(new URL("../elsewhere.ts", import.meta.url), { workerData: job });
  return new Promise((resolve, reject) => {
    thread.once("message", () => resolve());
    thread.once("error", reject);
  });
}

const isHung = (report: { readonly hung: boolean }): boolean => report.hung;

/** Attempts that a careless host never comes back from; each is issued from a process that can be killed. */
export const waitingCases: readonly AttackCase[] = [
  {
    name: "open a FIFO to read",
    from: "other process",
    prepare: fifo,
    attempt: (a) => void a.open("fifo"),
    fault: isHung,
  },
  {
    name: "open a FIFO to write",
    from: "other process",
    prepare: fifo,
    attempt: (a) => void a.open("fifo", open.write),
    fault: isHung,
  },
  {
    name: "open a FIFO through a link",
    from: "other process",
    prepare: (w) => (fifo(w), symlinkSync("fifo", w.at("granted/trap"))),
    attempt: (a) => void a.open("trap", open.read | open.follow),
    fault: isHung,
  },
  {
    name: "create over a FIFO",
    from: "other process",
    prepare: fifo,
    attempt: (a) => void a.open("fifo", open.write | open.create | open.truncate),
    fault: isHung,
  },
  {
    name: "go behind a link that leads to itself",
    from: "other process",
    prepare: (world) => symlinkSync("loop", world.at("granted/loop")),
    attempt: (a) => void a.stat("loop/", "follow"),
    fault: isHung,
  },
  {
    name: "go behind two links that lead to each other",
    from: "worker",
    prepare(world) {
      symlinkSync("pong", world.at("granted/ping"));
      symlinkSync("ping", world.at("granted/pong"));
    },
    attempt: (a) => a.list("ping/"),
    fault: isHung,
  },
  {
    name: "read a FIFO that nobody writes to from 8 guests, and a file from a ninth",
    from: "libuv pool",
    isCostly: true,
    prepare: fifo,
    async attempt(a, world) {
      const guest = a.setting === "weak" ? readInPool : readInThread;
      await Promise.all(Array.from({ length: 8 }, () => guest(world, a.setting)));
      a.read("file");
      // What the process itself reads goes through the pool.
      await readFile(world.at("granted/file"));
    },
    fault: isHung,
  },
];
