import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { AccessRequest } from "../capabilities/index.ts";
import { Descriptor, type DescriptorAccess } from "./descriptor.ts";
import { Buffers, type FileStat, type FileType } from "./filesystem/file-calls.ts";
import { Path } from "./filesystem/path.ts";
import type { Observer } from "./observer.ts";

/** An observer that keeps what it hears. */
export class Listener implements Observer {
  readonly isLearning: boolean;
  readonly uses: AccessRequest[] = [];
  readonly refusals: AccessRequest[] = [];

  constructor({ isLearning = false }: { isLearning?: boolean } = {}) {
    this.isLearning = isLearning;
  }

  used(request: AccessRequest): void {
    this.uses.push(request);
  }

  refused(request: AccessRequest): void {
    this.refusals.push(request);
  }
}

/** A descriptor that only counts how often it is closed. */
export class Dummy extends Descriptor {
  readonly access: DescriptorAccess = { read: true, write: true };
  closed = 0;

  type(): FileType {
    return "unknown";
  }
  stat(_out: FileStat): void {}
  override close(): void {
    this.closed += 1;
  }
}

/** A new folder that is removed when the tests of the file are over. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sampan-host-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Pieces with these texts. */
export function buffersOf(...texts: readonly string[]): Buffers {
  const buffers = new Buffers();
  const pieces = texts.map((text) => Buffer.from(text));
  buffers.reset(new Uint8Array(Buffer.concat(pieces)));
  let at = 0;
  for (const { length } of pieces) {
    buffers.add(at, length);
    at += length;
  }
  return buffers;
}

/** A path as any file calls take it. */
export function pathOf(text: string, path = new Path()): Path {
  path.setText(text);
  return path;
}
