import assert from "node:assert/strict";
import { bindCall, Preview1Context, preview1Modules } from "../../../abi/index.ts";
import { type Errno, errnoTable, failure } from "../../../base/index.ts";
import type { HostInstance, HostWorkload } from "../../workload.ts";
import { type FileCalls, type FollowMode, open } from "../file-calls.ts";
import type { AttackEntry, AttackPath, AttackStat, AttackTarget } from "./attack.ts";
import { openWorkload } from "./host-target.ts";
import type { World } from "./world.ts";

/** The modules whose calls are driven: the present preview 1 and the older snapshot. */
export type Preview1Module = "wasi_snapshot_preview1" | "wasi_unstable";

const room = { first: 0x1_0000, second: 0x4_0000, result: 0x8_0000, data: 0x9_0000, dataSize: 0x1_0000 } as const;
const guard = 0xa5;
const guardSize = 64;
const rightsRead = (1n << 1n) | (1n << 14n);
const rightsWrite = 1n << 6n;
const setBothTimes = 1 | 4;
const encoder = new TextEncoder();
const byNumber = new Map(Object.entries(errnoTable).map(([name, { preview1 }]) => [preview1 as number, name as Errno]));

type Core = (...args: (number | bigint)[]) => number;

/** Drives the calls that a preview 1 guest imports, on a memory with guard bytes around each result. */
export class Preview1Target implements AttackTarget {
  readonly folder = 3;
  readonly readOnly = 4;
  readonly #workload: HostWorkload;
  readonly #instance: HostInstance;
  readonly #calls = new Map<string, Core>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isOlder: boolean;

  constructor(calls: FileCalls, world: World, module: Preview1Module) {
    this.#isOlder = module === "wasi_unstable";
    this.#workload = openWorkload(calls, world);
    this.#instance = this.#workload.createInstance();
    const memory = new WebAssembly.Memory({ initial: 16 });
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    const context = new Preview1Context({
      host: this.#instance,
      args: ["attack"],
      end: (outcome) => {
        throw new Error(`The guest was ended: ${JSON.stringify(outcome)}`, {
          cause: "error" in outcome ? outcome.error : undefined,
        });
      },
    });
    context.memory.attach(memory);
    for (const [name, row] of Object.entries(preview1Modules[module] ?? {})) {
      this.#calls.set(name, bindCall(name, row, { context }) as Core);
    }
  }

  open(dir: number, path: AttackPath, bits: number): number {
    const has = (bit: number, value: number) => ((bits & bit) === 0 ? 0 : value);
    const oflags = has(open.create, 1) | has(open.directory, 2) | has(open.exclusive, 4) | has(open.truncate, 8);
    const rights = ((bits & open.read) === 0 ? 0n : rightsRead) | ((bits & open.write) === 0 ? 0n : rightsWrite);
    const follow = has(open.follow, 1);
    this.#call(
      "path_open",
      [dir, follow, ...this.#path(path), oflags, rights, rights, has(open.append, 1), room.result],
      4,
    );
    return this.#view.getUint32(room.result, true);
  }

  close(fd: number): void {
    this.#call("fd_close", [fd]);
  }

  renumber(from: number, to: number): void {
    this.#call("fd_renumber", [from, to]);
  }

  read(fd: number, length: number): Uint8Array {
    this.#call("fd_read", [fd, this.#iovec(length), 1, room.result], 4);
    return this.#bytes.slice(room.data, room.data + this.#view.getUint32(room.result, true));
  }

  write(fd: number, bytes: Uint8Array): number {
    this.#bytes.set(bytes, room.data);
    this.#call("fd_write", [fd, this.#iovec(bytes.length), 1, room.result], 4);
    return this.#view.getUint32(room.result, true);
  }

  setAppend(fd: number, append: boolean): void {
    this.#call("fd_fdstat_set_flags", [fd, append ? 1 : 0]);
  }

  truncate(fd: number, size: bigint): void {
    this.#call("fd_filestat_set_size", [fd, size]);
  }

  allocate(fd: number, length: bigint): void {
    this.#call("fd_allocate", [fd, 0n, length]);
  }

  setTimes(fd: number, time: bigint): void {
    this.#call("fd_filestat_set_times", [fd, time, time, setBothTimes]);
  }

  statOf(fd: number): AttackStat {
    return this.#stat("fd_filestat_get", [fd]);
  }

