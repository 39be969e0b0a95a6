import process from "node:process";
import { nativeOrUndefined } from "../../base/native.ts";

/** prctl's option for the signal that a process gets when its parent ends (prctl(2)). */
const setParentDeathSignal = 1;
const sigkill = 9n;

/**
 * Makes this process end with the one that started it, however that ends. Where the kernel does not offer that, the channel between
 * them says so, and this process ends itself.
 */
export function dieWithParent(parent: number): void {
  nativeOrUndefined()?.c.prctl(setParentDeathSignal, sigkill, 0n, 0n, 0n);
  process.on("disconnect", () => process.exit(0));
  // It may have ended before the kernel was asked.
  if (process.ppid !== parent) process.exit(0);
}
