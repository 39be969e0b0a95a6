import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { test } from "node:test";
import { type Clock, event, subscription, unstableSubscription, type Watch } from "./poll-fixture.ts";
import { type Bench, type Subject, subjects, testDocumentedErrors, u32, withBench } from "./preview1-fixture.ts";
import { fdflags, rights } from "../preview1-types.ts";

const end = 0x2_0000;
const ms = 1_000_000n;

/** Polls, and checks that exactly these events come; answers how long it took in ms. */
function polls(
  p: Bench,
  wanted: readonly (Clock | Watch)[],
  events: readonly Uint8Array[],
  make = subscription,
): number {
  const from = p.put(Buffer.concat(wanted.map(make)));
  const [to, n] = [p.place(32 * wanted.length), p.place(4)];
  const line = `poll_oneoff(in=0x${from.toString(16)},out=0x${to.toString(16)},nsubscriptions=${wanted.length}) -> ${events.length}`;
  const start = performance.now();
  p.expect("poll_oneoff", [from, to, wanted.length, n], {
    line,
    writes: [
      [to, Buffer.concat(events)],
      [n, u32(events.length)],
    ],
  });
  return performance.now() - start;
}

function each(use: (bench: Bench, subject: Subject) => void): (() => void)[] {
  return subjects.map((subject) => withBench({ subject }, (bench) => use(bench, subject)));
}

test(
  "poll_oneoff() waits as long as a clock says, and not for a time that is over",
  withBench({}, (p) => {
    const waited = polls(p, [{ clock: 1, timeout: 20n * ms }], [event(0, 0)]);
    assert.ok(waited >= 19.5, `${waited} ms`);
    polls(p, [{ clock: 0, timeout: 0n }], [event(0, 0)]);
    polls(p, [{ clock: 1, timeout: 1n, isAbsolute: true }], [event(0, 0)]);
    const now = BigInt(Date.now()) * ms;
    const start = performance.now();
    polls(p, [{ clock: 0, timeout: now + 20n * ms, isAbsolute: true }], [event(0, 0)]);
    assert.ok(performance.now() - start >= 15);
  }),
);

test(
  "poll_oneoff() wakes at the first of several clocks and tells that one alone",
  withBench({}, (p) => {
    const clocks = [
      { clock: 1, timeout: 3_600_000n * ms },
      { clock: 0, timeout: 5n * ms },
      { clock: 1, timeout: (1n << 64n) - 1n },
    ];
    polls(p, clocks, [event(1, 0)]);
    const due = [1, 0].map((clock) => ({ clock, timeout: 0n }));
    polls(p, [...due, clocks[0] ?? assert.fail()], [event(0, 0), event(1, 0)]);
  }),
);

test(
  "poll_oneoff() tells a wrong descriptor or clock in its event",
  withBench({}, (p) => {
    polls(p, [{ fd: 99, events: "read" }], [event(0, 1, { errno: "badf" })]);
    polls(p, [{ clock: 2, timeout: 0n }], [event(0, 0, { errno: "notsup" })]);
    polls(
      p,
      [
        { clock: 9, timeout: 0n },
        { fd: 99, events: "write" },
      ],
      [event(0, 0, { errno: "inval" }), event(1, 2, { errno: "badf" })],
    );
  }),
);

test(
  "poll_oneoff() asks for an absolute time only where a clock is granted",
  withBench({ grants: { clock: { kind: "none" } } }, (p) => {
    polls(p, [{ clock: 0, timeout: 1n, isAbsolute: true }], [event(0, 0, { errno: "perm" })]);
    assert.deepEqual(p.refused, [{ capability: "clock" }]);
    polls(p, [{ clock: 1, timeout: ms }], [event(0, 0)]);
  }),
);