  list(fd: number): AttackEntry[] {
    const entries: AttackEntry[] = [];
    for (let cookie = 0n; ;) {
      this.#call("fd_readdir", [fd, room.data, room.dataSize, cookie, room.result], 4);
      const used = this.#view.getUint32(room.result, true);
      const before = entries.length;
      for (let at = room.data; at + 24 <= room.data + used;) {
        const length = this.#view.getUint32(at + 16, true);
        if (at + 24 + length > room.data + used) break;
        cookie = this.#view.getBigUint64(at, true);
        const name = Buffer.from(this.#bytes.subarray(at + 24, at + 24 + length)).toString();
        entries.push({ name, ino: this.#view.getBigUint64(at + 8, true) });
        at += 24 + length;
      }
      if (used < room.dataSize || entries.length === before) return entries;
    }
  }

  stat(dir: number, path: AttackPath, follow: FollowMode): AttackStat {
    return this.#stat("path_filestat_get", [dir, followFlag(follow), ...this.#path(path)]);
  }

  setTimesAt(dir: number, path: AttackPath, follow: FollowMode, time: bigint): void {
    this.#call("path_filestat_set_times", [dir, followFlag(follow), ...this.#path(path), time, time, setBothTimes]);
  }

  mkdir(dir: number, path: AttackPath): void {
    this.#call("path_create_directory", [dir, ...this.#path(path)]);
  }

  rmdir(dir: number, path: AttackPath): void {
    this.#call("path_remove_directory", [dir, ...this.#path(path)]);
  }

  unlink(dir: number, path: AttackPath): void {
    this.#call("path_unlink_file", [dir, ...this.#path(path)]);
  }

  rename(fromDir: number, from: AttackPath, toDir: number, to: AttackPath): void {
    this.#call("path_rename", [fromDir, ...this.#path(from), toDir, ...this.#path(to, room.second)]);
  }

  link(fromDir: number, from: AttackPath, follow: FollowMode, toDir: number, to: AttackPath): void {
    this.#call("path_link", [fromDir, followFlag(follow), ...this.#path(from), toDir, ...this.#path(to, room.second)]);
  }

  symlink(target: AttackPath, dir: number, path: AttackPath): void {
    this.#call("path_symlink", [...this.#path(target), dir, ...this.#path(path, room.second)]);
  }

  readlink(dir: number, path: AttackPath): Uint8Array {
    this.#call("path_readlink", [dir, ...this.#path(path), room.data, room.dataSize, room.result], 4);
    return this.#bytes.slice(room.data, room.data + this.#view.getUint32(room.result, true));
  }

  dispose(): void {
    this.#instance.close();
    this.#workload.close();
  }

  #stat(name: string, parameters: readonly number[]): AttackStat {
    this.#call(name, [...parameters, room.result], this.#isOlder ? 56 : 64);
    return {
      ino: this.#view.getBigUint64(room.result + 8, true),
      size: this.#view.getBigUint64(room.result + (this.#isOlder ? 24 : 32), true),
    };
  }

  #path(path: AttackPath, at: number = room.first): [number, number] {
    const bytes = typeof path === "string" ? encoder.encode(path) : path;
    // Only what fits is laid out; a longer one claims its length all the same, and lies within the memory.
    this.#bytes.set(bytes.subarray(0, room.second - room.first), at);
    return [at, bytes.length];
  }

  #iovec(length: number): number {
    this.#view.setUint32(room.first, room.data, true);
    this.#view.setUint32(room.first + 4, length, true);
    return room.first;
  }

  /** Calls, and checks that the result stands where it belongs and nothing around it. */
  #call(name: string, parameters: readonly (number | bigint)[], resultSize = 0): void {
    const run = this.#calls.get(name);
    assert.ok(run, `No call "${name}"`);
    const start = room.result - guardSize;
    const end = room.result + resultSize + guardSize;
    this.#bytes.fill(guard, start, end);
    const errno = run(...parameters);
    const around = [
      ...this.#bytes.subarray(start, room.result),
      ...this.#bytes.subarray(room.result + resultSize, end),
    ];
    assert.ok(
      around.every((byte) => byte === guard),
      `"${name}" wrote around its result`,
    );
    if (errno === 0) return;
    const failed = byNumber.get(errno);
    assert.ok(failed, `"${name}" answered the unknown error ${errno}`);
    throw failure(failed);
  }
}

function followFlag(follow: FollowMode): number {
  return follow === "follow" ? 1 : 0;
}
