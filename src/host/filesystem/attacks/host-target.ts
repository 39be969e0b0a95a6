import { noGrants } from "../../../capabilities/index.ts";
import type { DescriptorTable } from "../../descriptor.ts";
import { type HostInstance, HostWorkload } from "../../workload.ts";
import { Buffers, type FileCalls, FileStat, type FollowMode } from "../file-calls.ts";
import type { Path } from "../path.ts";
import type { AttackEntry, AttackPath, AttackStat, AttackTarget } from "./attack.ts";
import type { World } from "./world.ts";

/** The guest's view of a world: two folders, of which it may write one. */
export function openWorkload(calls: FileCalls, world: World): HostWorkload {
  const files = [
    { host: world.at("granted"), guest: "/granted", access: "read-write" },
    { host: world.at("readonly"), guest: "/readonly", access: "read-only" },
  ] as const;
  return new HostWorkload({ ...noGrants, files }, { calls });
}

/** Drives the host without an ABI: the descriptors that every ABI works on. */
export class HostTarget implements AttackTarget {
  /** Behind the three standard streams, as in every instance. */
  readonly folder = 3;
  readonly readOnly = 4;
  readonly #workload: HostWorkload;
  readonly #instance: HostInstance;
  readonly #table: DescriptorTable;
  readonly #paths: readonly [Path, Path];

  constructor(calls: FileCalls, world: World) {
    this.#workload = openWorkload(calls, world);
    this.#instance = this.#workload.createInstance();
    this.#table = this.#instance.descriptors;
    this.#paths = this.#instance.paths;
  }

  open(dir: number, path: AttackPath, bits: number): number {
    this.#table.reserve();
    return this.#table.insert(this.#table.get(dir).open(this.#path(path), bits));
  }

  close(fd: number): void {
    this.#table.close(fd);
  }

  renumber(from: number, to: number): void {
    this.#table.renumber(from, to);
  }

  read(fd: number, length: number): Uint8Array {
    const into = oneBuffer(new Uint8Array(length));
    return into.memory.subarray(0, counted(this.#table.get(fd).read(into)));
  }

  write(fd: number, bytes: Uint8Array): number {
    return counted(this.#table.get(fd).write(oneBuffer(bytes)));
  }

  setAppend(fd: number, append: boolean): void {
    this.#table.get(fd).setFlags({ append, nonblock: false });
  }

  truncate(fd: number, size: bigint): void {
    this.#table.get(fd).truncate(size);
  }

  allocate(fd: number, length: bigint): void {
    this.#table.get(fd).allocate(0n, length);
  }

  setTimes(fd: number, time: bigint): void {
    this.#table.get(fd).setTimes(time, time);
  }

  statOf(fd: number): AttackStat {
    const stat = new FileStat();
    this.#table.get(fd).stat(stat);
    return stat;
  }

  list(fd: number): AttackEntry[] {
    const reader = this.#table.get(fd).readDirectory();
    const entries: AttackEntry[] = [];
    reader.seek(0n);
    while (reader.next()) {
      const { nameStart, nameLength, ino } = reader;
      entries.push({ name: Buffer.from(reader.bytes.subarray(nameStart, nameStart + nameLength)).toString(), ino });
    }
    return entries;
  }

  stat(dir: number, path: AttackPath, follow: FollowMode): AttackStat {
    const stat = new FileStat();
    this.#table.get(dir).statAt(this.#path(path), follow, stat);
    return stat;
  }

  setTimesAt(dir: number, path: AttackPath, follow: FollowMode, time: bigint): void {
    this.#table.get(dir).setTimesAt(this.#path(path), { follow, atime: time, mtime: time });
  }

  mkdir(dir: number, path: AttackPath): void {
    this.#table.get(dir).makeDirectory(this.#path(path));
  }

  rmdir(dir: number, path: AttackPath): void {
    this.#table.get(dir).removeDirectory(this.#path(path));
  }

  unlink(dir: number, path: AttackPath): void {
    this.#table.get(dir).unlink(this.#path(path));
  }

  rename(fromDir: number, from: AttackPath, toDir: number, to: AttackPath): void {
    this.#table.get(fromDir).rename(this.#path(from), this.#table.get(toDir), this.#path(to, 1));
  }

  link(fromDir: number, from: AttackPath, follow: FollowMode, toDir: number, to: AttackPath): void {
    const target = { folder: this.#table.get(toDir), path: this.#path(to, 1) };
    this.#table.get(fromDir).link(this.#path(from), follow, target);
  }

  symlink(target: AttackPath, dir: number, path: AttackPath): void {
    this.#table.get(dir).symlink(this.#path(target), this.#path(path, 1));
  }

  readlink(dir: number, path: AttackPath): Uint8Array {
    return this.#table.get(dir).readLink(this.#path(path)).slice();
  }

  dispose(): void {
    this.#instance.close();
    this.#workload.close();
  }

  #path(path: AttackPath, which: 0 | 1 = 0): Path {
    const buffer = this.#paths[which];
    if (typeof path === "string") buffer.setText(path);
    else buffer.set(path, 0, path.length);
    return buffer;
  }
}

function oneBuffer(bytes: Uint8Array): Buffers {
  const buffers = new Buffers();
  buffers.reset(bytes);
  buffers.add(0, bytes.length);
  return buffers;
}

function counted(count: number | Promise<number>): number {
  if (typeof count !== "number") throw new TypeError("A file's transfer waited in an instance that is used at once");
  return count;
}
