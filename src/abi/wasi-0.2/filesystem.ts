import { failure, HostError } from "../../base/index.ts";
import { type Advice, FileStat, type FollowMode, openBits, type Path, type SetTime } from "../../host/index.ts";
import { type Datetime, datetimeOf, nanosecondsOf } from "./clocks.ts";
import { mostBytes, type Wasi02Context } from "./context.ts";
import { filesystemCode, type IoError } from "./errors.ts";
import { grantedFolders } from "./folders.ts";
import { InputStream } from "./input-stream.ts";
import { AppendSink, DirectoryEntryStream, FileSink, FileSource, OpenFile, signed } from "./open-file.ts";
import { OutputStream } from "./output-stream.ts";
import type { Wasi02Interface, Wasi02Rows } from "./row.ts";

/** `path-flags`, `open-flags`, `descriptor-flags`: what is absent is not set. */
type Flags<K extends string> = { readonly [Name in K]?: boolean };
type PathFlags = Flags<"symlinkFollow">;
type OpenFlags = Flags<"create" | "directory" | "exclusive" | "truncate">;
type DescriptorFlagNames =
  | "read"
  | "write"
  | "fileIntegritySync"
  | "dataIntegritySync"
  | "requestedWriteSync"
  | "mutateDirectory";

interface NewTimestamp {
  readonly tag: "no-change" | "now" | "timestamp";
  readonly val?: Datetime;
}

const advices: Readonly<Record<string, Advice>> = {
  normal: "normal",
  sequential: "sequential",
  random: "random",
  "will-need": "willneed",
  "dont-need": "dontneed",
  "no-reuse": "noreuse",
};

function pathOf(context: Wasi02Context, text: string, which: 0 | 1 = 0): Path {
  const path = context.host.paths[which];
  context.lastStat = undefined;
  const bytes = context.shortText;
  const length = text.length <= bytes.length ? asciiBytes(text, bytes) : undefined;
  if (length !== undefined) {
    path.set(bytes, 0, length);
    return path;
  }
  path.setText(text);
  return path;
}

/** Writes a text of ASCII alone and answers its length; undefined for any other. */
function asciiBytes(text: string, bytes: Uint8Array): number | undefined {
  const { length } = text;
  for (let at = 0; at < length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x80) return undefined;
    bytes[at] = unit;
  }
  return length;
}

function followMode({ symlinkFollow }: PathFlags): FollowMode {
  return symlinkFollow === true ? "follow" : "nofollow";
}

function timeOf({ tag, val }: NewTimestamp): SetTime {
  if (tag === "no-change") return "keep";
  return val === undefined ? "now" : signed(nanosecondsOf(val));
}

function openingBits(path: PathFlags, open: OpenFlags, flags: Flags<DescriptorFlagNames>): number {
  const { create, directory, exclusive, truncate } = open;
  if (directory === true && (create === true || exclusive === true || truncate === true)) throw failure("inval");
  const bit = (isSet: boolean | undefined, value: number): number => (isSet === true ? value : 0);
  return (
    bit(flags.read === true || flags.write !== true, openBits.read) |
    bit(flags.write, openBits.write) |
    bit(create, openBits.create) |
    bit(directory, openBits.directory) |
    bit(exclusive, openBits.exclusive) |
    bit(truncate, openBits.truncate) |
    bit(path.symlinkFollow, openBits.follow) |
    bit(flags.fileIntegritySync, openBits.sync) |
    bit(flags.requestedWriteSync, openBits.sync) |
    bit(flags.dataIntegritySync, openBits.dsync)
  );
}

function statRecord(stat: FileStat): object {
  return {
    type: stat.type,
    linkCount: stat.nlink,
    size: stat.size,
    dataAccessTimestamp: datetimeOf(stat.atime),
    dataModificationTimestamp: datetimeOf(stat.mtime),
    statusChangeTimestamp: datetimeOf(stat.ctime),
  };
}

/** A bijection of 32-bit numbers that spreads each bit over all (MurmurHash3's finish). */
function mixed(value: number): number {
  let word = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
  return word ^ (word >>> 16);
}

