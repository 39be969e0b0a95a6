import { failure } from "../../base/index.ts";
import { type FollowMode, openBits } from "../../host/index.ts";
import { call, type CallTable } from "../bind.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { timesOf } from "./descriptor-calls.ts";
import { filestat } from "./stat.ts";
import {
  bits,
  fd,
  fdflags,
  firstPath,
  fstflags,
  lookupSymlinkFollow,
  oflags,
  resultU32,
  rightBits,
  rights,
  room,
  secondPath,
  u64,
} from "../preview1-types.ts";

const lookup = bits({ symlink_follow: lookupSymlinkFollow });

function followMode(flags: number): FollowMode {
  return (flags & lookupSymlinkFollow) === 0 ? "nofollow" : "follow";
}

/** How a file is to be opened, from `path_open`'s parameters (preview 1, "path_open"). */
function openingBits(open: { follow: boolean; oflags: number; base: bigint; fdflags: number }): number {
  let result = 0;
  const isDirectory = (open.oflags & oflags.directory) !== 0;
  if (isDirectory && (open.oflags & (oflags.creat | oflags.excl | oflags.trunc)) !== 0) throw failure("inval");
  if (isDirectory) result |= openBits.directory;
  // Go asks for the right to set the size of what it only reads: nothing but fd_write says that a file is written.
  const writes = (open.base & rights.fdWrite) !== 0n;
  // Real programs open with rights of 0 and then read: a file that is not opened for writing is opened for reading.
  if (!writes || (open.base & (rights.fdRead | rights.fdReaddir)) !== 0n) result |= openBits.read;
  if (writes) result |= openBits.write;
  if ((open.oflags & oflags.creat) !== 0) result |= openBits.create;
  if ((open.oflags & oflags.excl) !== 0) result |= openBits.exclusive;
  if ((open.oflags & oflags.trunc) !== 0) result |= openBits.truncate;
  if (open.follow) result |= openBits.follow;
  if ((open.fdflags & fdflags.append) !== 0) result |= openBits.append;
  if ((open.fdflags & fdflags.nonblock) !== 0) result |= openBits.nonblock;
  if ((open.fdflags & (fdflags.sync | fdflags.rsync)) !== 0) result |= openBits.sync;
  if ((open.fdflags & fdflags.dsync) !== 0) result |= openBits.dsync;
  return result;
}

/** `path_filestat_get` with one ABI's layout. */
export function pathFilestatCall(layout: typeof filestat) {
  return call(
    { effect: "What is known of the file that a path names.", errors: ["badf", "noent", "notdir", "perm"] },
    {
      params: [
        ["fd", fd],
        ["flags", lookup],
        ["path", firstPath],
      ],
      result: layout,
      run(context: Preview1Context, folder, flags, path) {
        context.descriptor(folder).statAt(path, followMode(flags), context.stat);
        return context.stat;
      },
    },
  );
}

