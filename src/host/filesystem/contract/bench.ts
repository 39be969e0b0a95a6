import assert from "node:assert/strict";
import { join } from "node:path";
import { type Errno, HostError } from "../../../base/index.ts";
import { Buffers, type FileCalls, FileStat, open } from "../file-calls.ts";
import type { Path } from "../path.ts";

/** An implementation that the contract is run on. */
export interface ContractSubject {
  readonly label: string;
  create(): FileCalls;
  /** Whether names are reached from held descriptors, so that a renamed folder stays the one that is open. */
  readonly followsRenames: boolean;
  /** How far a time that is set may be off, in nanoseconds. */
  readonly timePrecision: bigint;
}

/** The tools of one test: an implementation and a folder of its own. */
export class Bench {
  readonly calls: FileCalls;
  readonly host: string;
  readonly dir: number;
  readonly stat = new FileStat();

  constructor(calls: FileCalls, host: string) {
    this.calls = calls;
    this.host = host;
    this.dir = calls.openRoot(host);
  }

  path(text: string): Path {
    const path = this.calls.makePath();
    path.setText(text);
    return path;
  }

  at(name: string): string {
    return join(this.host, name);
  }

  open(name: string, bits: number, dir = this.dir): number {
    return this.calls.open(dir, this.path(name), bits);
  }

  read(fd: number, length = 4096): string {
    const into = buffersOf(new Uint8Array(length));
    return Buffer.from(into.memory.subarray(0, this.calls.read(fd, into))).toString();
  }

  write(fd: number, text: string): number {
    return this.calls.write(fd, buffersOf(Buffer.from(text)));
  }

  content(name: string, bits: number = open.read | open.follow, dir = this.dir): string {
    const fd = this.open(name, bits, dir);
    try {
      return this.read(fd);
    } finally {
      this.calls.close(fd);
    }
  }

  statAt(name: string, follow: "follow" | "nofollow" = "nofollow"): FileStat {
    this.calls.statAt(this.dir, this.path(name), follow, this.stat);
    return this.stat;
  }

  names(name: string): string[] {
    const fd = this.open(name, open.read | open.directory);
    const reader = this.calls.readDirectory(fd);
    const found: string[] = [];
    reader.seek(0n);
    while (reader.next()) {
      found.push(Buffer.from(reader.bytes.subarray(reader.nameStart, reader.nameStart + reader.nameLength)).toString());
    }
    reader.close();
    this.calls.close(fd);
    return found;
  }
}

/** Pieces that lie one behind the other in a memory of their own. */
export function buffersOf(...pieces: Uint8Array[]): Buffers {
  const memory = new Uint8Array(Buffer.concat(pieces));
  const buffers = new Buffers();
  buffers.reset(memory);
  let at = 0;
  for (const piece of pieces) {
    buffers.add(at, piece.length);
    at += piece.length;
  }
  return buffers;
}

/** Asserts that a call throws HostError of this name. */
export function fails(errno: Errno, call: () => unknown): void {
  assert.throws(call, (error) => {
    assert.ok(error instanceof HostError, String(error));
    assert.equal(error.errno, errno);
    return true;
  });
}

/** Defines a test of the subject. */
export type It = (name: string, run: () => void) => void;
/** The bench of the running test. */
export type GetBench = () => Bench;
