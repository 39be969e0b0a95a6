import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseProbe } from "./probe.ts";
import { runProbe } from "./run-probe.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-probe-"));
after(() => rmSync(folder, { recursive: true }));
const socketOf = (port: number): string => join(folder, `tcp-${port}`);
const target = { socketOf, isReady: () => Promise.resolve(undefined) };
const run = (line: string, signal = new AbortController().signal) =>
  runProbe(parseProbe({ kind: "shell", command: [line] }), target, signal);

test("runProbe() asks the guest's port through its Unix socket, and fails by status as curl -f does", async () => {
  const server = createServer(({ url, headers }, response) => {
    if (url === "/never") return;
    response.statusCode = url === "/bad" ? 503 : 200;
    response.end(`${url} of ${headers.host}\nmore`);
  });
  server.listen(socketOf(8080));
  await once(server, "listening");
  assert.deepEqual(await run("curl -f http://localhost:8080/good"), {
    isPassed: true,
    output: "HTTP 200 /good of localhost:8080",
  });
  const bad = await run("curl -f http://localhost:8080/bad");
  assert.deepEqual([bad.isPassed, bad.output], [false, "HTTP 503 /bad of localhost:8080"]);
  assert.equal((await run("curl -s http://localhost:8080/bad")).isPassed, true);
  assert.deepEqual(await run("nc -z localhost 8080"), { isPassed: true, output: "port 8080 is open" });
  const abort = new AbortController();
  server.once("request", () => abort.abort());
  assert.deepEqual(await run("curl -f http://localhost:8080/never", abort.signal), {
    isPassed: false,
    output: "it did not answer in time",
  });
  server.closeAllConnections();
  server.close();
});

test("runProbe() says that nothing listens, and that a workload cannot say whether it is ready", async () => {
  assert.deepEqual(await run("curl -f http://localhost:1/"), { isPassed: false, output: "nothing listens on port 1" });
  assert.deepEqual(await run("nc -z localhost 1"), { isPassed: false, output: "nothing listens on port 1" });
  assert.equal((await run("pg_isready")).output, "it cannot say whether it is ready");
  for (const isReady of [true, false]) {
    const result = await runProbe(
      { kind: "ready" },
      { ...target, isReady: () => Promise.resolve(isReady) },
      new AbortController().signal,
    );
    assert.equal(result.isPassed, isReady);
  }
});
