import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatBytes, formatDuration, parseBytes, parseDuration, SampanError } from "./index.ts";

/** Whether it ends in a value or in UNIT_INVALID; any other throw fails the test. */
function valueOrUndefined(read: () => number): number | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof SampanError && error.code === "UNIT_INVALID", String(error));
    return undefined;
  }
}

const sizes: readonly [string, number][] = [
  ["0", 0],
  ["4096", 4096],
  ["12b", 12],
  ["64m", 64 * 1024 ** 2],
  ["64M", 64 * 1024 ** 2],
  ["64MB", 64 * 1024 ** 2],
  ["512KiB", 512 * 1024],
  ["1.5g", 1.5 * 1024 ** 3],
  ["2 GiB", 2 * 1024 ** 3],
  [" 1t ", 1024 ** 4],
];

const durations: readonly [string, number][] = [
  ["2", 2000],
  ["0.5", 500],
  ["250ms", 250],
  ["5s", 5000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  ["10us", 0.01],
];

test("parseBytes() reads sizes as Docker does, in powers of 1024", () => {
  for (const [text, bytes] of sizes) assert.equal(parseBytes(text), bytes, text);
});

test("parseBytes() rejects what is no size, with what was wanted", () => {
  for (const text of ["", "m", "-1", "1x", "1mm", "0x10", "1e3", "64 m b", "99999999t", "NaN", "Infinity"]) {
    assert.throws(() => parseBytes(text), { code: "UNIT_INVALID", message: /wanted a number and a unit/ }, text);
  }
});

test("parseDuration() reads a number and a unit, several of them, or seconds", () => {
  for (const [text, ms] of durations) assert.ok(Math.abs(parseDuration(text) - ms) < 1e-9, text);
});

test("parseDuration() rejects what is no duration, with what was wanted", () => {
  for (const text of ["", "s", "-5s", "5 s", "5x", "5sx", "1m 30s", "1e3ms", "NaN"]) {
    assert.throws(() => parseDuration(text), { code: "UNIT_INVALID", message: /wanted a number and a unit/ }, text);
  }
});

test("parseBytes() and parseDuration() end every text in a value or in UNIT_INVALID", () => {
  const texts = fc.oneof(fc.string(), fc.stringMatching(/^ ?[0-9]{0,18}(\.[0-9]{0,3})?[a-zA-Z ]{0,3}$/));
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = valueOrUndefined(() => parseBytes(text));
      if (bytes !== undefined) assert.ok(Number.isSafeInteger(bytes) && bytes >= 0);
      const ms = valueOrUndefined(() => parseDuration(text));
      if (ms !== undefined) assert.ok(Number.isFinite(ms) && ms >= 0);
    }),
  );
});

test("formatBytes() writes what parseBytes() reads back, to the tenth that it shows", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 52 }), (bytes) => {
      const text = formatBytes(bytes);
      assert.match(text, /^\d+(\.\d)? ([KMGT]i)?B$/);
      assert.ok(Math.abs(parseBytes(text) - bytes) <= Math.max(bytes * 0.06, 0.5), text);
    }),
  );
});

test("formatBytes() writes whole numbers whole", () => {
  assert.deepEqual([12, 25 * 1024, 1.5 * 1024 ** 3, 0].map(formatBytes), ["12 B", "25 KiB", "1.5 GiB", "0 B"]);
});

test("formatDuration() writes what parseDuration() reads back, to the microsecond below a second and the millisecond above", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 10 }), (us) => {
      const ms = us / 1000;
      const text = formatDuration(ms);
      assert.ok(Math.abs(parseDuration(text) - ms) <= (ms < 1000 ? 0.001 : 1), `${text} for ${ms}`);
    }),
  );
});

test("formatDuration() writes durations as people say them", () => {
  assert.deepEqual([250, 5000, 90_000, 60_000, 1500].map(formatDuration), ["250ms", "5s", "1m30s", "1m", "1.5s"]);
  assert.equal(formatDuration(119_999.999), "2m");
});
