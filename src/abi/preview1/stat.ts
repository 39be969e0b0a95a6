import type { FileStat } from "../../host/index.ts";
import type { Result } from "../bind.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { filetypes } from "../preview1-types.ts";

function show(stat: FileStat): string {
  return `{type=${stat.type},ino=${stat.ino},nlink=${stat.nlink},size=${stat.size}}`;
}

/** `filestat` of wasi_snapshot_preview1: 64 bytes, `nlink` of 8. */
export const filestat: Result<Preview1Context, FileStat> = {
  pointers: 1,
  lower({ memory }, stat, at) {
    memory.check(at, 64);
    memory.setU64(at, stat.values[0] ?? 0n);
    memory.setU64(at + 8, stat.values[1] ?? 0n);
    memory.setU64(at + 16, 0n);
    memory.setU8(at + 16, filetypes[stat.type]);
    memory.setU64(at + 24, stat.values[2] ?? 0n);
    memory.setU64(at + 32, stat.values[3] ?? 0n);
    memory.setU64(at + 40, stat.values[4] ?? 0n);
    memory.setU64(at + 48, stat.values[5] ?? 0n);
    memory.setU64(at + 56, stat.values[6] ?? 0n);
  },
  show,
};

/** `filestat` of wasi_unstable: 56 bytes, `nlink` of 4. */
export const unstableFilestat: Result<Preview1Context, FileStat> = {
  pointers: 1,
  lower({ memory }, stat, at) {
    memory.check(at, 56);
    memory.setU64(at, stat.dev);
    memory.setU64(at + 8, stat.ino);
    memory.setU64(at + 16, 0n);
    memory.setU8(at + 16, filetypes[stat.type]);
    memory.setU32(at + 20, Number(stat.nlink > 0xffff_ffffn ? 0xffff_ffffn : stat.nlink));
    memory.setU64(at + 24, stat.size);
    memory.setU64(at + 32, stat.atime);
    memory.setU64(at + 40, stat.mtime);
    memory.setU64(at + 48, stat.ctime);
  },
  show,
};
