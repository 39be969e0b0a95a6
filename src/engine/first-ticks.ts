import { closeSync, read } from "node:fs";
import { nativeOrUndefined } from "../base/native.ts";

/** Of Linux's <time.h> and <sys/timerfd.h>. */
const clockMonotonic = 1;
const closeOnExec = 0o2_000_000;
/** A `struct itimerspec`: interval and first time, each of seconds and nanoseconds. */
const firstNanoseconds = 3;
const timerSize = 32;

/** After so many ticks the thread of a watcher costs less than they do. */
const mostTicks = 32;

/**
 * Ticks for the first guests of a thread, which mostly return before there would be one: a watcher's own thread takes 10 ms of this one's
 * time to start. Linux writes how often a timer has fired to whoever reads it, so that one of Node's own threads that reads one into the
 * epoch memory sets the epoch when the time has come, whatever this thread does meanwhile.
 */
export class FirstTicks {
  readonly #words: Uint8Array;
  readonly #ms: number;
  #count = 0;
  #isPending = false;

  /** They set the eight bytes at the memory's beginning: the epoch to 1 and what follows it to 0, each `ms` after it was asked for. */
  constructor(memory: WebAssembly.Memory, ms: number) {
    this.#words = new Uint8Array(memory.buffer, 0, 8);
    this.#ms = ms;
  }

  /** Has a tick come, where none is on its way; false where none comes any more, and the watcher's thread is needed. */
  ask(): boolean {
    if (this.#isPending) return true;
    // With fewer of Node's threads than it starts by itself, others' work may keep all of them.
    if (this.#count >= mostTicks || process.env["UV_THREADPOOL_SIZE"] !== undefined) return false;
    const fd = timerOf(this.#ms);
    if (fd === undefined) {
      this.#count = mostTicks;
      return false;
    }
    this.#count += 1;
    this.#isPending = true;
    read(fd, this.#words, 0, 8, null, () => {
      this.#isPending = false;
      closeSync(fd);
    });
    return true;
  }

  /** Says that one has come: its read may be heard of much later. */
  came(): void {
    this.#isPending = false;
  }
}

/** A timer that fires once; undefined where the system gives none. */
function timerOf(ms: number): number | undefined {
  const native = nativeOrUndefined();
  if (native === undefined) return undefined;
  try {
    const { bytes, address } = native.allocate(timerSize);
    new BigInt64Array(bytes.buffer)[firstNanoseconds] = BigInt(Math.round(ms * 1e6));
    const fd = native.c.timerfd_create(clockMonotonic, closeOnExec);
    if (fd < 0) return undefined;
    if (native.c.timerfd_settime(fd, 0, address, 0n) === 0) return fd;
    closeSync(fd);
  } catch {
    // What stands between programs and the system (seccomp, a sandbox) may refuse either call.
  }
  return undefined;
}
