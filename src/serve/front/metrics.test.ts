import assert from "node:assert/strict";
import { test } from "node:test";
import { instanceRows, metricFamilies, WorkloadMetrics } from "./metrics.ts";
import { noUsage } from "./runner.ts";

test("WorkloadMetrics.record() fills a cumulative histogram by method and status", () => {
  const metrics = new WorkloadMetrics("app");
  for (const time of [1, 5, 6, 20_000]) metrics.record("GET", 200, time);
  metrics.record("BREW", 418, 1);
  metrics.record("GET", 200, 30);
  const rows = metrics.rows();
  const value = (name: string, labels: Record<string, string>): number | undefined =>
    rows.find((row) => row.name === name && Object.entries(labels).every(([key, each]) => row.labels[key] === each))
      ?.value;
  const ok = { workload: "app", http_request_method: "GET", http_response_status_code: "200" };
  const base = "http_server_request_duration_seconds";
  assert.equal(value(`${base}_bucket`, { ...ok, le: "0.005" }), 2);
  assert.equal(value(`${base}_bucket`, { ...ok, le: "0.01" }), 3);
  assert.equal(value(`${base}_bucket`, { ...ok, le: "10" }), 4);
  assert.equal(value(`${base}_bucket`, { ...ok, le: "+Inf" }), 5);
  assert.equal(value(`${base}_count`, ok), 5);
  assert.ok(Math.abs((value(`${base}_sum`, ok) ?? 0) - 20.042) < 1e-9);
  assert.equal(value(`${base}_count`, { http_request_method: "_OTHER", http_response_status_code: "418" }), 1);
});

test("WorkloadMetrics has a bounded number of series, whatever statuses a guest makes up", () => {
  const metrics = new WorkloadMetrics("app");
  for (let status = 200; status < 1000; status++)
    for (const method of ["GET", "POST", "PUT", "HEAD", "DELETE"]) metrics.record(method, status, 1);
  const counts = metrics.rows().filter(({ name }) => name.endsWith("_count"));
  assert.ok(counts.length <= 600, `${counts.length} series`);
  assert.equal(
    counts.reduce((sum, { value }) => sum + value, 0),
    800 * 5,
  );
});

test("metricFamilies has every sample that a worker makes", () => {
  const metrics = new WorkloadMetrics("app");
  metrics.record("GET", 200, 1);
  metrics.fail("trap");
  metrics.start(1500);
  const rows = [...metrics.rows(), ...instanceRows("app", { idle: 1, inUse: 2, queued: 3, usage: noUsage })];
  for (const { name } of rows) assert.ok(name.replace(/_(bucket|sum|count)$/, "") in metricFamilies, name);
  assert.equal(rows.find(({ name }) => name === "sampan_start_seconds_total")?.value, 1.5);
  assert.deepEqual(rows.find(({ name }) => name === "sampan_failures_total")?.labels, {
    workload: "app",
    reason: "trap",
  });
});
