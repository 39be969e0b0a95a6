import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf, get } from "../http/http-fixture.ts";
import { HostWorkload } from "../workload.ts";
import type { NetworkBackend } from "./backend.ts";
import { directNetwork } from "./direct.ts";
import { errnoOf, loopback, netGrants, networkWithNames } from "./network-fixture.ts";

const inside = "192.0.2.1";

/** A workload with a grant for one name, in a network in which nothing is reached. */
function workloadOf(): HostWorkload {
  const direct = directNetwork();
  const network: NetworkBackend = {
    ...networkWithNames({ "api.test": [inside] }),
    // A closed port of the machine's stands for what cannot be reached: no test leaves the machine.
    connect: () => direct.connect(loopback(1)),
  };
  return new HostWorkload(netGrants({ connect: ["api.test:443"], dns: true }), { network, waits: "suspend" });
}

test("what one instance got for a name opens no address to another of its workload", async (t) => {
  const workload = workloadOf();
  const [asker, other] = [workload.createInstance(), workload.createInstance()];
  t.after(() => {
    for (const each of [asker, other]) each.close();
    workload.close();
  });
  assert.deepEqual(await asker.sockets.resolve("api.test"), [inside]);
  const connect = (host: typeof asker): Promise<string> =>
    errnoOf(() => host.sockets.create("ipv4", "stream").connect({ family: "ipv4", address: inside, port: 443 }));
  assert.equal(await connect(asker), "connrefused");
  assert.equal(await connect(other), "acces");
});

test("what an HTTP client got for a name opens no address by its number", async (t) => {
  const workload = workloadOf();
  const host = workload.createInstance();
  t.after(() => {
    host.close();
    workload.close();
  });
  const reach = (authority: string): Promise<string> =>
    failureOf(host.http.send(get(443, "/", { authority })).response);
  assert.equal(await reach("api.test:443"), "connection-refused");
  assert.equal(await reach(`${inside}:443`), "HTTP-request-denied");
});
