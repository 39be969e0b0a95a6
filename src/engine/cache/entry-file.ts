import { closeSync, fstatSync, futimesSync, openSync, promises, readSync, writeSync } from "node:fs";
import { type Checksum, checksumBytes } from "./checksum.ts";

/** What is kept of a module. */
export interface CacheEntry {
  /** The rewritten module. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What belongs to it, in a form that the cache does not look into. */
  readonly meta: Uint8Array;
}

/** An entry's file: a magic number with the form's version, the lengths of name, meta and bytes, those, the checksum. */
const magic = 0x31_63_70_73;
const headBytes = 20;
/** Bytes that are read at once and summed up while they are in a core's own cache. */
const pieceBytes = 128 * 1024;
/** A larger file is none of ours: V8 takes no module of more than 1 GiB. */
const mostBytes = 2 ** 31;

/** Bytes that an entry's file takes. */
export function entrySize(name: string, { bytes, meta }: CacheEntry): number {
  return headBytes + name.length + meta.length + bytes.length + checksumBytes;
}

/** Writes an entry to a new file. @throws the system's error, such as for a full disk */
export function writeEntry(fd: number, name: string, entry: CacheEntry, checksum: Checksum): void {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(name.length, 4);
  head.writeUInt32LE(entry.meta.length, 8);
  head.writeDoubleLE(entry.bytes.length, 12);
  checksum.reset();
  for (const part of [head, Buffer.from(name, "latin1"), entry.meta, entry.bytes]) {
    checksum.update(part);
    writeWhole(fd, part);
  }
  writeWhole(fd, checksum.finish());
}

/**
 * Reads an entry; undefined where the file is not exactly what {@link writeEntry} wrote under that name. It is read through one
 * open descriptor, so that whoever removes or replaces the file meanwhile changes nothing.
 *
 * @throws the system's error, ENOENT among them
 */
export function readEntry(path: string, name: string, checksum: Checksum): CacheEntry | undefined {
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(headBytes);
    if (readSync(fd, head) !== headBytes) return undefined;
    const parts = partsOf(head, fstatSync(fd).size, name);
    if (parts === undefined) return undefined;
    checksum.reset();
    checksum.update(head);
    for (const part of [parts.name, parts.meta, parts.bytes]) if (!readWhole(fd, part, checksum)) return undefined;
    if (readSync(fd, parts.checksum) !== checksumBytes) return undefined;
    return usedIf(fd, isIntact(parts, name, checksum) ? parts : undefined);
  } finally {
    closeSync(fd);
  }
}

/** {@link readEntry}, where other work goes on while the disk is read. */
export async function readEntryLater(path: string, name: string, checksum: Checksum): Promise<CacheEntry | undefined> {
  const file = await promises.open(path, "r");
  try {
    const head = Buffer.alloc(headBytes);
    if ((await file.read(head)).bytesRead !== headBytes) return undefined;
    const parts = partsOf(head, (await file.stat()).size, name);
    if (parts === undefined) return undefined;
    const inOrder = [parts.name, parts.meta, parts.bytes];
    for (const part of [...inOrder, parts.checksum]) {
      for (let at = 0; at < part.length;) {
        const { bytesRead } = await file.read(part, at, part.length - at, null);
        if (bytesRead === 0) return undefined;
        at += bytesRead;
      }
    }
    checksum.reset();
    for (const part of [head, ...inOrder]) checksum.update(part);
    return usedIf(file.fd, isIntact(parts, name, checksum) ? parts : undefined);
  } finally {
    await file.close();
  }
}

interface Parts {
  readonly name: Buffer;
  readonly meta: Uint8Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly checksum: Buffer;
}

/** Room for what a head announces; undefined where that is not what the file's size comes to. */
function partsOf(head: Buffer, size: number, name: string): Parts | undefined {
  if (head.readUInt32LE(0) !== magic || size > mostBytes) return undefined;
  const [nameLength, metaLength, length] = [head.readUInt32LE(4), head.readUInt32LE(8), head.readDoubleLE(12)];
  if (!Number.isInteger(length) || length < 0 || nameLength !== name.length) return undefined;
  if (headBytes + nameLength + metaLength + length + checksumBytes !== size) return undefined;
  return {
    name: Buffer.alloc(nameLength),
    meta: new Uint8Array(metaLength),
    bytes: new Uint8Array(length),
    checksum: Buffer.alloc(checksumBytes),
  };
}

function isIntact(parts: Parts, name: string, checksum: Checksum): boolean {
  return parts.checksum.equals(checksum.finish()) && parts.name.toString("latin1") === name;
}

/** An entry that was read whole, its file marked as used. */
function usedIf(fd: number, parts: Parts | undefined): CacheEntry | undefined {
  if (parts === undefined) return undefined;
  markUsed(fd);
  return { bytes: parts.bytes, meta: parts.meta };
}

/** The time of the last use is the file's modification time: that of access is not kept everywhere. */
function markUsed(fd: number): void {
  try {
    const now = Date.now() / 1000;
    futimesSync(fd, now, now);
  } catch {
    // On a read-only disk nothing is evicted either.
  }
}

function readWhole(fd: number, into: Uint8Array, checksum: Checksum): boolean {
  for (let at = 0; at < into.length;) {
    const count = readSync(fd, into, at, Math.min(pieceBytes, into.length - at), null);
    if (count === 0) return false;
    checksum.update(into.subarray(at, at + count));
    at += count;
  }
  return true;
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at);
}
