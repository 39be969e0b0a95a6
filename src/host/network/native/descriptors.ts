import { nativeOrUndefined } from "../../../base/native.ts";

/** Highest descriptor that is noted; a process seldom may have as many. */
const most = 1 << 20;

/** Descriptors that one thread has open by native calls, a bit for each, for whoever started the thread. */
export type NotedDescriptors = SharedArrayBuffer;

let noted: Int32Array | undefined;

/** Room for a thread that is to be started to note its descriptors in; {@link closeNoted} is for when it has ended. */
export function noteDescriptors(): NotedDescriptors {
  return new SharedArrayBuffer(most / 8);
}

/** Has this thread note its descriptors there. */
export function adoptNotes(shared: NotedDescriptors): void {
  noted = new Int32Array(shared);
}

/**
 * Closes what a thread left open: Node closes what it opened itself when a thread is ended, and nothing of native calls, so that
 * a listener would go on taking connections for nobody. Answers how many there were.
 */
export function closeNoted(shared: NotedDescriptors): number {
  const native = nativeOrUndefined();
  const words = new Int32Array(shared);
  let count = 0;
  for (let at = 0; at < words.length; at++) {
    let bits = words[at] ?? 0;
    words[at] = 0;
    for (let bit = 0; bits !== 0; bit++, bits >>>= 1) {
      if ((bits & 1) === 0) continue;
      native?.c.close(at * 32 + bit);
      count += 1;
    }
  }
  return count;
}

/** Notes a descriptor that was opened just now. */
export function opened(fd: number): void {
  if (noted !== undefined && fd >= 0 && fd < most) noted[fd >> 5] = (noted[fd >> 5] ?? 0) | (1 << (fd & 31));
}

/** Forgets a descriptor that is to be closed next: its number may be another's as soon as it is. */
export function closing(fd: number): void {
  if (noted !== undefined && fd >= 0 && fd < most) noted[fd >> 5] = (noted[fd >> 5] ?? 0) & ~(1 << (fd & 31));
}