/** What tells one file from another as long as it is there: device and inode, mixed so that each pair has one of its own. */
function hashOf({ dev, ino }: FileStat): { readonly lower: bigint; readonly upper: bigint } {
  const whole = BigUint64Array.of(dev, ino);
  const words = new Int32Array(whole.buffer);
  for (let step = 0; step < 12; step++) {
    const at = step & 3;
    words[at] = mixed((words[at] ?? 0) ^ (words[(step + 3) & 3] ?? 0)) + step;
  }
  const [lower = 0n, upper = 0n] = whole;
  return { lower, upper };
}

function statAt(context: Wasi02Context, { descriptor }: OpenFile, flags: PathFlags, text: string): FileStat {
  const stat = new FileStat();
  descriptor.statAt(pathOf(context, text), followMode(flags), stat);
  return stat;
}

/** What `stat-at` answered for the same path right before: a C library asks for the hash as the inode's number, each time. */
function takeLastStat(context: Wasi02Context, folder: OpenFile, flags: PathFlags, text: string): FileStat | undefined {
  const last = context.lastStat;
  if (last?.text !== text || last.folder !== folder || last.follow !== followMode(flags)) return undefined;
  context.lastStat = undefined;
  return last.stat;
}

function checkReadable({ descriptor }: OpenFile): void {
  if (!descriptor.access.read) throw failure("badf");
}

function checkWritable({ descriptor }: OpenFile): void {
  if (!descriptor.access.write) throw failure("badf");
}

const streamRows = {
  "[method]descriptor.read-via-stream": {
    docs: "A stream that reads from an offset on.",
    run(context: Wasi02Context, file: OpenFile, offset: bigint): InputStream {
      checkReadable(file);
      return new InputStream(context, new FileSource(file, offset));
    },
  },
  "[method]descriptor.write-via-stream": {
    docs: "A stream that writes from an offset on.",
    run(context: Wasi02Context, file: OpenFile, offset: bigint): OutputStream {
      checkWritable(file);
      return new OutputStream(context, new FileSink(file, offset));
    },
  },
  "[method]descriptor.append-via-stream": {
    docs: "A stream that writes at the end, wherever that is by then.",
    run(context: Wasi02Context, file: OpenFile): OutputStream {
      checkWritable(file);
      return new OutputStream(context, new AppendSink(file));
    },
  },
  "[method]descriptor.read": {
    docs: "Reads at an offset, at most 1 MiB at once; true with it says that the end was reached.",
    run(context: Wasi02Context, { descriptor }: OpenFile, length: bigint, offset: bigint): [Uint8Array, boolean] {
      const bytes = context.scratch(length < BigInt(mostBytes) ? Number(length) : mostBytes);
      const count = descriptor.readAt(context.piece(bytes), signed(offset));
      context.host.meter.bytesIn += count;
      return [bytes.subarray(0, count), count === 0 && bytes.length > 0];
    },
  },
  "[method]descriptor.write": {
    docs: "Writes at an offset and answers how many bytes it took.",
    takesViews: true,
    run(context: Wasi02Context, file: OpenFile, bytes: Uint8Array, offset: bigint): bigint {
      const { descriptor } = file;
      file.setAppend(false);
      const count = descriptor.writeAt(context.piece(bytes), signed(offset));
      context.host.meter.bytesOut += count;
      return BigInt(count);
    },
  },
} satisfies Wasi02Rows;

