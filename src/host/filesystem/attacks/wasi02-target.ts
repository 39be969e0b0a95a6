import { createWasi02, Wasi02Context, type Wasi02Provider } from "../../../abi/index.ts";
import { type Errno, errnoTable, failure } from "../../../base/index.ts";
import type { HostInstance, HostWorkload } from "../../workload.ts";
import { type FileCalls, type FollowMode, open } from "../file-calls.ts";
import type { AttackEntry, AttackPath, AttackStat, AttackTarget } from "./attack.ts";
import { openWorkload } from "./host-target.ts";
import type { World } from "./world.ts";

/** What a component's call answers for the error case of a `result`. */
class CallError extends Error {
  readonly payload: unknown;
  constructor(payload: unknown) {
    super(`The call answered ${JSON.stringify(payload)}`);
    this.payload = payload;
  }
}

/** What a guest has behind one number of the table's. */
interface Open {
  readonly file: unknown;
  position: bigint;
  appends: boolean;
}

interface StatRecord {
  readonly size: bigint;
}

interface Hash {
  readonly lower: bigint;
}

const byCode = new Map(
  Object.entries(errnoTable).flatMap(([name, row]) => ("wasi" in row ? [[row.wasi as string, name as Errno]] : [])),
);
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const types = "wasi:filesystem/types@0.2.6";

/** Drives the functions that a component imports from WASI 0.2, on the values that the canonical ABI hands over. */
export class Wasi02Target implements AttackTarget {
  readonly folder = 3;
  readonly readOnly = 4;
  readonly #workload: HostWorkload;
  readonly #instance: HostInstance;
  readonly #provide: Wasi02Provider;
  readonly #table: (Open | undefined)[] = [];

