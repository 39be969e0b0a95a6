import * as fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { failure, failureOfNode } from "../../../base/index.ts";
import { type FollowMode, open } from "../file-calls.ts";
import type { AttackEntry, AttackPath, AttackStat, AttackTarget, Weakness } from "./attack.ts";
import type { World } from "./world.ts";

const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * A host as it should not be, for tests alone: an attack that does not get through here shows nothing. Its descriptors are
 * the process's own numbers, it holds folders by their paths, and read-only grants are a promise that nobody checks.
 */
export class WeakHost implements AttackTarget {
  readonly folder: number;
  readonly readOnly: number;
  readonly #weakness: Weakness;
  readonly #roots: readonly string[];
  readonly #paths = new Map<number, string>();
  readonly #opened = new Set<number>();
  /** Files opened once more because their flags changed. */
  readonly #reopened = new Map<number, number>();

  constructor(world: World, weakness: Weakness) {
    this.#weakness = weakness;
    this.#roots = [world.at("granted"), world.at("readonly")];
    const opened = this.#roots.map((path) => {
      const fd = fs.openSync(path, fs.constants.O_DIRECTORY);
      this.#paths.set(fd, path);
      this.#opened.add(fd);
      return fd;
    });
    this.folder = opened[0] ?? -1;
    this.readOnly = opened[1] ?? -1;
  }

  open(dir: number, path: AttackPath, bits: number): number {
    return this.#at(dir, path, (full) => {
      const fd = fs.openSync(full, flagsOf(bits));
      this.#opened.add(fd);
      if ((bits & open.directory) !== 0) this.#paths.set(fd, full);
      return fd;
    });
  }

  close(fd: number): void {
    this.#opened.delete(fd);
    attempt(() => fs.closeSync(fd));
  }

  renumber(from: number, to: number): void {
    attempt(() => fs.closeSync(to));
    const path = this.#paths.get(from);
    if (path !== undefined) this.#paths.set(to, path);
  }

  read(fd: number, length: number): Uint8Array {
    return attempt(() => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, fs.readSync(fd, bytes));
    });
  }

  write(fd: number, bytes: Uint8Array): number {
    return attempt(() => fs.writeSync(this.#reopened.get(fd) ?? fd, bytes));
  }

  setAppend(fd: number, append: boolean): void {
    // Reopened for writing, whatever it was opened for.
    const flags = fs.constants.O_WRONLY | (append ? fs.constants.O_APPEND : 0);
    attempt(() => this.#reopened.set(fd, fs.openSync(`/proc/self/fd/${fd}`, flags)));
  }

  truncate(fd: number, size: bigint): void {
    // Reopened, as a host does that has lost track of how a file was opened.
    attempt(() => fs.truncateSync(`/proc/self/fd/${fd}`, Number(size)));
  }

  allocate(fd: number, length: bigint): void {
    this.truncate(fd, length);
  }

  setTimes(fd: number, time: bigint): void {
    attempt(() => fs.futimesSync(fd, Number(time / 1_000_000_000n), Number(time / 1_000_000_000n)));
  }

  statOf(fd: number): AttackStat {
    return attempt(() => fs.fstatSync(fd, { bigint: true }));
  }

  list(fd: number): AttackEntry[] {
    return attempt(() => {
      const path = this.#weakness === "prefix" ? (this.#paths.get(fd) ?? `/proc/self/fd/${fd}`) : `/proc/self/fd/${fd}`;
      return fs.readdirSync(path).map((name) => ({ name, ino: fs.lstatSync(`${path}/${name}`, { bigint: true }).ino }));
    });
  }

  stat(dir: number, path: AttackPath, follow: FollowMode): AttackStat {
    return this.#at(dir, path, (full) =>
      follow === "follow" ? fs.statSync(full, { bigint: true }) : fs.lstatSync(full, { bigint: true }),
    );
  }

  setTimesAt(dir: number, path: AttackPath, _follow: FollowMode, time: bigint): void {
    const seconds = Number(time / 1_000_000_000n);
    this.#at(dir, path, (full) => fs.utimesSync(full, seconds, seconds));
  }

  mkdir(dir: number, path: AttackPath): void {
    this.#at(dir, path, (full) => fs.mkdirSync(full));
  }

  rmdir(dir: number, path: AttackPath): void {
    this.#at(dir, path, (full) => fs.rmSync(full, { recursive: true }));
  }

  unlink(dir: number, path: AttackPath): void {
    this.#at(dir, path, (full) => fs.rmSync(full, { recursive: true }));
  }

  rename(fromDir: number, from: AttackPath, toDir: number, to: AttackPath): void {
    this.#at(fromDir, from, (source) => this.#at(toDir, to, (target) => fs.renameSync(source, target)));
  }

  link(fromDir: number, from: AttackPath, follow: FollowMode, toDir: number, to: AttackPath): void {
    this.#at(fromDir, from, (source) => {
      const followed = follow === "follow" ? fs.realpathSync(source) : source;
      this.#at(toDir, to, (target) => fs.linkSync(followed, target));
    });
  }

  symlink(target: AttackPath, dir: number, path: AttackPath): void {
    this.#at(dir, path, (full) => fs.symlinkSync(this.#decode(target), full));
  }

  readlink(dir: number, path: AttackPath): Uint8Array {
    return this.#at(dir, path, (full) => fs.readlinkSync(full, "buffer"));
  }

  dispose(): void {
    for (const fd of [...this.#opened, ...this.#reopened.values()]) {
      try {
        fs.closeSync(fd);
      } catch {
        // An attack has closed it already.
      }
    }
  }

  #at<T>(dir: number, path: AttackPath, use: (full: string) => T): T {
    return attempt(() => {
      const text = this.#decode(path);
      const held = this.#paths.get(dir);
      const base = held ?? `/proc/self/fd/${dir}`;
      if (this.#weakness === "descriptor") return use(`/proc/self/fd/${dir}/${text}`);
      if (this.#weakness === "steps") return inSteps(dir, text, use);
      const full = text.startsWith("/") ? text : this.#weakness === "lenient" ? join(base, text) : `${base}/${text}`;
      if (held !== undefined && !text.startsWith("/") && !this.#roots.some((root) => full.startsWith(root)))
        throw failure("perm");
      if (this.#weakness === "check-then-use") this.#check(full);
      return use(withoutSlash(full));
    });
  }

  #check(full: string): void {
    const real = fs.existsSync(full) ? fs.realpathSync(full) : fs.realpathSync(dirname(full));
    if (!this.#roots.some((root) => real === root || real.startsWith(`${root}/`))) throw failure("perm");
    // However short this moment is made, a rival can have it.
    Atomics.wait(pause, 0, 0, 1);
  }

  #decode(path: AttackPath): string {
    const text =
      typeof path === "string"
        ? path
        : this.#weakness === "lenient"
          ? decodeLoosely(path)
          : Buffer.from(path).toString();
    if (this.#weakness !== "lenient") return text;
    const cut = (text.split("\0")[0] ?? "").slice(0, 4095).replaceAll("\\", "/").normalize("NFC");
    const named = cut
      .split("/")
      .map((part) => part.slice(0, 255))
      .join("/");
    return named.toLowerCase() === "file" ? "file" : named.replace(/(.)\/+$/, "$1");
  }
}

/** Goes down a path by descriptors, but lets the system say what `..` is; counts levels so as not to leave. */
function inSteps<T>(dir: number, text: string, use: (full: string) => T): T {
  const parts = text.split("/").filter((part) => part !== "");
  const held: number[] = [];
  let level = 0;
  try {
    for (const part of parts.slice(0, -1)) {
      level += part === ".." ? -1 : 1;
      if (level < 0) throw failure("perm");
      held.push(fs.openSync(`/proc/self/fd/${held.at(-1) ?? dir}/${part}`, fs.constants.O_DIRECTORY));
      Atomics.wait(pause, 0, 0, 1);
    }
    return use(`/proc/self/fd/${held.at(-1) ?? dir}/${parts.at(-1) ?? "."}`);
  } finally {
    for (const fd of held) fs.closeSync(fd);
  }
}

/** Follows links in front of closing slashes by hand, for as long as it takes. */
function withoutSlash(full: string): string {
  if (!full.endsWith("/")) return full;
  let path = full.replace(/\/+$/, "");
  while (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
    path = resolve(dirname(path), fs.readlinkSync(path));
  return path === "" ? "/" : path;
}

/** A decoder that takes a character in more bytes than it needs. */
function decodeLoosely(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < 0x80) text += String.fromCharCode(byte);
    else if (byte >= 0xc0 && byte < 0xe0)
      text += String.fromCharCode(((byte & 0x1f) << 6) | ((bytes[++i] ?? 0) & 0x3f));
    else text += "\ufffd";
  }
  return text;
}

function flagsOf(bits: number): number {
  const { constants } = fs;
  let flags = (bits & open.write) === 0 ? 0 : (bits & open.read) === 0 ? constants.O_WRONLY : constants.O_RDWR;
  if ((bits & open.create) !== 0) flags |= constants.O_CREAT;
  if ((bits & open.exclusive) !== 0) flags |= constants.O_EXCL;
  if ((bits & open.truncate) !== 0) flags |= constants.O_TRUNC;
  if ((bits & open.append) !== 0) flags |= constants.O_APPEND;
  return flags;
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw failureOfNode(error) ?? failure("io");
  }
}