const fileRows = {
  "[method]descriptor.advise": {
    docs: "Tells the system how a range will be used.",
    run(_context: Wasi02Context, { descriptor }: OpenFile, offset: bigint, length: bigint, advice: string): void {
      descriptor.advise(signed(offset), signed(length), advices[advice] ?? "normal");
    },
  },
  "[method]descriptor.sync-data": {
    docs: "Writes a file's data through to the disk.",
    run: (_context: Wasi02Context, { descriptor }: OpenFile): void => descriptor.sync("data"),
  },
  "[method]descriptor.sync": {
    docs: "Writes a file's data and metadata through to the disk.",
    run: (_context: Wasi02Context, { descriptor }: OpenFile): void => descriptor.sync("all"),
  },
  "[method]descriptor.get-flags": {
    docs: "How it was opened.",
    run(_context: Wasi02Context, { descriptor }: OpenFile): Flags<DescriptorFlagNames> {
      const { access, flags } = descriptor;
      const mutateDirectory =
        descriptor.type() === "directory" && "isWritable" in descriptor && descriptor.isWritable === true;
      const { sync: fileIntegritySync, dsync: dataIntegritySync } = flags;
      return { ...access, fileIntegritySync, dataIntegritySync, requestedWriteSync: false, mutateDirectory };
    },
  },
  "[method]descriptor.get-type": {
    docs: "What it is.",
    run: (_context: Wasi02Context, { descriptor }: OpenFile): string => descriptor.type(),
  },
  "[method]descriptor.set-size": {
    docs: "Cuts or extends a file.",
    run(_context: Wasi02Context, file: OpenFile, size: bigint): void {
      checkWritable(file);
      file.descriptor.truncate(signed(size));
    },
  },
  "[method]descriptor.set-times": {
    docs: "Sets the times of last access and modification.",
    run: (_context: Wasi02Context, { descriptor }: OpenFile, atime: NewTimestamp, mtime: NewTimestamp): void =>
      descriptor.setTimes(timeOf(atime), timeOf(mtime)),
  },
  "[method]descriptor.stat": {
    docs: "Type, links, size and times.",
    run: (_context: Wasi02Context, file: OpenFile): object => statRecord(file.stat()),
  },
  "[method]descriptor.is-same-object": {
    docs: "Whether two are one file, by device and inode.",
    run(_context: Wasi02Context, file: OpenFile, other: OpenFile): boolean {
      if (file === other || file.descriptor === other.descriptor) return true;
      const [its, others] = [file.stat(), other.stat()];
      return its.dev === others.dev && its.ino === others.ino;
    },
  },
  "[method]descriptor.metadata-hash": {
    docs: "A hash of device and inode.",
    run: (_context: Wasi02Context, file: OpenFile): object => hashOf(file.stat()),
  },
  "[method]descriptor.read-directory": {
    docs: "A listing from the first entry on.",
    run: (_context: Wasi02Context, file: OpenFile): DirectoryEntryStream => new DirectoryEntryStream(file),
  },
  "[method]directory-entry-stream.read-directory-entry": {
    docs: "The next entry; `.` and `..` are left out.",
    run: (_context: Wasi02Context, listing: DirectoryEntryStream): object | undefined => listing.next(),
  },
} satisfies Wasi02Rows;

