import { writeSync } from "node:fs";
import { failureOfNode } from "./errno.ts";

/** Writes all of a text, waiting where a pipe is full; what nobody reads any more is dropped. */
export function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (failureOfNode(error)?.errno !== "again") return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