/** Calls on paths, each resolved within the folder that it is given with. */
export const pathCalls = {
  path_create_directory: call(
    { effect: "Makes a folder.", errors: ["badf", "exist", "noent", "notdir", "perm"] },
    {
      params: [
        ["fd", fd],
        ["path", firstPath],
      ],
      run: (context: Preview1Context, folder, path) => context.descriptor(folder).makeDirectory(path),
    },
  ),
  path_filestat_get: pathFilestatCall(filestat),
  path_filestat_set_times: call(
    {
      effect: "Sets the times of the file that a path names.",
      errors: ["badf", "inval", "noent", "notdir", "perm"],
      instead: "Without node:ffi the times are set within a microsecond.",
    },
    {
      params: [
        ["fd", fd],
        ["flags", lookup],
        ["path", firstPath],
        ["atim", u64],
        ["mtim", u64],
        ["fst_flags", bits(fstflags)],
      ],
      run(context: Preview1Context, folder, flags, path, atim, mtim, fst) {
        context.descriptor(folder).setTimesAt(path, { follow: followMode(flags), ...timesOf(fst, atim, mtim) });
      },
    },
  ),
  path_link: call(
    {
      effect: "Gives a file a second name. Both folders have to be writable.",
      errors: ["badf", "exist", "noent", "notdir", "perm", "xdev"],
    },
    {
      params: [
        ["old_fd", fd],
        ["old_flags", lookup],
        ["old_path", firstPath],
        ["new_fd", fd],
        ["new_path", secondPath],
      ],
      run(context: Preview1Context, from, flags, path, to, newPath) {
        // The specification lets no link through another: `symlink_follow` is refused as invalid.
        if (followMode(flags) === "follow") throw failure("inval");
        context.descriptor(from).link(path, "nofollow", { folder: context.descriptor(to), path: newPath });
      },
    },
  ),
  path_open: call(
    {
      effect: "Opens a file or folder, never waiting for it.",
      errors: ["badf", "exist", "inval", "isdir", "loop", "mfile", "noent", "notdir", "perm"],
    },
    {
      params: [
        ["fd", fd],
        ["dirflags", lookup],
        ["path", firstPath],
        ["oflags", bits(oflags)],
        ["fs_rights_base", rightBits],
        ["fs_rights_inheriting", rightBits],
        ["fdflags", bits(fdflags)],
      ],
      result: resultU32,
      run(context: Preview1Context, folder, dirflags, path, open, base, _inheriting, flags) {
        const { descriptors } = context.host;
        descriptors.reserve();
        const follow = followMode(dirflags) === "follow";
        const opening = openingBits({ follow, oflags: open, base, fdflags: flags });
        return descriptors.insert(descriptors.get(folder).open(path, opening));
      },
    },
  ),
  path_readlink: call(
    {
      effect: "Where a symbolic link leads, cut off where the buffer ends; absolute targets are refused.",
      errors: ["badf", "fault", "inval", "noent", "notdir", "perm"],
    },
    {
      params: [
        ["fd", fd],
        ["path", firstPath],
        ["buf", room],
      ],
      result: resultU32,
      run(context: Preview1Context, folder, path, { at, length }) {
        context.memory.check(at, length);
        const target = context.descriptor(folder).readLink(path);
        const fits = target.subarray(0, length);
        context.memory.setBytes(at, fits);
        return fits.length;
      },
    },
  ),
  path_remove_directory: call(
    { effect: "Removes an empty folder.", errors: ["badf", "inval", "noent", "notdir", "notempty", "perm"] },
    {
      params: [
        ["fd", fd],
        ["path", firstPath],
      ],
      run: (context: Preview1Context, folder, path) => context.descriptor(folder).removeDirectory(path),
    },
  ),
  path_rename: call(
    {
      effect: "Gives a file another name, in place of what had that name. Both folders have to be writable.",
      errors: ["badf", "inval", "isdir", "noent", "notdir", "notempty", "perm", "xdev"],
    },
    {
      params: [
        ["fd", fd],
        ["old_path", firstPath],
        ["new_fd", fd],
        ["new_path", secondPath],
      ],
      run: (context: Preview1Context, from, path, to, newPath) =>
        context.descriptor(from).rename(path, context.descriptor(to), newPath),
    },
  ),
  path_symlink: call(
    {
      effect: "Makes a symbolic link; absolute targets are refused.",
      errors: ["badf", "exist", "noent", "notdir", "perm"],
    },
    {
      params: [
        ["old_path", firstPath],
        ["fd", fd],
        ["new_path", secondPath],
      ],
      run: (context: Preview1Context, target, folder, path) => context.descriptor(folder).symlink(target, path),
    },
  ),
  path_unlink_file: call(
    { effect: "Removes a file's name.", errors: ["badf", "isdir", "noent", "notdir", "perm"] },
    {
      params: [
        ["fd", fd],
        ["path", firstPath],
      ],
      run: (context: Preview1Context, folder, path) => context.descriptor(folder).unlink(path),
    },
  ),
} satisfies CallTable<Preview1Context>;
