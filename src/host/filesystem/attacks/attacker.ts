import { statSync } from "node:fs";
import { HostError } from "../../../base/index.ts";
import { type FollowMode, open } from "../file-calls.ts";
import type { AttackEntry, AttackPath, AttackReport, AttackStat, AttackTarget, Setting } from "./attack.ts";
import type { World } from "./world.ts";

const encoder = new TextEncoder();
const longAgo = 1_000_000_000_000_000_000n;
const mostTries = 2_000;
const fewestTries = 200;
const fewestFlips = 20;

/** A report on nothing. */
export function emptyReport(): AttackReport {
  return { seen: "", names: [], inodes: [], errors: [], marks: [], tries: 0, flips: 0, hung: false, crash: undefined };
}

/**
 * The hand that attempts are written with: calls the target, notes what comes back and each refusal, and goes on. What is no
 * refusal is let through, as a crash.
 */
export class Attacker {
  readonly target: AttackTarget;
  readonly setting: Setting;
  readonly report = emptyReport();
  readonly #world: World;

  constructor(target: AttackTarget, world: World, setting: Setting) {
    this.target = target;
    this.#world = world;
    this.setting = setting;
  }

  get folder(): number {
    return this.target.folder;
  }

  get readOnly(): number {
    return this.target.readOnly;
  }

  /** Notes an outcome that the case asks about. */
  mark(text: string): void {
    this.report.marks.push(text);
  }

  /** Runs a call; undefined where it is refused. */
  try<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.report.errors.push(error.errno);
      return undefined;
    }
  }

  /** Notes `mark` where a call is answered otherwise than by this error. */
  expect(errno: string, mark: string, call: () => unknown): void {
    const before = this.report.errors.length;
    this.try(call);
    if (this.report.errors[before] !== errno) this.mark(mark);
  }

  open(path: AttackPath, bits: number = open.read, dir = this.folder): number | undefined {
    return this.try(() => this.target.open(dir, path, bits));
  }

  openFolder(path: AttackPath, dir = this.folder): number | undefined {
    return this.open(path, open.read | open.directory | open.follow, dir);
  }

  close(fd: number): void {
    this.try(() => this.target.close(fd));
  }

  /** Opens and reads. */
  read(path: AttackPath, dir = this.folder, bits: number = open.read | open.follow): void {
    this.#with(this.open(path, bits, dir), (fd) => this.readFrom(fd));
  }

  readFrom(fd: number): void {
    const bytes = this.try(() => this.target.read(fd, 256));
    if (bytes !== undefined) this.report.seen += Buffer.from(bytes).toString();
  }

  /** Opens with what `bits` add to writing, and writes. */
  write(path: AttackPath, bits = 0, dir = this.folder): void {
    this.#with(this.open(path, open.write | open.follow | bits, dir), (fd) => this.writeTo(fd));
  }

  writeTo(fd: number): void {
    this.try(() => this.target.write(fd, encoder.encode("attacked")));
  }

  list(path: AttackPath, dir = this.folder): void {
    this.#with(this.openFolder(path, dir), (fd) => this.listOf(fd));
  }

  listOf(fd: number): void {
    const entries: AttackEntry[] = this.try(() => this.target.list(fd)) ?? [];
    for (const { name, ino } of entries) {
      this.report.names.push(name);
      if (name !== "..") this.report.inodes.push(ino.toString());
    }
  }

  stat(path: AttackPath, follow: FollowMode = "nofollow", dir = this.folder): AttackStat | undefined {
    return this.#noteStat(this.try(() => this.target.stat(dir, path, follow)));
  }

  statOf(fd: number): AttackStat | undefined {
    return this.#noteStat(this.try(() => this.target.statOf(fd)));
  }

  setTimes(path: AttackPath, follow: FollowMode = "nofollow", dir = this.folder): void {
    this.try(() => this.target.setTimesAt(dir, path, follow, longAgo));
  }

  setTimesOf(fd: number): void {
    this.try(() => this.target.setTimes(fd, longAgo));
  }

  mkdir(path: AttackPath, dir = this.folder): void {
    this.try(() => this.target.mkdir(dir, path));
  }

  rmdir(path: AttackPath, dir = this.folder): void {
    this.try(() => this.target.rmdir(dir, path));
  }

  unlink(path: AttackPath, dir = this.folder): void {
    this.try(() => this.target.unlink(dir, path));
  }

  rename(from: AttackPath, to: AttackPath, dirs: { from?: number; to?: number } = {}): void {
    this.try(() => this.target.rename(dirs.from ?? this.folder, from, dirs.to ?? this.folder, to));
  }

  link(from: AttackPath, to: AttackPath, how: { follow?: FollowMode; from?: number; to?: number } = {}): void {
    this.try(() =>
      this.target.link(how.from ?? this.folder, from, how.follow ?? "nofollow", how.to ?? this.folder, to),
    );
  }

  symlink(target: AttackPath, path: AttackPath, dir = this.folder): void {
    this.try(() => this.target.symlink(target, dir, path));
  }

  readlink(path: AttackPath, dir = this.folder): void {
    const target = this.try(() => this.target.readlink(dir, path));
    if (target !== undefined) this.report.seen += Buffer.from(target).toString();
  }

  /**
   * Attempts over and over while a rival changes the tree, until it got through or both had a fair number of turns: bounded in
   * counts, not in time.
   */
  race(attempt: () => void): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const flips = () => statSync(this.#world.at("flips")).size;
    const first = flips();
    const before = this.#world.fingerprint();
    for (;;) {
      attempt();
      this.report.tries += 1;
      if (this.report.tries % 16 !== 0) continue;
      this.report.flips = flips() - first;
      if (this.#world.isBreached(this.report, before)) return;
      const { tries } = this.report;
      if (this.setting !== "weak" && tries >= fewestTries && this.report.flips >= fewestFlips) return;
      // The rival may share our core: it gets its turn.
      if (tries >= fewestTries) Atomics.wait(pause, 0, 0, 1);
      if (tries >= mostTries) return;
    }
  }

  #with(fd: number | undefined, use: (fd: number) => void): void {
    if (fd === undefined) return;
    use(fd);
    this.close(fd);
  }

  #noteStat(stat: AttackStat | undefined): AttackStat | undefined {
    if (stat !== undefined) this.report.inodes.push(stat.ino.toString());
    return stat;
  }
}
