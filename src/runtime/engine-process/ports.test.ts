import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { hostAndPort, portOwner, tryPort } from "./ports.ts";

test("tryPort() finds a free port and says why one cannot be had; portOwner() says who has it", async () => {
  const free = await tryPort("127.0.0.1", 0);
  assert.ok(typeof free === "number" && free > 0);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  assert.equal(await tryPort("127.0.0.1", port), "EADDRINUSE");
  if (process.platform === "linux") {
    const owner = portOwner(port);
    assert.equal(owner?.pid, process.pid);
    assert.match(owner.command, /node/);
  }
  server.close();
  await once(server, "close");
  assert.equal(portOwner(port), undefined);
  assert.equal(await tryPort("127.0.0.1", port), port);
});

test("hostAndPort() puts brackets around an IPv6 address", () => {
  assert.equal(hostAndPort("::1", 80), "[::1]:80");
  assert.equal(hostAndPort("0.0.0.0", 80), "0.0.0.0:80");
});
