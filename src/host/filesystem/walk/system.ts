import { type BigIntStats, constants } from "node:fs";
import { open } from "../file-calls.ts";

const windows = process.platform === "win32";

/** The system's open flags, 0 where it has none of that name. */
export const systemOpen = {
  writeOnly: constants.O_WRONLY,
  readWrite: constants.O_RDWR,
  create: constants.O_CREAT,
  exclusive: constants.O_EXCL,
  truncate: constants.O_TRUNC,
  append: constants.O_APPEND,
  directory: constants.O_DIRECTORY ?? 0,
  sync: constants.O_SYNC ?? 0,
  dsync: constants.O_DSYNC ?? constants.O_SYNC ?? 0,
  noFollow: constants.O_NOFOLLOW ?? 0,
  nonBlock: constants.O_NONBLOCK ?? 0,
  noTerminal: constants.O_NOCTTY ?? 0,
} as const;

/** O_PATH, which node:fs does not name, with what keeps a link out: how a walk takes hold of a folder on its way. */
export const pathOnly = 0o10000000 | systemOpen.directory | systemOpen.noFollow;

/** Flags that each open has: no link followed by the system, no wait for a FIFO's other end, no terminal acquired. */
export const always = systemOpen.noFollow | systemOpen.nonBlock | systemOpen.noTerminal;

const translations: readonly (readonly [number, number])[] = [
  [open.create, systemOpen.create],
  [open.exclusive, systemOpen.exclusive],
  [open.truncate, systemOpen.truncate],
  [open.directory, systemOpen.directory],
  [open.append, systemOpen.append],
  [open.sync, systemOpen.sync],
  [open.dsync, systemOpen.dsync],
];

/** The system's flags for `open` bits. */
export function systemFlags(bits: number): number {
  let flags = always;
  if ((bits & open.write) !== 0) flags |= (bits & open.read) === 0 ? systemOpen.writeOnly : systemOpen.readWrite;
  for (const [bit, flag] of translations) if ((bits & bit) !== 0) flags |= flag;
  return flags;
}

/** Whether names need {@link isPlainWindowsName}. */
export const hasWindowsNames = windows;

const reserved = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;

/** Whether Windows takes a name for one plain entry of a folder: no other separator, drive, stream, pattern or device. */
export function isPlainWindowsName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- Windows refuses control characters in names
  return !/[\\:*?"<>|\u0000-\u001f]/.test(name) && !/[. ]$/.test(name) && !reserved.test(name);
}

/** The type bits of a mode. */
export function modeType(stat: BigIntStats): number {
  return Number(stat.mode >> 12n) & 0xf;
}
