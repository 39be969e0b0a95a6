import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stampOf, Stamps, systemClock } from "./clock.ts";
import { FakeClock } from "./runtime-fixture.ts";

test("Stamps.next() grows as text, also within a millisecond and where the clock is set back", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -2000, max: 2000 }), { minLength: 2, maxLength: 50 }), (steps) => {
      let now = Date.UTC(2026, 0, 1);
      const stamps = new Stamps({ ...systemClock, now: () => now });
      let last = "";
      for (const step of steps) {
        now += step < 0 && step > -1500 ? 0 : step;
        const stamp = stamps.next();
        assert.ok(stamp > last, `${stamp} is not later than ${last}`);
        assert.match(stamp, /^2025-12-31T\d\d:\d\d:\d\d\.\d{9}Z$|^2026-01-01T\d\d:\d\d:\d\d\.\d{9}Z$/);
        last = stamp;
      }
    }),
  );
});

test("Stamps.next() goes on in the next millisecond where one has seen a million", () => {
  const clock = new FakeClock();
  const stamps = new Stamps(clock);
  let stamp = "";
  for (let i = 0; i <= 1_000_000; i++) stamp = stamps.next();
  assert.equal(stamp, "2026-01-31T12:00:00.001000000Z");
});

test("stampOf() makes comparable text of milliseconds and of RFC 3339", () => {
  assert.equal(stampOf(Date.UTC(2026, 0, 31, 12, 0, 0, 5)), "2026-01-31T12:00:00.005000000Z");
  assert.equal(stampOf("2026-01-31T12:00:00Z"), "2026-01-31T12:00:00.000000000Z");
  assert.equal(stampOf("2026-01-31T12:00:00.123456789+01:00"), "2026-01-31T11:00:00.123456789Z");
  const stamp = new Stamps(new FakeClock()).next();
  assert.equal(stampOf(stamp), stamp);
});

test("stampOf() refuses everything else", () => {
  for (const time of [
    "",
    "yesterday",
    "2026-01-31",
    "2026-13-31T12:00:00Z",
    Number.NaN,
    -1,
    1e18,
    "1970-01-01T00:00:00",
  ]) {
    assert.throws(() => stampOf(time), { code: "TIME_INVALID" }, String(time));
  }
});
