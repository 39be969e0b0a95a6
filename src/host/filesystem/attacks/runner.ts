import { type ChildProcess, fork } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { AttackCase, AttackReport, Rival, Setting } from "./attack.ts";
import { emptyReport } from "./attacker.ts";
import { issue } from "./issue.ts";
import type { Job, JobMessage, RivalJob } from "./jobs.ts";
import { World } from "./world.ts";

const entry = new URL("elsewhere.ts", import.meta.url);
/** After so long an attempt counts as hung: for the weak host it is what has to be seen, for ours it is never reached. */
const patience = { weak: 1_500, ours: 20_000 } as const;

/** What came of an attack in one setting. */
export interface Outcome {
  readonly setting: Setting;
  readonly gotThrough: boolean;
  readonly report: AttackReport;
}

/** Runs attacks, each in a world of its own, where the case says that they are issued from. */
export class Runner {
  readonly #parent: string;
  readonly #rivals = new Map<Rival["from"], Peer>();

  constructor(parent: string) {
    this.#parent = parent;
  }

  async run(attack: AttackCase, settings: readonly Setting[]): Promise<Outcome[]> {
    return attack.from === "main thread" ? this.#here(attack, settings) : this.#elsewhere(attack, settings);
  }

  /** Ends the rivals. */
  async close(): Promise<void> {
    for (const rival of this.#rivals.values()) await rival.end();
  }

  async #here(attack: AttackCase, settings: readonly Setting[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    let place: Place | undefined;
    for (const setting of settings) {
      place ??= this.#prepare(attack);
      const { world } = place;
      const attempt = () => issue(attack, setting, world);
      const report = await (attack.rival === undefined ? attempt() : this.#against(attack.rival, world, attempt));
      outcomes.push(judge(attack, place, { setting, report }));
      // Most attacks leave nothing behind; where one did, the next setting gets a new world.
      if (attack.rival !== undefined || world.state() !== place.state) {
        world.remove();
        place = undefined;
      }
    }
    place?.world.remove();
    return outcomes;
  }

  /** Issues in a thread or process that can be ended when it hangs. */
  async #elsewhere(attack: AttackCase, settings: readonly Setting[]): Promise<Outcome[]> {
    // A thread that is stuck in the system cannot be ended: only what loops in our own code is issued from one.
    const peer = new Peer(attack.from === "worker" ? "worker" : "other process");
    const runs = settings.map((setting) => ({ setting, place: this.#prepare(attack) }));
    peer.send({
      task: "issue",
      attack: attack.name,
      runs: runs.map(({ setting, place }) => ({ setting, base: place.world.base })),
    });
    const outcomes: Outcome[] = [];
    let isHung = false;
    for (const { setting, place } of runs) {
      let report: AttackReport = { ...emptyReport(), hung: true };
      if (!isHung) {
        await peer.next();
        const message = await peer.next(setting === "weak" ? patience.weak : patience.ours);
        if (message?.kind === "report") report = message.report;
        else isHung = true;
      }
      outcomes.push(judge(attack, place, { setting, report }));
    }
    await peer.end();
    for (const { place } of runs) place.world.remove();
    return outcomes;
  }

  #prepare(attack: AttackCase): Place {
    const world = World.create(this.#parent);
    if (attack.rival !== undefined) writeFileSync(world.at("flips"), "");
    attack.prepare?.(world);
    return { world, before: world.fingerprint(), state: world.state() };
  }

  async #against(rival: Rival, world: World, attempt: () => Promise<AttackReport>): Promise<AttackReport> {
    let peer = this.#rivals.get(rival.from);
    if (peer === undefined) this.#rivals.set(rival.from, (peer = new Peer(rival.from)));
    const job: RivalJob = { task: "rival", base: world.base, renames: rival.renames };
    peer.send(job);
    await peer.next();
    const report = await attempt();
    writeFileSync(world.at("stop"), "");
    await peer.next();
    rmSync(world.at("stop"));
    return report;
  }
}

/** A world and what it was like before the attempt. */
interface Place {
  readonly world: World;
  readonly before: string;
  readonly state: string;
}

function judge(attack: AttackCase, place: Place, run: { setting: Setting; report: AttackReport }): Outcome {
  const isBreach = place.world.isBreached(run.report, place.before) || attack.fault?.(run.report, place.world) === true;
  return { ...run, gotThrough: isBreach };
}

/** Another thread or process, and the messages that came from it. */
class Peer {
  readonly #child: ChildProcess | undefined;
  readonly #worker: Worker | undefined;
  readonly #messages: JobMessage[] = [];
  #wake: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(kind: "other process" | "worker") {
    const take = (message: unknown) => {
      this.#messages.push(message as JobMessage);
      this.#wake?.();
    };
    const fail = (cause: unknown) => {
      this.#failure = new Error("What was issued elsewhere ended by itself", { cause });
      this.#wake?.();
    };
    if (kind === "worker") {
      this.#worker = new Worker(entry, { workerData: null });
      this.#worker.on("message", take).on("error", fail).on("exit", fail);
    } else {
      this.#child = fork(entry, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
      this.#child.on("message", take).on("error", fail).on("exit", fail);
    }
  }

  send(job: Job): void {
    if (this.#worker === undefined) this.#child?.send(job);
    else this.#worker.postMessage(job);
  }

  /** The next message; undefined where none comes in so many ms. */
  async next(ms: number = patience.ours): Promise<JobMessage | undefined> {
    let timer: NodeJS.Timeout | undefined;
    if (this.#messages.length === 0 && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    }
    const message = this.#messages.shift();
    if (message === undefined && this.#failure !== undefined) throw this.#failure;
    return message;
  }

  async end(): Promise<void> {
    this.#worker?.removeAllListeners();
    this.#child?.removeAllListeners();
    await this.#worker?.terminate();
    if (this.#child === undefined || this.#child.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#child?.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }
}
