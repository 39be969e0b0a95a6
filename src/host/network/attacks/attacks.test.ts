import assert from "node:assert/strict";
import { test } from "node:test";
import { isInside, type NetworkAttack, networkAttacks } from "./cases.ts";
import { hostTarget, type Target, type TargetParts, weakTarget } from "./target.ts";
import { wasi02Target } from "./wasi02-target.ts";
import { wasmedgeTarget } from "./wasmedge-target.ts";
import { World } from "./world.ts";

const fewestCases = 50;

/** Whether an attack got through. */
async function isBreached(attack: NetworkAttack, make: (parts: TargetParts) => Target): Promise<boolean> {
  const world = new World();
  attack.prepare?.(world);
  const target = make({ world, flags: attack.flags, limits: attack.limits ?? {} });
  try {
    const gotThrough = await attack.attempt(target, world);
    return gotThrough === true || world.reached.some(isInside);
  } finally {
    target.dispose();
  }
}

test("the table of network attacks has its cases, each once", () => {
  assert.ok(networkAttacks.length >= fewestCases, `${networkAttacks.length}`);
  assert.equal(new Set(networkAttacks.map(({ name }) => name)).size, networkAttacks.length);
});

for (const [label, make] of [
  ["the host", hostTarget],
  ["WasmEdge's calls", wasmedgeTarget],
  ["WASI 0.2", wasi02Target],
] as const) {
  for (const attack of networkAttacks) {
    test(`${label} withstands ${attack.name}`, async () => assert.equal(await isBreached(attack, make), false));
  }
}

for (const attack of networkAttacks) {
  test(`a weak host falls to ${attack.name}`, async () => assert.equal(await isBreached(attack, weakTarget), true));
}

for (const [label, make] of [
  ["the host", hostTarget],
  ["WasmEdge's calls", wasmedgeTarget],
  ["WASI 0.2", wasi02Target],
] as const) {
  test(`${label} lets through what is granted, so that the attacks are real`, async () => {
    const world = new World();
    world.names["named.test"] = [["192.0.2.1"]];
    const flags = { connect: ["named.test", "10.0.0.0/8"], listen: ["8000"] };
    const target = make({ world, flags, limits: {} });
    const connect = async (address: string) => {
      const to = { family: "ipv4", address, port: 80 } as const;
      return target.connect(await target.open("ipv4", "stream"), to);
    };
    for (const address of await target.resolve("named.test")) assert.equal(await connect(address), "inprogress");
    assert.equal(await connect("10.0.0.1"), "inprogress");
    const datagrams = await target.open("ipv4", "datagram");
    assert.equal(await target.send(datagrams, 4, { family: "ipv4", address: "10.0.0.2", port: 80 }), "ok");
    assert.deepEqual(world.reached, ["192.0.2.1", "10.0.0.1", "10.0.0.2"]);
    const listener = await target.open("ipv4", "stream");
    assert.equal(await target.bind(listener, { family: "ipv4", address: "127.0.0.1", port: 8000 }), "ok");
    assert.equal(await target.listen(listener), "ok");
    assert.equal(await target.accept(listener), "again");
    const peer = world.arrive();
    const accepted = await target.accept(listener);
    assert.ok(typeof accepted === "number");
    assert.equal(await target.send(accepted, 1000), "ok");
    assert.equal(peer.pending, 1000);
    for (let i = 0; i < 10; i++) await target.send(accepted, 0x1_0000);
    assert.equal(await target.send(accepted, 1), "again");
    assert.equal(await target.close(accepted), "ok");
    assert.equal(peer.isClosed, true);
    target.dispose();
  });
}
