import {
  mkdirSync,
  mkdtempSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { AttackReport } from "./attack.ts";

/**
 * A tree on disk: `granted` and `readonly` are granted to the guest, `outside` and `granted-evil` lie beside them. Plain data
 * but for the methods, so that another thread can take it up by its base.
 */
export class World {
  readonly base: string;
  /** What stands in files that the guest must never read. */
  readonly secret = "the-secret-beyond-the-grant";

  constructor(base: string) {
    this.base = base;
  }

  /** Builds the tree in a new folder below `parent`. */
  static create(parent: string): World {
    const world = new World(mkdtempSync(join(parent, "world-")));
    for (const folder of [
      "granted/dir/inner",
      "granted/empty",
      "outside/folder",
      "outside/empty",
      "granted-evil",
      "lot",
      "readonly/dir/empty",
    ]) {
      mkdirSync(world.at(folder), { recursive: true });
    }
    for (const file of ["granted/file", "granted/dir/file", "readonly/file", "readonly/dir/file"])
      writeFileSync(world.at(file), "own");
    for (const file of ["outside/secret", "outside/folder/secret", "granted-evil/secret", "lot/secret", "secret"]) {
      writeFileSync(world.at(file), world.secret);
    }
    for (const file of ["outside/victim", "outside/only-outside", "granted-evil/victim"])
      writeFileSync(world.at(file), "victim");
    symlinkSync(world.secret, world.at("outside/pointer"));
    symlinkSync("../outside", world.at("granted/exit"));
    symlinkSync(world.at("outside"), world.at("granted/door"));
    return world;
  }

  at(path: string): string {
    return join(this.base, path);
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true });
  }

  /** The whole tree, as text to compare. */
  state(): string {
    const lines: string[] = [];
    describe(this.base, lines);
    return lines.join("\n");
  }

  /** All that may not change, as text to compare. */
  fingerprint(): string {
    const lines = readdirSync(this.base)
      .filter((name) => name !== "flips")
      .toSorted();
    for (const folder of ["outside", "granted-evil", "readonly"]) describe(this.at(folder), lines);
    for (const file of ["secret", "lot/secret"]) describe(this.at(file), lines);
    return lines.join("\n");
  }

  /** Whether an attempt read, named, asked about or changed what lies outside. */
  isBreached(report: AttackReport, before: string): boolean {
    if (report.seen.includes(this.secret)) return true;
    if (report.names.some((name) => ["only-outside", "granted-evil", "proc"].includes(name))) return true;
    const hidden = new Set(
      [
        "/",
        this.base,
        ...["outside", "outside/secret", "outside/victim", "granted-evil", "secret"].map((path) => this.at(path)),
      ].map(inode),
    );
    return report.inodes.some((ino) => hidden.has(ino)) || this.fingerprint() !== before;
  }
}

function inode(path: string): string {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "gone" : stat.ino.toString();
}

function describe(path: string, lines: string[]): void {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) {
    lines.push(`${path} is gone`);
    return;
  }
  const content = stat.isSymbolicLink() ? readlinkSync(path) : stat.isFile() ? readFileSync(path, "latin1") : "";
  // Reading what may be read changes the time of access, and that alone.
  lines.push([path, stat.ino, stat.mode, stat.nlink, stat.size, stat.mtimeNs, stat.ctimeNs, content].join(" "));
  if (stat.isDirectory()) for (const name of readdirSync(path).toSorted()) describe(join(path, name), lines);
}
