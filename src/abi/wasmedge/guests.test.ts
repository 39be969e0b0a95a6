import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { after, test } from "node:test";
import { compileOwnGuest } from "../../../guests/toolchain.ts";
import { Engine, type GuestModule } from "../../engine/index.ts";
import { textOf } from "../network-fixture.ts";

const engine = new Engine({ cache: false });
after(() => engine.close());
const grants = { net: { connect: ["127.0.0.0/8"], listen: ["0-65535"] } };

let compiled: Promise<GuestModule> | undefined;

/** The guest of guests/sockets, running. */
class Program {
  /** What it printed so far. */
  output = "";
  readonly ended: Promise<unknown>;
  #heard: (() => void) | undefined;

  constructor(...args: readonly string[]) {
    this.ended = this.#run(args);
  }

  async #run(args: readonly string[]): Promise<unknown> {
    const module = await (compiled ??= compileOwnGuest("sockets").then((path) =>
      engine.compile(new Uint8Array(readFileSync(path))),
    ));
    const stdout = {
      write: (bytes: Uint8Array): number => {
        this.output += Buffer.from(bytes).toString();
        this.#heard?.();
        return bytes.length;
      },
      ready: () => true as const,
      close: () => {},
    };
    const stdin = { read: () => 0, ready: () => true as const, cancel: () => {} };
    const instance = await engine.instantiate(module, {
      args: ["sockets", ...args],
      grants,
      stdio: { stdin, stdout, stderr: stdout },
    });
    try {
      return await instance.run();
    } finally {
      await instance.close();
    }
  }

  /** The port that it printed. */
  async port(): Promise<number> {
    for (;;) {
      const found = /^port (\d+)$/m.exec(this.output)?.[1];
      if (found !== undefined) return Number(found);
      await Promise.race([new Promise<void>((resolve) => (this.#heard = resolve)), this.ended]);
    }
  }

  /** Its last line, once it has ended well. */
  async result(): Promise<string> {
    assert.deepEqual(await this.ended, { kind: "exit", code: 0 }, this.output);
    return this.output.trim().split("\n").at(-1) ?? "";
  }
}

test("an echo server and a client, both guests, move 100 connections' bytes through both versions of the calls", async () => {
  for (const size of ["64", "65536"]) {
    const server = new Program("echo", "100");
    const client = new Program("client", String(await server.port()), "100", size);
    assert.equal(await client.result(), `100 connections of ${size} bytes`);
    assert.equal(await server.result(), "100 connections");
  }
});

test("an echo server in a guest gives 100 clients back what they send, after they close their half", async () => {
  const server = new Program("echo", "100");
  const port = await server.port();
  const talk = async (index: number): Promise<void> => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const text = `${index} `.repeat(20_000);
    socket.end(text);
    assert.equal(await textOf(socket), text);
  };
  await Promise.all(Array.from({ length: 100 }, (_, index) => talk(index)));
  assert.equal(await server.result(), "100 connections");
});

test("a client in a guest sends more than a server takes at once, and reads to the end", async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = new Program("client", String(port), "3", "5000000");
  assert.equal(await client.result(), "3 connections of 5000000 bytes");
  server.close();
});

test("a guest sends datagrams back to whom they came from", async () => {
  const server = new Program("udp", "5");
  const port = await server.port();
  const socket = createSocket("udp4");
  for (let i = 0; i < 5; i++) {
    socket.send(`datagram ${i}`, port, "127.0.0.1");
    const [message, from] = (await once(socket, "message")) as [Buffer, AddressInfo];
    assert.equal(message.toString(), `datagram ${i}`);
    assert.equal(from.port, port);
  }
  socket.close();
  assert.equal(await server.result(), "5 datagrams");
});

test("a guest asks for a name's addresses", async () => {
  assert.equal(await new Program("lookup", "127.0.0.1", "http").result(), "family 1 port 80 127.0.0.1");
  const refused = new Program("lookup", "db.test", "mysql");
  assert.deepEqual(await refused.ended, { kind: "exit", code: 1 });
  assert.match(refused.output, /sock_getaddrinfo failed: errno 80/);
});
