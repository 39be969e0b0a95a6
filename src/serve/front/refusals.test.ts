import assert from "node:assert/strict";
import { test } from "node:test";
import { noGrants } from "../../capabilities/index.ts";
import { type AuditEntry, Refusals } from "./refusals.ts";

const to = (port: number) => ({ capability: "net.connect", host: "10.0.0.5", port }) as const;

test("Refusals tells the operator each thing once, and the audit log each time, many of a second as one", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const lines: string[] = [];
  const entries: AuditEntry[] = [];
  const tell = (line: string): void => void lines.push(line);
  const refusals = new Refusals("shop", noGrants, { tell, audit: (entry) => void entries.push(entry) });
  for (const port of [80, 80, 81, 80]) refusals.tell(to(port));
  assert.equal(lines.length, 2);
  assert.match(
    lines[0] ?? "",
    /^shop was refused .*10\.0\.0\.5.*80 \(hint: allow it with --allow-net 10\.0\.0\.5:80\)$/,
  );
  assert.deepEqual(
    entries.map(({ workload, fix, count }) => [workload, fix, count]),
    [
      ["shop", "--allow-net 10.0.0.5:80", undefined],
      ["shop", "--allow-net 10.0.0.5:81", undefined],
    ],
  );
  t.mock.timers.tick(1000);
  assert.deepEqual([entries.length, entries[2]?.count, entries[2]?.fix], [3, 2, "--allow-net 10.0.0.5:80"]);
  refusals.tell(to(80));
  assert.deepEqual([lines.length, entries.length, entries[3]?.count], [2, 4, undefined]);
  assert.ok(!Number.isNaN(Date.parse(entries[3]?.time ?? "")));
});

test("Refusals holds no more than so many apart, however many a guest makes up", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const lines: string[] = [];
  const entries: AuditEntry[] = [];
  const tell = (line: string): void => void lines.push(line);
  const refusals = new Refusals("shop", noGrants, { tell, audit: (entry) => void entries.push(entry) });
  for (let port = 1; port <= 1000; port++) refusals.tell(to(port));
  assert.deepEqual([lines.length, entries.length], [101, 101]);
  assert.match(lines.at(-1) ?? "", /more than is told here$/);
  t.mock.timers.tick(1000);
  assert.deepEqual([entries.length, entries.at(-1)?.count], [102, 899]);
});
