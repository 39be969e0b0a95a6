import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../../base/index.ts";
import { readQuestion, responseCode, writeAnswer } from "./dns-message.ts";
import { answerQuery } from "./name-server.ts";
import { bytesOf, netHost, networkWithNames, room } from "./network-fixture.ts";
import type { Socket } from "./socket.ts";

/** A query with one question, as RFC 1035 has it. */
function query(name: string, { type = 1, id = 7 }: { type?: number; id?: number } = {}): Uint8Array {
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  return Uint8Array.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1]);
}

function framed(message: Uint8Array): Uint8Array {
  return Uint8Array.from([message.length >> 8, message.length & 255, ...message]);
}

async function readBytes(socket: Socket, most: number): Promise<Uint8Array> {
  const into = room(most);
  return into.memory.subarray(0, await socket.read(into));
}

const names = networkWithNames({ "db.test": ["192.0.2.7", "2001:db8::7"], "secret.test": ["192.0.2.9"] });

test("a guest that asks its DNS_SERVER by TCP is answered by the host's resolver, under its grants", async (t) => {
  const flags = { connect: ["db.test:3306"], env: { DNS_SERVER: "127.0.0.11:53" } };
  const { host, observer } = netHost(t, flags, { network: names });
  const socket = host.sockets.create("ipv4", "stream");
  await socket.connect({ family: "ipv4", address: "127.0.0.11", port: 53 });
  const asked = framed(query("db.test"));
  await socket.write(bytesOf(asked.subarray(0, 9)));
  await socket.write(bytesOf(asked.subarray(9)));
  // The clients that are known read the length, and then everything else at once.
  const [high = 0, low = 0] = await readBytes(socket, 2);
  const answer = await readBytes(socket, 2000);
  assert.equal(answer.length, high * 256 + low);
  assert.deepEqual([...answer.subarray(0, 8)], [0, 7, 0x81, 0x80, 0, 1, 0, 1]);
  assert.deepEqual([...answer.subarray(-4)], [192, 0, 2, 7]);
  await socket.write(bytesOf(framed(query("secret.test"))));
  const refused = await readBytes(socket, 2000);
  assert.equal((refused[5] ?? 0) & 15, responseCode.refused);
  assert.deepEqual(observer.refusals, [{ capability: "net.dns", name: "secret.test" }]);
  socket.shutdown("write");
  assert.equal((await readBytes(socket, 10)).length, 0);
  const elsewhere = host.sockets.create("ipv4", "stream");
  assert.throws(() => elsewhere.connect({ family: "ipv4", address: "127.0.0.12", port: 53 }), { errno: "acces" });
});

test("a guest that asks its DNS_SERVER by UDP is answered too, and then may connect to what it got", async (t) => {
  const flags = { connect: ["db.test"], env: { DNS_SERVER: "127.0.0.11" } };
  const { host } = netHost(t, flags, { network: names });
  const server = { family: "ipv4", address: "127.0.0.11", port: 53 } as const;
  const socket = host.sockets.create("ipv4", "datagram");
  await socket.send(bytesOf(query("db.test", { type: 28 })), server);
  const into = room(512);
  const { count, from } = await socket.receive(into);
  assert.deepEqual(from, server);
  assert.deepEqual([...into.memory.subarray(count - 4, count)], [0, 0, 0, 7]);
});

test("answerQuery() answers every name's kind of failure with a code of its own", async () => {
  const code = async (lookup: () => Promise<readonly string[]>, type = 1): Promise<number | undefined> => {
    const answer = await answerQuery(query("a.test", { type }), lookup);
    return answer === undefined ? undefined : (answer[3] ?? 0) & 15;
  };
  assert.equal(await code(() => Promise.resolve(["192.0.2.1"])), responseCode.ok);
  assert.equal(await code(() => Promise.reject(failure("ainoname"))), responseCode.noName);
  assert.equal(await code(() => Promise.reject(failure("acces"))), responseCode.refused);
  assert.equal(await code(() => Promise.reject(failure("aiagain"))), responseCode.failed);
  assert.equal(await code(() => Promise.resolve([]), 16), responseCode.notKnown, "TXT");
});

test("readQuestion() reads a question or answers undefined, whatever bytes come", () => {
  const whole = query("www.example.test");
  assert.equal(readQuestion(whole)?.name, "www.example.test");
  for (let length = 0; length < whole.length; length++)
    assert.equal(readQuestion(whole.subarray(0, length)), undefined);
  let seed = 42;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 16) % below;
  };
  let read = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = query("www.example.test");
    for (let j = random(4); j >= 0; j--) bytes[random(bytes.length)] = random(256);
    const question = readQuestion(bytes);
    if (question === undefined) continue;
    read += 1;
    const answer = writeAnswer(question, { code: 0, addresses: [Uint8Array.of(1, 2, 3, 4)] });
    assert.ok(answer.length >= 12 + question.bytes.length);
  }
  assert.ok(read > 1000 && read < 19_000, `${read} of 20,000 were questions`);
});
