import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, humanTime, table } from "./ps-table.ts";

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];

test("humanTime() says durations in docker's words", () => {
  const said = [
    0,
    1.5 * second,
    59 * second,
    61 * second,
    5 * minute,
    50 * minute,
    3 * hour,
    3 * day,
    20 * day,
    90 * day,
  ];
  assert.deepEqual(said.map(humanTime), [
    "Less than a second",
    "1 second",
    "59 seconds",
    "About a minute",
    "5 minutes",
    "About an hour",
    "3 hours",
    "3 days",
    "2 weeks",
    "3 months",
  ]);
  assert.equal(humanTime(800 * day), "2 years");
  assert.equal(ago("2026-01-31T12:00:00Z", Date.UTC(2026, 0, 31, 12, 0, 7)), "7 seconds ago");
});

test("table() sets columns three spaces apart by letters, and ends no line in spaces", () => {
  const rows = [
    ["NAME", "IMAGE", "PORTS"],
    ["longer-1", "é", ""],
  ];
  assert.deepEqual(table(rows), ["NAME       IMAGE   PORTS", "longer-1   é"]);
  assert.deepEqual(table([]), []);
});
