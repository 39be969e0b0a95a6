import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createWasi02, Wasi02Context } from "../../abi/index.ts";
import { insideAddresses, isInside } from "../network/attacks/cases.ts";
import { World } from "../network/attacks/world.ts";
import { type NetFlags, netGrants } from "../network/network-fixture.ts";
import { HostWorkload } from "../workload.ts";
import { testClient, testServer, textOf } from "./http-fixture.ts";

/** One request that a guest tries, and what the world says of names. */
interface HttpAttack {
  readonly name: string;
  readonly flags: NetFlags;
  readonly names?: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly authorities: readonly string[];
  readonly scheme?: "http" | "https";
}

const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address);

const attacks: readonly HttpAttack[] = [
  ...Object.entries(insideAddresses).flatMap(([what, address]): HttpAttack[] => [
    {
      name: `a request to ${what} through a granted name`,
      flags: { connect: ["named.test:1-65535"] },
      names: { "named.test": [[address]] },
      authorities: ["named.test", "named.test:8080"],
    },
    {
      name: `a request to ${what} where every public address is granted`,
      flags: { connect: ["*"], dns: true },
      authorities: [bracketed(address)],
    },
    {
      name: `a request by TLS to ${what} through a granted name`,
      flags: { connect: ["named.test"] },
      names: { "named.test": [[address]] },
      authorities: ["named.test"],
      scheme: "https",
    },
  ]),
  {
    name: "a name whose answer changes to loopback between two requests",
    flags: { connect: ["rebind.test"] },
    names: { "rebind.test": [["192.0.2.1"], ["127.0.0.1"]] },
    authorities: ["rebind.test", "rebind.test"],
  },
  {
    name: "a name that has an inside address among public ones",
    flags: { connect: ["mixed.test"] },
    names: { "mixed.test": [["192.0.2.1", "10.0.0.1"]] },
    authorities: ["mixed.test"],
  },
  ...["2130706433", "0177.0.0.1", "0x7f.0.0.1", "127.1", "0x7f000001"].map((spelled): HttpAttack => ({
    name: `loopback spelled "${spelled}", which a resolver reads as the address`,
    flags: { connect: ["*"], dns: true },
    names: { [spelled]: [["127.0.0.1"]] },
    authorities: [spelled],
  })),
];

/** Sends a request for each authority, in turn, and answers what the world was asked for. */
async function reached({ flags, names, authorities, scheme = "http" }: HttpAttack): Promise<readonly string[]> {
  const world = new World();
  Object.assign(world.names, names);
  const http = { environment: {} };
  const workload = new HostWorkload(netGrants(flags), { network: world.network, waits: "suspend", http });
  const host = workload.createInstance();
  for (const authority of authorities) {
    const { response } = host.http.send({ method: "GET", scheme, authority, path: "/", fields: [] });
    await assert.rejects(response);
  }
  host.close();
  workload.close();
  return world.reached;
}

for (const attack of attacks)
  test(`the HTTP client withstands ${attack.name}`, async () => {
    assert.deepEqual((await reached(attack)).filter(isInside), []);
  });

/** A client with the mistake that real ones make: it asks for the name, and connects to whatever that is. */
for (const attack of attacks)
  test(`a client that looks at names alone falls to ${attack.name}`, async () => {
    const world = new World();
    Object.assign(world.names, attack.names);
    for (const authority of attack.authorities) {
      const host = authority.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
      const addresses = attack.names === undefined ? [host] : await world.network.resolve(host);
      for (const address of addresses)
        world.network.connect({ family: address.includes(":") ? "ipv6" : "ipv4", address, port: 80 });
    }
    assert.ok(world.reached.some(isInside));
  });

test("the HTTP client reaches what is granted, so that the attacks are real", async () => {
  const flags = { connect: ["named.test", "10.0.0.0/8:80"] };
  const names = { "named.test": [["192.0.2.1"]] };
  const all = await reached({ name: "", flags, names, authorities: ["named.test:80", "10.0.0.1"] });
  assert.deepEqual(all, ["192.0.2.1", "10.0.0.1"]);
});

