import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import { mainFile } from "./spec-runner.ts";

/** A command that hangs is ended, which fails its test. */
const longestRun = 60_000;

/** `sampan run` of the guest of guests/sockets. */
async function runSockets(
  flags: readonly string[],
  ...args: string[]
): Promise<ChildProcessByStdio<null, Readable, Readable>> {
  const line = [mainFile(), "run", ...flags, await compileOwnGuest("sockets"), ...args];
  return spawn(process.execPath, line, {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: longestRun,
    killSignal: "SIGKILL",
  });
}

test("sampan run --allow-listen lets a guest echo what connections of the host send, and ends with it", async () => {
  const child = await runSockets(["--allow-listen", "*"], "echo", "2");
  const ended = once(child, "exit");
  const errors = text(child.stderr);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = String((await lines.next()).value);
  assert.match(said, /^port \d+$/);
  const port = Number(said.slice("port ".length));
  const sent = Buffer.alloc(300_000, "all of it comes back, ");
  const echoes = await Promise.all(
    [0, 1].map(async () => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, signal: AbortSignal.timeout(longestRun) });
      socket.end(sent);
      return buffer(socket);
    }),
  );
  for (const echo of echoes) assert.ok(sent.equals(echo));
  assert.equal((await lines.next()).value, "2 connections");
  assert.deepEqual(await ended, [0, null]);
  assert.equal(await errors, "");
});

test("sampan run --allow-net opens the granted port; another grant is refused with the flag to type", async () => {
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted += 1;
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const client = async (grant: string, ...flags: string[]): Promise<readonly unknown[]> => {
      const child = await runSockets(["--allow-net", grant, ...flags], "client", String(port), "3", "100000");
      const [[code], stdout, stderr] = await Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
      return [code, stdout, stderr];
    };
    assert.deepEqual(await client(`127.0.0.0/8:${port}`), [0, "3 connections of 100000 bytes\n", ""]);
    assert.equal(accepted, 3);
    // "*" is everything public, and loopback is not.
    const [code, stdout, stderr] = await client("*");
    assert.deepEqual([code, stdout], [1, "sock_connect failed: errno 2\n"]);
    assert.ok(String(stderr).includes(`allow it with --allow-net 127.0.0.1:${port}\n`), String(stderr));
    assert.equal(accepted, 3);
    const grant = `127.0.0.0/8:${port}`;
    assert.deepEqual(await client(grant, "--max-connections", "2"), [1, "sock_open failed: errno 33\n", ""]);
    const rates = ["--max-connection-rate", "1000", "--max-network-rate", "2m"];
    assert.deepEqual(await client(grant, ...rates), [0, "3 connections of 100000 bytes\n", ""]);
  } finally {
    server.close();
  }
});

test("sampan run ends with a signal while its guest waits for connections", async () => {
  const child = await runSockets(["--allow-listen", "*"], "idle", "1");
  const ended = once(child, "exit");
  const errors = text(child.stderr);
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  const [code, signal] = await ended;
  assert.ok(code === 143 || signal === "SIGTERM", `${code} ${signal}`);
  assert.equal(await errors, "");
});