  constructor(calls: FileCalls, world: World) {
    this.#workload = openWorkload(calls, world);
    this.#instance = this.#workload.createInstance();
    const context = new Wasi02Context({ args: ["attack"], makeError: (payload) => new CallError(payload) });
    context.attach(this.#instance);
    this.#provide = createWasi02({ context });
    const folders = this.#call("get-directories", [], "wasi:filesystem/preopens@0.2.0") as [unknown, string][];
    this.#table.length = this.folder;
    for (const [file] of folders) this.#table.push(opened(file));
  }

  open(dir: number, path: AttackPath, bits: number): number {
    const has = (bit: number): boolean => (bits & bit) !== 0;
    const openFlags = {
      create: has(open.create),
      directory: has(open.directory),
      exclusive: has(open.exclusive),
      truncate: has(open.truncate),
    };
    const flags = { read: has(open.read), write: has(open.write) };
    const follow = { symlinkFollow: has(open.follow) };
    const file = this.#method("open-at", dir, follow, textOf(path), openFlags, flags);
    this.#table.push({ ...opened(file), appends: has(open.append) });
    return this.#table.length - 1;
  }

  close(fd: number): void {
    this.#call("[resource-drop]descriptor", [this.#open(fd).file]);
    this.#table[fd] = undefined;
  }

  /** Numbers are the guest's own affair here. */
  renumber(from: number, to: number): void {
    const moved = this.#open(from);
    this.close(to);
    this.#table[to] = moved;
    this.#table[from] = undefined;
  }

  read(fd: number, length: number): Uint8Array {
    const its = this.#open(fd);
    const [bytes] = this.#method("read", fd, BigInt(length), its.position) as [Uint8Array];
    its.position += BigInt(bytes.length);
    return bytes.slice();
  }

  write(fd: number, bytes: Uint8Array): number {
    const its = this.#open(fd);
    const stream = its.appends
      ? this.#method("append-via-stream", fd)
      : this.#method("write-via-stream", fd, its.position);
    const streams = "wasi:io/streams@0.2.6";
    try {
      this.#call("[method]output-stream.blocking-write-and-flush", [stream, bytes], streams);
    } finally {
      this.#call("[resource-drop]output-stream", [stream], streams);
    }
    its.position += BigInt(bytes.length);
    return bytes.length;
  }

  setAppend(fd: number, append: boolean): void {
    this.#open(fd).appends = append;
  }

  truncate(fd: number, size: bigint): void {
    this.#method("set-size", fd, size);
  }

  /** A guest that needs room writes the file's last byte. */
  allocate(fd: number, length: bigint): void {
    this.#method("write", fd, new Uint8Array(1), length - 1n);
  }

  setTimes(fd: number, time: bigint): void {
    this.#method("set-times", fd, timestamp(time), timestamp(time));
  }

  statOf(fd: number): AttackStat {
    const { size } = this.#method("stat", fd) as StatRecord;
    return { ino: (this.#method("metadata-hash", fd) as Hash).lower, size };
  }

  list(fd: number): AttackEntry[] {
    const listing = this.#method("read-directory", fd);
    const entries: AttackEntry[] = [];
    for (;;) {
      const entry = this.#call("[method]directory-entry-stream.read-directory-entry", [listing]);
      if (entry === undefined) break;
      entries.push({ name: (entry as AttackEntry).name, ino: 0n });
    }
    this.#call("[resource-drop]directory-entry-stream", [listing]);
    return entries;
  }

  stat(dir: number, path: AttackPath, follow: FollowMode): AttackStat {
    const flags = { symlinkFollow: follow === "follow" };
    const { size } = this.#method("stat-at", dir, flags, textOf(path)) as StatRecord;
    return { ino: (this.#method("metadata-hash-at", dir, flags, textOf(path)) as Hash).lower, size };
  }

  setTimesAt(dir: number, path: AttackPath, follow: FollowMode, time: bigint): void {
    const flags = { symlinkFollow: follow === "follow" };
    this.#method("set-times-at", dir, flags, textOf(path), timestamp(time), timestamp(time));
  }

  mkdir(dir: number, path: AttackPath): void {
    this.#method("create-directory-at", dir, textOf(path));
  }

  rmdir(dir: number, path: AttackPath): void {
    this.#method("remove-directory-at", dir, textOf(path));
  }

  unlink(dir: number, path: AttackPath): void {
    this.#method("unlink-file-at", dir, textOf(path));
  }

  rename(fromDir: number, from: AttackPath, toDir: number, to: AttackPath): void {
    this.#method("rename-at", fromDir, textOf(from), this.#open(toDir).file, textOf(to));
  }

  link(fromDir: number, from: AttackPath, follow: FollowMode, toDir: number, to: AttackPath): void {
    const flags = { symlinkFollow: follow === "follow" };
    this.#method("link-at", fromDir, flags, textOf(from), this.#open(toDir).file, textOf(to));
  }

  symlink(target: AttackPath, dir: number, path: AttackPath): void {
    this.#method("symlink-at", dir, textOf(target), textOf(path));
  }

  readlink(dir: number, path: AttackPath): Uint8Array {
    return new TextEncoder().encode(this.#method("readlink-at", dir, textOf(path)) as string);
  }

  dispose(): void {
    this.#instance.close();
    this.#workload.close();
  }

  #open(fd: number): Open {
    const found = this.#table[fd];
    if (found === undefined) throw failure("badf");
    return found;
  }

  #method(name: string, fd: number, ...values: readonly unknown[]): unknown {
    return this.#call(`[method]descriptor.${name}`, [this.#open(fd).file, ...values]);
  }

  #call(name: string, values: readonly unknown[], itsInterface = types): unknown {
    const found = this.#provide(itsInterface, name);
    if (found === undefined) throw new TypeError(`No function "${name}"`);
    try {
      return (found.call as (...given: readonly unknown[]) => unknown)(...values);
    } catch (error) {
      throw error instanceof CallError ? failureFor(error.payload) : error;
    }
  }
}

function opened(file: unknown): Open {
  return { file, position: 0n, appends: false };
}

function failureFor(payload: unknown): Error {
  const isStream = typeof payload === "object" && payload !== null && "val" in payload;
  const cause = isStream ? (payload.val as { readonly cause: unknown }).cause : undefined;
  if (cause instanceof Error) return cause;
  return failure(byCode.get(String(payload)) ?? "io");
}

/** A component's string is text: the canonical ABI ends a guest that hands over anything else. */
function textOf(path: AttackPath): string {
  if (typeof path === "string") return path;
  try {
    return strict.decode(path);
  } catch {
    throw failure("ilseq");
  }
}

function timestamp(time: bigint): unknown {
  return { tag: "timestamp", val: { seconds: time / 1_000_000_000n, nanoseconds: Number(time % 1_000_000_000n) } };
}