test("a redirect is not followed: the guest asks for what it names, and its grants decide", async (t) => {
  const { port } = await testServer(t, (_request, response) => {
    response.writeHead(302, { location: "http://127.0.0.2/secret" });
    response.end("moved");
  });
  const { client, observer } = testClient(t, { flags: { connect: [`127.0.0.1:${port}`] } });
  const request = { method: "GET", scheme: "http", authority: `127.0.0.1:${port}`, path: "/", fields: [] } as const;
  const { status, body } = await client.send(request).response;
  assert.equal(status, 302);
  assert.equal(await textOf(body), "moved");
  assert.deepEqual(observer.refusals, []);
});

/** Tries to have a second request behind the first on one connection, by calls of WASI 0.2. */
async function smuggled(t: TestContext, spoil: (call: (name: string, ...values: unknown[]) => unknown) => void) {
  const seen: string[] = [];
  const { port } = await testServer(t, (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.host}`);
    request.resume();
    request.on("end", () => response.end());
  });
  const http = { environment: {} };
  const grants = netGrants({ connect: [`127.0.0.1:${port}`] });
  const workload = new HostWorkload(grants, { waits: "suspend", http });
  const host = workload.createInstance();
  t.after(() => {
    host.close();
    workload.close();
  });
  const context = new Wasi02Context({ args: [], makeError: (payload) => new Error("answered", { cause: payload }) });
  context.attach(host, { suspends: true });
  const provide = createWasi02({ context });
  const call = (name: string, ...values: unknown[]): unknown => {
    const [itsInterface = "", function_ = ""] = name.split("#");
    const found = provide(`wasi:${itsInterface}@0.2.0`, function_);
    if (found === undefined) throw new TypeError(`There is no ${name}`);
    return (found.call as (...given: unknown[]) => unknown)(...values);
  };
  const fields = call("http/types#[constructor]fields");
  const tried = (name: string, ...values: unknown[]): unknown => {
    try {
      return call(name, ...values);
    } catch {
      return undefined;
    }
  };
  spoil((name, ...values) => tried(`http/types#[method]fields.${name}`, fields, ...values));
  const request = call("http/types#[constructor]outgoing-request", fields);
  const on = "http/types#[method]outgoing-request";
  spoil((name, ...values) => tried(`${on}.${name}`, request, ...values));
  call(`${on}.set-scheme`, request, { tag: "HTTP" });
  tried(`${on}.set-authority`, request, `127.0.0.1:${port}`);
  const future = call("http/outgoing-handler#handle", request, undefined);
  await call("io/poll#[method]pollable.block", call("http/types#[method]future-incoming-response.subscribe", future));
  return { seen, port };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const second = "GET /second HTTP/1.1\r\nHost: other.test\r\n\r\n";

for (const [what, name, ...values] of [
  ["a value of a field", "append", "x", bytes(`y\r\n\r\n${second}`)],
  ["a name of a field", "append", `x: y\r\n\r\n${second}`, bytes("y")],
  ["a host of its own", "append", "Host", bytes("other.test")],
  ["a path", "set-path-with-query", `/ HTTP/1.1\r\nHost: other.test\r\n\r\n${second}`],
  ["a method", "set-method", { tag: "other", val: `GET / HTTP/1.1\r\n\r\n${second}` }],
  ["an authority", "set-authority", `other.test\r\n\r\n${second}`],
  ["framing of its own", "append", "Transfer-Encoding", bytes("chunked")],
  ["two lengths", "set", "Content-Length", [bytes("0"), bytes("44")]],
] as const)
  test(`no request is smuggled in by ${what}`, async (t) => {
    const { seen, port } = await smuggled(t, (call) => void call(name, ...values));
    assert.deepEqual(
      seen.filter((each) => each !== `GET / 127.0.0.1:${port}`),
      [],
    );
    assert.ok(seen.length <= 1);
  });
