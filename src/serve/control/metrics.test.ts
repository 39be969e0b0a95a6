import assert from "node:assert/strict";
import { test } from "node:test";
import { type MetricFamily, MetricSums } from "./metrics.ts";

const families = new Map<string, MetricFamily>([
  ["requests_total", { type: "counter", help: "Requests.", merge: "sum" }],
  ["time", { type: "histogram", help: "Time.", merge: "sum" }],
  ["memory", { type: "gauge", help: "Most memory.", merge: "max" }],
  ["active", { type: "gauge", help: "Active.", merge: "sum" }],
]);

const row = (name: string, value: number, labels: Record<string, string> = {}) => ({ name, labels, value });

test("MetricSums.text() puts the samples of workers together, each family with its head", () => {
  const sums = new MetricSums(families);
  const text = sums.text([
    [
      row("requests_total", 1, { workload: "a" }),
      row("memory", 5),
      row("time_bucket", 1, { le: "+Inf" }),
      row("time_sum", 0.5),
    ],
    [
      row("requests_total", 2, { workload: "a" }),
      row("requests_total", 4, { workload: 'b"\\\n' }),
      row("memory", 3),
      row("time_sum", 1),
    ],
  ]);
  assert.equal(
    text,
    `# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{workload="a"} 3
requests_total{workload="b\\"\\\\\\n"} 4
# HELP memory Most memory.
# TYPE memory gauge
memory 5
# HELP time Time.
# TYPE time histogram
time_bucket{le="+Inf"} 1
time_sum 1.5
`,
  );
});

test("MetricSums.retire() keeps what a worker counted and forgets how it stood", () => {
  const sums = new MetricSums(families);
  sums.retire([row("requests_total", 10), row("active", 3), row("time_count", 2)]);
  sums.retire([row("requests_total", 5)]);
  const text = sums.text([[row("requests_total", 1), row("active", 1)]]);
  assert.match(text, /^requests_total 16$/m);
  assert.match(text, /^active 1$/m);
  assert.match(text, /^time_count 2$/m);
});
