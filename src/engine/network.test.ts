import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import { SampanError } from "../base/index.ts";
import {
  directNetwork,
  MemorySink,
  type NetworkBackend,
  type ProjectNetworkConfig,
  projectSocket,
} from "../host/index.ts";
import { Engine } from "./engine.ts";
import type { Cordon } from "./pool/pool.ts";

const withCode = (code: string) => (error: unknown) => error instanceof SampanError && error.code === code;

/** Resolves with what a server on a Unix socket answers; tries until it listens. */
async function get(path: string): Promise<string> {
  for (;;) {
    const socket = connect({ path });
    try {
      await once(socket, "connect");
    } catch {
      await new Promise(setImmediate);
      continue;
    }
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let text = "";
    socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
    await once(socket, "close");
    return text;
  }
}

for (const cordon of [undefined, "shared", "thread", "process"] satisfies (Cordon | undefined)[]) {
  test(`Engine.instantiate() puts an instance ${cordon ?? "here"} into a project's network`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "net-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const network: ProjectNetworkConfig = {
      folder,
      self: { addresses: [{ network: "default", ip: "10.64.0.2" }], names: ["service"] },
      hosts: [],
      published: [],
    };
    await using engine = new Engine();
    const bytes = new Uint8Array(readFileSync(await compileOwnGuest("small-service")));
    const module = await engine.compile(bytes, { name: "small-service" });
    const stdio = { stdout: new MemorySink() };
    const options = { args: ["small-service", "serve", "8080", "hello"], mode: "async", network, stdio } as const;
    const instance = await engine.instantiate(module, cordon === undefined ? options : { ...options, cordon });
    const ended = instance.run();
    const path = projectSocket(folder, { ip: "10.64.0.2", protocol: "tcp", port: 8080 });
    assert.match(await get(path), /hello/);
    instance.kill();
    assert.equal((await ended).kind, "signal");
  });
}

test("Engine.instantiate() says that a project's network cannot be where it is to be, in every cordon", async () => {
  await using engine = new Engine();
  const bytes = new Uint8Array(readFileSync(await compileOwnGuest("small-service")));
  const module = await engine.compile(bytes);
  const network = { folder: "/nonexistent", self: { addresses: [], names: [] }, hosts: [], published: [] };
  for (const cordon of ["shared", "thread", "process"] as const)
    await assert.rejects(engine.instantiate(module, { network, cordon }), withCode("NETWORK_FOLDER"));
  await assert.rejects(engine.instantiate(module, { network }), withCode("NETWORK_FOLDER"));
});

test("Engine.instantiate() makes sockets of an embedder's network, in this thread alone", async () => {
  await using engine = new Engine();
  const bytes = new Uint8Array(readFileSync(await compileOwnGuest("sockets")));
  const module = await engine.compile(bytes, { name: "sockets" });
  const direct = directNetwork();
  const asked: string[] = [];
  const network: NetworkBackend = {
    name: "embedder's",
    bindStream: (address) => direct.bindStream(address),
    connect: (to) => direct.connect(to),
    bindDatagrams: (address, options) => direct.bindDatagrams(address, options),
    resolve: (name) => {
      asked.push(name);
      return Promise.resolve(["192.0.2.17"]);
    },
  };
  const stdout = new MemorySink();
  const options = {
    args: ["sockets", "lookup", "name.test", "80"],
    grants: { net: { dns: true } },
    network,
    stdio: { stdout },
  };
  const instance = await engine.instantiate(module, { ...options, mode: "async" });
  await instance.run();
  assert.deepEqual(asked, ["name.test"]);
  assert.match(stdout.text, /192\.0\.2\.17/);
  await assert.rejects(engine.instantiate(module, { network, cordon: "thread" }), withCode("NETWORK_CORDON"));
});
