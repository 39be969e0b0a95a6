import { failure } from "../../base/index.ts";
import type { Wasi02Context } from "./context.ts";
import { type Pollable, TimePollable } from "./pollable.ts";
import type { Wasi02Interface } from "./row.ts";

/** `datetime` of `wasi:clocks/wall-clock`: since 1970. */
export interface Datetime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

const second = 1_000_000_000n;

/** Nanoseconds as a `datetime`. */
export function datetimeOf(nanoseconds: bigint): Datetime {
  return { seconds: nanoseconds / second, nanoseconds: Number(nanoseconds % second) };
}

/** A `datetime` in nanoseconds. @throws HostError inval for a second or more of nanoseconds */
export function nanosecondsOf({ seconds, nanoseconds }: Datetime): bigint {
  if (nanoseconds >= 1e9) throw failure("inval");
  return seconds * second + BigInt(nanoseconds);
}

/** Time that only goes on. */
export const monotonicClock: Wasi02Interface = {
  rows: {
    now: {
      docs: "Nanoseconds since some moment; without a grant the guest ends.",
      run: ({ host }: Wasi02Context): bigint => host.clocks.now("monotonic"),
    },
    resolution: {
      docs: "The step of the clock; 1 ms where it is granted as coarse.",
      run: ({ host }: Wasi02Context): bigint => host.clocks.resolution("monotonic"),
    },
    "subscribe-instant": {
      docs: "Ready from an instant on.",
      run: ({ host }: Wasi02Context, when: bigint): Pollable =>
        new TimePollable(host.clocks, when - host.clocks.now("monotonic")),
    },
    "subscribe-duration": {
      docs: "Ready once so many nanoseconds have passed; it needs no clock.",
      run: ({ host }: Wasi02Context, after: bigint): Pollable => new TimePollable(host.clocks, after),
    },
  },
};

/** Time of day. */
export const wallClock: Wasi02Interface = {
  rows: {
    now: {
      docs: "The time since 1970, in UTC; without a grant the guest ends.",
      run: ({ host }: Wasi02Context): Datetime => datetimeOf(host.clocks.now("realtime")),
    },
    resolution: {
      docs: "The step of the clock.",
      run: ({ host }: Wasi02Context): Datetime => datetimeOf(host.clocks.resolution("realtime")),
    },
  },
};

const feature = "clocks-timezone";

/** Guests live in UTC: where the host stands is none of what a grant gives. */
export const timezone: Wasi02Interface = {
  rows: {
    display: {
      feature,
      docs: "UTC, whatever the host's own time zone is.",
      run: (): object => ({ utcOffset: 0, name: "UTC", inDaylightSavingTime: false }),
    },
    "utc-offset": { feature, docs: "0 seconds.", run: (): number => 0 },
  },
};
