import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { leakHunter } from "../guests/leak-hunter.ts";
import { Load, Soaked } from "./soak-load.ts";

/** So many requests, and no more. */
function budget(count: number): () => boolean {
  let left = count;
  return () => (left -= 1) >= 0;
}

test(
  "sampan serve answers 6,000 requests by an instance for each, and keeps nothing of them",
  { skip: process.platform !== "linux" },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "sampan-soak-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "hunter.wasm");
    writeFileSync(file, leakHunter());
    const server = await Soaked.start(file, { workers: 2 });
    t.after(() => server.end());
    const warm = new Load(server.port, budget(1_000));
    await warm.run(16);
    const before = await server.standing();
    const load = new Load(server.port, budget(5_000));
    await load.run(16);
    const after = await server.standing();
    assert.deepEqual([warm.answered, warm.failed, load.answered, load.failed], [1_000, 0, 5_000, 0]);
    // One thing of each request would be thousands.
    assert.ok(after.maps < before.maps + 500, `${before.maps} and then ${after.maps} mappings`);
    assert.ok(
      after.descriptors < before.descriptors + 100,
      `${before.descriptors} and then ${after.descriptors} descriptors`,
    );
    assert.ok(after.instances > 0 && after.instances <= 64, `${after.instances} instances`);
  },
);

test("Load counts answers with other statuses and requests whose connection is lost as failures", async (t) => {
  let answers = 0;
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      answers += 1;
      if (answers === 1) socket.end("HTTP/1.1 500 Broken\r\nContent-Length: 4\r\n\r\nHTTPHTTP/1.1 200 OK\r\n\r\n");
      else socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const load = new Load(address.port, budget(20));
  await load.run(1);
  assert.equal(load.answered, 1);
  assert.equal(load.answered + load.failed, 20);
});
