import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ask, runProgram } from "../programs.ts";
import { buildGo } from "../toolchain/go.ts";
import { Skipped } from "../toolchain/rust.ts";

test("go-net serves over HTTP and dials what it was granted, and nothing else", async (t) => {
  let module: string;
  try {
    module = await buildGo(import.meta.dirname, (line) => t.diagnostic(line));
  } catch (error) {
    if (error instanceof Skipped) return t.skip(`skipped: ${error.message}`);
    throw error;
  }
  const peer = createServer((_, response) => response.end("from outside")).listen(0, "127.0.0.1");
  await once(peer, "listening");
  const { port } = peer.address() as AddressInfo;
  const program = await runProgram(["--allow-net", `127.0.0.1:${port}`], module, ["serve", "0.0.0.0:8080"]);
  try {
    assert.equal((await ask(program.url)).text, "Hello from Go\n");
    const body = "x".repeat(300_000);
    const echoed = await ask(`${program.url}/echo`, { method: "POST", body });
    assert.ok(echoed.text === body, `${echoed.text.length} bytes came back`);
    const fetched = await ask(`${program.url}/fetch?url=http://127.0.0.1:${port}/`);
    assert.deepEqual([fetched.status, fetched.text], [200, "from outside"]);
    const refused = await ask(`${program.url}/fetch?url=http://127.0.0.1:${port === 9 ? 7 : 9}/`);
    assert.equal(refused.status, 502);
    assert.match(refused.text, /Permission denied/);
  } finally {
    await program.stop();
    peer.close();
  }
});
