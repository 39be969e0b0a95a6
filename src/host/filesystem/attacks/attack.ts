import type { Errno } from "../../../base/index.ts";
import type { FollowMode } from "../file-calls.ts";
import type { Attacker } from "./attacker.ts";
import type { World } from "./world.ts";

/** A path as a guest may hand it over: text, or bytes that need not be UTF-8. */
export type AttackPath = string | Uint8Array;

/** What an attack sees of a file. */
export interface AttackStat {
  readonly ino: bigint;
  readonly size: bigint;
}

/** What an attack sees of a folder's entry. */
export interface AttackEntry {
  readonly name: string;
  readonly ino: bigint;
}

/**
 * A guest's calls in no ABI's terms, so that one table of attacks runs through each ABI. Descriptors are numbers of the
 * guest's. Every call throws HostError where it is refused.
 */
export interface AttackTarget {
  /** Descriptors of the granted folder and of the one that is granted read-only. */
  readonly folder: number;
  readonly readOnly: number;
  /** Opens with `open` bits (file-calls.ts). */
  open(dir: number, path: AttackPath, bits: number): number;
  close(fd: number): void;
  renumber(from: number, to: number): void;
  read(fd: number, length: number): Uint8Array;
  write(fd: number, bytes: Uint8Array): number;
  truncate(fd: number, size: bigint): void;
  setAppend(fd: number, append: boolean): void;
  allocate(fd: number, length: bigint): void;
  setTimes(fd: number, time: bigint): void;
  statOf(fd: number): AttackStat;
  list(fd: number): AttackEntry[];
  stat(dir: number, path: AttackPath, follow: FollowMode): AttackStat;
  setTimesAt(dir: number, path: AttackPath, follow: FollowMode, time: bigint): void;
  mkdir(dir: number, path: AttackPath): void;
  rmdir(dir: number, path: AttackPath): void;
  unlink(dir: number, path: AttackPath): void;
  rename(fromDir: number, from: AttackPath, toDir: number, to: AttackPath): void;
  link(fromDir: number, from: AttackPath, follow: FollowMode, toDir: number, to: AttackPath): void;
  symlink(target: AttackPath, dir: number, path: AttackPath): void;
  readlink(dir: number, path: AttackPath): Uint8Array;
  /** Lets go of everything. */
  dispose(): void;
}

/** What came of an attack; plain data, so that another thread or process can send it. */
export interface AttackReport {
  /** Everything that was read, link targets among it. */
  seen: string;
  readonly names: string[];
  readonly inodes: string[];
  readonly errors: Errno[];
  /** What the attempt itself noted, such as a wrong answer. */
  readonly marks: string[];
  /** Of a race: attempts, and changes by the rival meanwhile. */
  tries: number;
  flips: number;
  /** Set where the attempt did not come back, or ended in what is no refusal. */
  hung: boolean;
  crash: string | undefined;
}

/** What an attack is issued against: the weak host, or an implementation of the file calls by way of an ABI. */
export type Setting = "weak" | { readonly implementation: string; readonly abi: string };

/** How the weak host is weak: each kind is a mistake that real hosts made. */
export type Weakness =
  /** Compares the joined text with the folder's before `..` is resolved; the system follows every link. */
  | "prefix"
  /** Checks where a path really leads, then uses the path. */
  | "check-then-use"
  /** Hands the rest of the path to the system from a held descriptor. */
  | "descriptor"
  /** Walks by components but leaves `..` to the system. */
  | "steps"
  /** Cleans the text of a path before use: decodes, folds, cuts and simplifies it. */
  | "lenient";

/** Who changes the tree while the attempt goes on. */
export interface Rival {
  readonly from: "other process" | "worker";
  /** Renames to do over and over, as pairs of paths below the world's base. */
  readonly renames: readonly (readonly [string, string])[];
}

/** One attack: what the tree looks like, what the guest tries, and what it would mean for it to get through. */
export interface AttackCase {
  readonly name: string;
  /** Where the attack is issued from. */
  readonly from: "main thread" | "other process" | "worker" | "libuv pool";
  readonly weakness?: Weakness;
  readonly rival?: Rival;
  /** Adds to the world what the case needs; runs outside the guest. */
  prepare?(world: World): void;
  attempt(attacker: Attacker, world: World): void | Promise<void>;
  /** Whether it got through where that is not told by what was read and changed outside. */
  fault?(report: AttackReport, world: World): boolean;
  /** Set for attempts that take many threads: they are issued through one ABI of each implementation. */
  readonly isCostly?: boolean;
  /** Set where no promise holds on a system on which a path, not a descriptor, stands for an open folder. */
  readonly needsDescriptors?: boolean;
}