const pathRows = {
  "[method]descriptor.create-directory-at": {
    docs: "Makes a folder.",
    run: (context: Wasi02Context, { descriptor }: OpenFile, path: string): void =>
      descriptor.makeDirectory(pathOf(context, path)),
  },
  "[method]descriptor.stat-at": {
    docs: "Type, links, size and times of what a path names.",
    run(context: Wasi02Context, folder: OpenFile, flags: PathFlags, path: string): object {
      const stat = statAt(context, folder, flags, path);
      context.lastStat = { folder, text: path, follow: followMode(flags), stat };
      return statRecord(stat);
    },
  },
  "[method]descriptor.set-times-at": {
    docs: "Sets the times of what a path names.",
    run(
      context: Wasi02Context,
      { descriptor }: OpenFile,
      flags: PathFlags,
      path: string,
      ...[atime, mtime]: [NewTimestamp, NewTimestamp]
    ): void {
      const times = { follow: followMode(flags), atime: timeOf(atime), mtime: timeOf(mtime) };
      descriptor.setTimesAt(pathOf(context, path), times);
    },
  },
  "[method]descriptor.link-at": {
    docs: "Gives a file a second name. Both folders have to be writable; following a link is invalid.",
    run(
      context: Wasi02Context,
      { descriptor }: OpenFile,
      flags: PathFlags,
      path: string,
      ...[folder, newPath]: [OpenFile, string]
    ): void {
      if (flags.symlinkFollow === true) throw failure("inval");
      const to = { folder: folder.descriptor, path: pathOf(context, newPath, 1) };
      descriptor.link(pathOf(context, path), "nofollow", to);
    },
  },
  "[method]descriptor.open-at": {
    docs: "Opens a file or folder, never waiting for it.",
    run(
      context: Wasi02Context,
      { descriptor }: OpenFile,
      pathFlags: PathFlags,
      path: string,
      ...[open, flags]: [OpenFlags, Flags<DescriptorFlagNames>]
    ): OpenFile {
      const { descriptors } = context.host;
      descriptors.reserve();
      const opened = descriptor.open(pathOf(context, path), openingBits(pathFlags, open, flags));
      return new OpenFile(context, opened, descriptors.insert(opened));
    },
  },
  "[method]descriptor.readlink-at": {
    docs: "Where a symbolic link leads; absolute targets are refused.",
    run(context: Wasi02Context, { descriptor }: OpenFile, path: string): string {
      try {
        return strictDecoder.decode(descriptor.readLink(pathOf(context, path)));
      } catch (error) {
        throw error instanceof HostError ? error : failure("ilseq");
      }
    },
  },
  "[method]descriptor.remove-directory-at": {
    docs: "Removes an empty folder.",
    run: (context: Wasi02Context, { descriptor }: OpenFile, path: string): void =>
      descriptor.removeDirectory(pathOf(context, path)),
  },
  "[method]descriptor.rename-at": {
    docs: "Gives a file another name, in place of what had that name. Both folders have to be writable.",
    run: (context: Wasi02Context, { descriptor }: OpenFile, path: string, to: OpenFile, newPath: string): void =>
      descriptor.rename(pathOf(context, path), to.descriptor, pathOf(context, newPath, 1)),
  },
  "[method]descriptor.symlink-at": {
    docs: "Makes a symbolic link; absolute targets are refused.",
    run: (context: Wasi02Context, { descriptor }: OpenFile, target: string, path: string): void =>
      descriptor.symlink(pathOf(context, target), pathOf(context, path, 1)),
  },
  "[method]descriptor.unlink-file-at": {
    docs: "Removes a file's name.",
    run: (context: Wasi02Context, { descriptor }: OpenFile, path: string): void =>
      descriptor.unlink(pathOf(context, path)),
  },
  "[method]descriptor.metadata-hash-at": {
    docs: "A hash of device and inode of what a path names.",
    run: (context: Wasi02Context, folder: OpenFile, flags: PathFlags, path: string): object =>
      hashOf(takeLastStat(context, folder, flags, path) ?? statAt(context, folder, flags, path)),
  },
} satisfies Wasi02Rows;

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Files and folders below the granted folders. */
export const filesystemTypes: Wasi02Interface = {
  errorOf: filesystemCode,
  rows: {
    ...streamRows,
    ...fileRows,
    ...pathRows,
    "[resource-drop]descriptor": {
      docs: "Closes it once its streams and listings are gone too.",
      run: (_context: Wasi02Context, file: OpenFile): void => file.release(),
    },
    "[resource-drop]directory-entry-stream": {
      docs: "Ends a listing.",
      run: (_context: Wasi02Context, listing: DirectoryEntryStream): void => listing.close(),
    },
    "filesystem-error-code": {
      docs: "The error code that a stream's error stands for, if it is one of a file's.",
      run: (_context: Wasi02Context, { cause }: IoError): string | undefined =>
        cause instanceof HostError ? filesystemCode(cause) : undefined,
    },
  },
};

/** The granted folders. */
export const filesystemPreopens: Wasi02Interface = {
  rows: {
    "get-directories": {
      docs: "Each granted folder with its name.",
      run: (context: Wasi02Context): [OpenFile, string][] =>
        Array.from(grantedFolders(context.host), ([name, folder]) => [new OpenFile(context, folder), name]),
    },
  },
};
