import type { Descriptor } from "../../host/index.ts";
import { allRights, rights } from "../preview1-types.ts";

/** What a descriptor says of itself in `fdstat`. */
export interface Rights {
  readonly base: bigint;
  readonly inheriting: bigint;
}

/**
 * Preview 1's rights are told, and given up on request, but only reading and writing follow them: real programs open files
 * with rights of 0 and use them, and what a guest may do is decided by its grants.
 */
const givenUp = new WeakMap<Descriptor, Rights>();

const folderRights =
  rights.pathCreateDirectory |
  rights.pathCreateFile |
  rights.pathLinkSource |
  rights.pathLinkTarget |
  rights.pathOpen |
  rights.fdReaddir |
  rights.pathReadlink |
  rights.pathRenameSource |
  rights.pathRenameTarget |
  rights.pathFilestatGet |
  rights.pathFilestatSetTimes |
  rights.fdFilestatGet |
  rights.fdFilestatSetTimes |
  rights.pathSymlink |
  rights.pathRemoveDirectory |
  rights.pathUnlinkFile |
  rights.fdDatasync |
  rights.fdSync;

const anyFileRights =
  rights.fdSetFlags |
  rights.fdFilestatGet |
  rights.fdSync |
  rights.fdDatasync |
  rights.pollFdReadwrite |
  rights.fdAdvise;
const socketRights =
  rights.fdRead |
  rights.fdWrite |
  rights.fdSetFlags |
  rights.fdFilestatGet |
  rights.pollFdReadwrite |
  rights.sockShutdown |
  rights.sockAccept;
const seekRights = rights.fdSeek | rights.fdTell;
const writeRights = rights.fdWrite | rights.fdAllocate | rights.fdFilestatSetSize | rights.fdFilestatSetTimes;

/** The rights of a descriptor: what it was opened for, less what the guest gave up. */
export function rightsOf(descriptor: Descriptor): Rights {
  const narrowed = givenUp.get(descriptor);
  if (narrowed !== undefined) return narrowed;
  const type = descriptor.type();
  if (type === "directory") return { base: folderRights, inheriting: allRights };
  if (type === "socket") return { base: socketRights, inheriting: allRights };
  let base = anyFileRights;
  // A terminal is a character device without the rights to seek and tell: a guest's `isatty` looks at just that.
  if (type === "regular-file" || type === "block-device") base |= seekRights;
  if (type === "character-device" && !descriptor.isTerminal()) base |= seekRights;
  if (descriptor.access.read) base |= rights.fdRead;
  if (descriptor.access.write) base |= writeRights;
  return { base, inheriting: 0n };
}

/** Gives up rights; false where that would add one. */
export function narrowRights(descriptor: Descriptor, wanted: Rights): boolean {
  const held = rightsOf(descriptor);
  if ((wanted.base & ~held.base) !== 0n || (wanted.inheriting & ~held.inheriting) !== 0n) return false;
  givenUp.set(descriptor, wanted);
  return true;
}

/** Whether the guest gave up reading or writing by itself. */
export function hasGivenUp(descriptor: Descriptor, right: bigint): boolean {
  const narrowed = givenUp.get(descriptor);
  return narrowed !== undefined && (narrowed.base & right) === 0n;
}
