import { failure, type HostError, refusal } from "../base/index.ts";
import { type Native, nativeOrUndefined, scratch } from "../base/native.ts";
import type { ClockGrant } from "../capabilities/index.ts";
import type { Observer } from "./observer.ts";

/** The four clocks of preview 1; later ABIs have the first two. */
export type ClockId = "realtime" | "monotonic" | "process-cputime" | "thread-cputime";

/** Clocks as a grant lets a guest see them. Times are in nanoseconds. */
export interface Clocks {
  /** Since 1970 for `realtime`, since some fixed moment for the others. @throws HostError perm */
  now(id: ClockId): bigint;
  /** The step in which a clock advances. @throws HostError perm */
  resolution(id: ClockId): bigint;
  /** Whether they stand still, so that time passes for the guest by its sleeping alone. */
  readonly stands: boolean;
}

const millisecond = 1_000_000n;
const clockNumbers: Readonly<Record<ClockId, number>> = {
  realtime: 0,
  monotonic: 1,
  "process-cputime": 2,
  "thread-cputime": 3,
};

/** The clocks that a grant gives. */
export function createClocks(grant: ClockGrant, observer: Observer): Clocks {
  switch (grant.kind) {
    case "real":
      return noting(systemClocks(), observer);
    case "coarse":
      return noting(coarseClocks(systemClocks()), observer);
    case "fixed":
      return noting(fixedClocks(BigInt(grant.unixNanoseconds)), observer);
    case "none":
      return refusedClocks(observer);
  }
}

/** Those of the system. How all but the monotonic clock is read is found out when one is: node:ffi takes milliseconds to load. */
function systemClocks(): Clocks {
  let found: Clocks | undefined;
  const others = (): Clocks => {
    const native = nativeOrUndefined();
    return native === undefined ? portableClocks() : nativeClocks(native);
  };
  // oxlint-disable-next-line typescript/unbound-method -- it uses no this, and to look for it costs as much as the call
  const monotonic = process.hrtime.bigint;
  return {
    now: (id) => (id === "monotonic" ? monotonic() : (found ??= others()).now(id)),
    resolution: (id) => (found ??= others()).resolution(id),
    stands: false,
  };
}

/** clock_gettime(2) itself, for all but the monotonic clock, which Node reads as well and faster. */
function nativeClocks(native: Native): Clocks {
  const address = native.address + BigInt(scratch.time);
  const at = scratch.time / 8;
  const { words, longs } = native;
  const read = (call: Native["c"]["clock_gettime"], id: ClockId): bigint => {
    if (call(clockNumbers[id], address) < 0) throw failure("inval");
    const [seconds, part] = [words[2 * at] ?? 0, words[2 * at + 2] ?? 0];
    if (words[2 * at + 1] !== 0) return (longs[at] ?? 0n) * 1_000_000_000n + (longs[at + 1] ?? 0n);
    // A billion is 1,953,125 times 512: without 64 bits at once it costs a third.
    const upper = seconds * 1_953_125;
    const low = (upper % 2 ** 23) * 512 + part;
    words[2 * at] = low;
    words[2 * at + 1] = Math.floor(upper / 2 ** 23) + (low >= 2 ** 32 ? 1 : 0);
    return longs[at] ?? 0n;
  };
  return {
    now: (id) => read(native.c.clock_gettime, id),
    resolution: (id) => read(native.c.clock_getres, id),
    stands: false,
  };
}

/** What Node offers: the wall clock in steps of a millisecond, made finer by the monotonic one. */
function portableClocks(): Clocks {
  let offset = BigInt(Date.now()) * millisecond - process.hrtime.bigint();
  return {
    now(id) {
      const monotonic = process.hrtime.bigint();
      if (id !== "realtime") {
        const { user, system } = process.cpuUsage();
        return BigInt(user + system) * 1000n;
      }
      // The wall clock may be set while we run: follow it once it is more than a step away.
      const wall = BigInt(Date.now()) * millisecond;
      const distance = wall - (monotonic + offset);
      if (distance > millisecond || distance < -2n * millisecond) offset = wall - monotonic;
      return monotonic + offset;
    },
    resolution: (id) => (id === "monotonic" || id === "realtime" ? 1n : 1000n),
    stands: false,
  };
}

function coarseClocks(exact: Clocks): Clocks {
  return {
    now(id) {
      const now = exact.now(id);
      return now - (now % millisecond);
    },
    resolution: () => millisecond,
    stands: false,
  };
}

/** The other clocks stand at 1: programs take 0 for a clock that does not work. */
function fixedClocks(instant: bigint): Clocks {
  return { now: (id) => (id === "realtime" ? instant : 1n), resolution: () => 1n, stands: true };
}

function refusedClocks(observer: Observer): Clocks {
  const refuse = (): HostError => {
    observer.refused({ capability: "clock" });
    return refusal;
  };
  return {
    now: () => {
      throw refuse();
    },
    resolution: () => {
      throw refuse();
    },
    stands: false,
  };
}

function noting(clocks: Clocks, observer: Observer): Clocks {
  if (!observer.isLearning) return clocks;
  return {
    now(id) {
      observer.used({ capability: "clock" });
      return clocks.now(id);
    },
    resolution(id) {
      observer.used({ capability: "clock" });
      return clocks.resolution(id);
    },
    stands: clocks.stands,
  };
}
