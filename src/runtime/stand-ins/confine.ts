import { closeSync, openSync } from "node:fs";
import { nativeOrUndefined } from "../../base/native.ts";

/** System calls of Landlock, the same on x64 and arm64 (landlock(7)). */
const call = { create: 444n, add: 445n, restrict: 446n } as const;
const writeFile = 1n << 1n;
/** All that changes files: writing, removing, making of each kind, moving, cutting off. */
const changes = writeFile | (((1n << 15n) - 1n) & ~0b1111n);
const pathRule = 1n;
/** O_PATH of Linux, which Node does not name. */
const pathOnly = 0o10_000_000;
const setNoNewPrivileges = 38;
const onlyVersion = 1n;
/** The first that knows of cutting off. */
const leastVersion = 3;

/** Whether the kernel can keep a program's writing in folders. */
export function canConfine(): boolean {
  return (nativeOrUndefined()?.c.landlock(call.create, 0n, 0n, onlyVersion, 0n) ?? 0) >= leastVersion;
}

/**
 * Takes from this thread, and from what it becomes, all writing to files outside of some folders: a database's superuser can name
 * files to write to, and the program is the host's. Where the kernel does not offer that (before Linux 6.2), nothing is done.
 */
export function confineWrites(folders: readonly string[]): void {
  const native = nativeOrUndefined();
  if (native === undefined || !canConfine()) return;
  const { bytes, address } = native.allocate(16);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setBigUint64(0, changes, true);
  const rules = native.c.landlock(call.create, address, 8n, 0n, 0n);
  for (const [path, rights] of [
    ...folders.map((folder) => [folder, changes] as const),
    ["/dev/null", writeFile] as const,
  ]) {
    const fd = openSync(path, pathOnly);
    view.setBigUint64(0, rights, true);
    view.setInt32(8, fd, true);
    native.c.landlock(call.add, BigInt(rules), pathRule, address, 0n);
    closeSync(fd);
  }
  native.c.prctl(setNoNewPrivileges, 1n, 0n, 0n, 0n);
  native.c.landlock(call.restrict, BigInt(rules), 0n, 0n, 0n);
  closeSync(rules);
}
