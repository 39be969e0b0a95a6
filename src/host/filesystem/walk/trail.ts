import { closeSync, fstatSync, ftruncateSync, lstatSync, openSync, readlinkSync, statSync } from "node:fs";
import { failure, refusal } from "../../../base/index.ts";
import { pathOnly, systemOpen } from "./system.ts";

/** The folders gone through from an open one, so that `..` leads back to the one we came from. */
export interface Trail {
  /** What a name in the present folder is appended to. */
  readonly prefix: string;
  /** Goes into a folder, never through a link: throws notdir for that, as for a file. */
  enter(name: string): void;
  /** Goes back; throws perm at the start. */
  leave(): void;
  /** Lets go of what it holds. */
  close(): void;
}

/** Most descriptors that one walk holds, whatever a guest's path looks like. */
const mostHeld = 32;

/**
 * Linux: `/proc/self/fd/N/name` without following the name is `openat(N, name)`, so each step starts from a folder that is
 * held, wherever others have moved it.
 */
export class DescriptorTrail implements Trail {
  readonly #root: number;
  readonly #descriptors: string;
  readonly #names: string[] = [];
  /** Descriptors of the folders in #names; -1 for those that were let go to hold no more than {@link mostHeld}. */
  readonly #held: number[] = [];
  prefix: string;

  /** `descriptors` is the folder with a link for each open descriptor, and a slash. */
  constructor(root: number, descriptors: string) {
    this.#root = root;
    this.#descriptors = descriptors;
    this.prefix = this.#prefixOf(root);
  }

  enter(name: string): void {
    const fd = openSync(this.prefix + name, pathOnly);
    this.#names.push(name);
    this.#held.push(fd);
    this.prefix = this.#prefixOf(fd);
    this.#letGo(this.#held.length - mostHeld - 1);
  }

  leave(): void {
    if (this.#names.length === 0) throw refusal;
    this.#letGo(this.#held.length - 1);
    this.#names.pop();
    this.#held.pop();
    const top = this.#held.at(-1);
    if (top === undefined) this.prefix = this.#prefixOf(this.#root);
    else if (top >= 0) this.prefix = this.#prefixOf(top);
    else this.#goAgain();
  }

  close(): void {
    for (let i = 0; i < this.#held.length; i++) this.#letGo(i);
  }

  /** Walks to the present folder anew, its descriptor having been let go. */
  #goAgain(): void {
    const names = this.#names.splice(0);
    this.#held.length = 0;
    this.prefix = this.#prefixOf(this.#root);
    for (const name of names) this.enter(name);
  }

  #letGo(index: number): void {
    const fd = this.#held[index] ?? -1;
    if (fd < 0) return;
    this.#held[index] = -1;
    closeSync(fd);
  }

  #prefixOf(fd: number): string {
    return `${this.#descriptors}${fd}/`;
  }
}

/**
 * Where no path leads to an open folder (macOS, Windows): folders by their paths, each component looked at before it is
 * entered. It holds against what a guest does, and against what others changed *before* the call. It cannot hold against
 * somebody on the host who renames a folder and puts a link in its place between that look and the use.
 */
export class PathTrail implements Trail {
  readonly #prefixes: string[] = [];
  prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  enter(name: string): void {
    const stat = lstatSync(this.prefix + name);
    if (!stat.isDirectory()) throw failure("notdir");
    this.#prefixes.push(this.prefix);
    this.prefix += `${name}/`;
  }

  leave(): void {
    const before = this.#prefixes.pop();
    if (before === undefined) throw refusal;
    this.prefix = before;
  }

  close(): void {}
}

/** Makes trails, and opens what they lead to. */
export interface Ground {
  trailFrom(dir: number): Trail;
  /** Opens a name that a trail led to; a link is not followed. */
  open(path: string, flags: number): number;
  /** What a name in an open folder is appended to. */
  prefixOf(dir: number): string;
  /** Takes note of an open folder. */
  opened(fd: number, path: string): void;
  closed(fd: number): void;
  /** A path that leads to an open folder itself. */
  pathOf(dir: number): string;
}

/** Linux, with /proc. */
export class DescriptorGround implements Ground {
  readonly #descriptors = descriptorsFolder();

  trailFrom(dir: number): Trail {
    return new DescriptorTrail(dir, this.#descriptors);
  }

  open(path: string, flags: number): number {
    return openSync(path, flags, 0o666);
  }

  prefixOf(dir: number): string {
    return `${this.#descriptors}${dir}/`;
  }

  opened(): void {}

  closed(): void {}

  pathOf(dir: number): string {
    return `${this.#descriptors}${dir}/.`;
  }
}

/** By the process's number where /proc counts as we do: it saves a tenth of each call, that of resolving `self`. */
function descriptorsFolder(): string {
  const isOurs = readlinkSync("/proc/self") === String(process.pid);
  return isOurs ? `/proc/${process.pid}/fd/` : "/proc/self/fd/";
}

/** Other systems: remembers the path of each open folder and checks that it still leads to that folder. */
export class PathGround implements Ground {
  readonly #paths = new Map<number, string>();

  trailFrom(dir: number): Trail {
    return new PathTrail(this.prefixOf(dir));
  }

  open(path: string, flags: number): number {
    // Emptying waits until it is sure what was opened: where the system knows no O_NOFOLLOW, the open follows a link.
    const fd = openSync(path, flags & ~systemOpen.truncate, 0o666);
    try {
      const found = lstatSync(path, { bigint: true });
      const opened = fstatSync(fd, { bigint: true });
      if (found.isSymbolicLink()) throw failure("loop");
      if (found.ino !== opened.ino || found.dev !== opened.dev) throw failure("stale");
      if (opened.isDirectory()) this.opened(fd, path.endsWith("/.") ? path.slice(0, -2) : path);
      else if ((flags & systemOpen.truncate) !== 0) ftruncateSync(fd, 0);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  prefixOf(dir: number): string {
    const path = this.pathOf(dir);
    return path.endsWith("/") ? path : `${path}/`;
  }

  opened(fd: number, path: string): void {
    this.#paths.set(fd, path);
  }

  closed(fd: number): void {
    this.#paths.delete(fd);
  }

  pathOf(dir: number): string {
    const path = this.#paths.get(dir);
    const held = fstatSync(dir, { bigint: true });
    if (path === undefined) throw failure("notdir");
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined || found.ino !== held.ino || found.dev !== held.dev) throw failure("stale");
    return path;
  }
}
