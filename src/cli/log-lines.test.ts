import assert from "node:assert/strict";
import { test } from "node:test";
import { LogLines } from "./log-lines.ts";

const options = {
  env: { NO_COLOR: "1" },
  project: "shop",
  containers: ["shop-web-1", "shop-database-1"],
  prefix: "name",
  colors: "auto",
  timestamps: false,
} as const;
const entry = { container: "shop-web-1", text: "hello\n", time: "2026-01-31T12:00:00.000000000Z" };

test("LogLines.format() sets names in one width, as docker compose does", () => {
  const lines = new LogLines(options);
  assert.equal(lines.format(entry), "web-1       | hello\n");
  assert.equal(lines.format({ ...entry, container: "shop-database-1" }), "database-1  | hello\n");
  assert.equal(lines.format({ ...entry, container: "named", text: "cut" }), "named       | cut\n");
});

test("LogLines.format() leaves the name out or puts the time in where that is asked for", () => {
  assert.equal(new LogLines({ ...options, prefix: "none" }).format(entry), "hello\n");
  assert.equal(
    new LogLines({ ...options, timestamps: true }).format(entry),
    "web-1       | 2026-01-31T12:00:00.000000000Z hello\n",
  );
});