test(
  "poll_oneoff() answers inval and fault",
  withBench({}, (p) => {
    const n = p.place(4);
    p.expect("poll_oneoff", [16, p.place(32), 0, n], { errno: "inval" });
    const bad = subscription({ clock: 1, timeout: 0n }, 0);
    bad[8] = 3;
    p.expect("poll_oneoff", [p.put(bad), p.place(32), 1, n], { errno: "inval" });
    const good = (): number => p.put(subscription({ clock: 1, timeout: 0n }, 0));
    p.expect("poll_oneoff", [end - 47, p.place(32), 1, n], { errno: "fault" });
    p.expect("poll_oneoff", [good(), end - 31, 1, n], { errno: "fault" });
    p.expect("poll_oneoff", [good(), p.place(32), 65_536, n], { errno: "fault" });
    p.expect("poll_oneoff", [good(), p.place(32), 65_537, n], { errno: "inval" });
    p.expect("poll_oneoff", [good(), p.place(32), -1, n], { errno: "inval" });
  }),
);

test(
  "poll_oneoff() of wasi_unstable reads subscriptions of 56 bytes",
  withBench({ abi: "wasi_unstable" }, (p) => {
    p.write("w/file", "hello");
    const fd = p.open("file");
    const wanted: readonly (Clock | Watch)[] = [
      { clock: 1, timeout: 3_600_000n * ms },
      { fd, events: "read" },
      { clock: 0, timeout: 1n, isAbsolute: true },
      { clock: 7, timeout: 0n },
    ];
    const events = [event(1, 1, { bytes: 5n }), event(2, 0), event(3, 0, { errno: "inval" })];
    polls(p, wanted, events, unstableSubscription);
    const waited = polls(p, [{ clock: 1, timeout: 10n * ms }], [event(0, 0)], unstableSubscription);
    assert.ok(waited >= 9.5);
    p.expect("poll_oneoff", [end - 55, p.place(32), 1, p.place(4)], { errno: "fault" });
  }),
);

for (const [index, { label, isNative }] of subjects.entries()) {
  test(
    `poll_oneoff() finds a file ready, with the bytes that are left (${label})`,
    each((p) => {
      p.write("w/file", "hello world");
      const fd = p.open("file");
      const watched = [
        { fd, events: "read" },
        { fd, events: "write" },
        { clock: 1, timeout: 3_600_000n * ms },
      ] as const;
      polls(p, watched, [event(0, 1, { bytes: 11n }), event(1, 2, { bytes: 1n })]);
      p.expect("fd_seek", [fd, 6n, 0, p.place(8)], { writes: [[end - 0x1_0000 + 16, 8]] });
      polls(p, [{ fd, events: "read" }], [event(0, 1, { bytes: 5n })]);
    })[index],
  );

  test(
    `poll_oneoff() waits for a pipe until bytes are there, or a clock is due (${label})`,
    each((p) => {
      execFileSync("mkfifo", [p.at("w/pipe"), p.at("w/other")]);
      const writer = openSync(p.at("w/pipe"), constants.O_RDWR | constants.O_NONBLOCK);
      const keeper = openSync(p.at("w/other"), constants.O_RDWR | constants.O_NONBLOCK);
      const [fd, other] = ["pipe", "other"].map((path) =>
        p.open(path, { rights: rights.fdRead, fdflags: fdflags.nonblock }),
      );
      const watch = { fd: fd ?? -1, events: "read" } as const;
      const watchOther = { fd: other ?? -1, events: "read" } as const;
      if (isNative) {
        polls(p, [watch, { clock: 1, timeout: 5n * ms }], [event(1, 0)]);
        polls(p, [watch, watchOther, { clock: 1, timeout: 25n * ms }], [event(2, 0)]);
      }
      writeSync(writer, "ab");
      polls(p, [watch, { clock: 1, timeout: 3_600_000n * ms }], [event(0, 1, { bytes: 1n })]);
      if (isNative) polls(p, [watchOther, watch, { clock: 1, timeout: 3_600_000n * ms }], [event(1, 1, { bytes: 1n })]);
      closeSync(writer);
      closeSync(keeper);
    })[index],
  );
}

testDocumentedErrors("poll.test.ts");
