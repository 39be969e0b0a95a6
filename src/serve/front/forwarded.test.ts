import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpField } from "../../engine/index.ts";
import { forwardedFields, forwardedScheme, Peers, requestIdOf } from "./forwarded.ts";

const fieldsOf = (...pairs: readonly (readonly [string, string])[]): HttpField[] =>
  pairs.map(([name, value]) => [name, Buffer.from(value)]);
const id = (text: string): HttpField => ["x-request-id", Buffer.from(text)];
const texts = (fields: readonly HttpField[]): string[] => fields.map(([name, value]) => `${name}: ${String(value)}`);

const sent = fieldsOf(
  ["host", "a"],
  ["x-forwarded-for", "1.2.3.4"],
  ["x-forwarded-proto", "https"],
  ["x-forwarded-host", "b"],
  ["forwarded", "for=1.2.3.4"],
  ["x-real-ip", "1.2.3.4"],
  ["x-request-id", "their-own"],
  ["x-other", "1"],
);

test("forwardedFields() drops what anybody could have written, and says who the peer is", () => {
  const origin = new Peers(["10.0.0.0/8"]).originOf("192.0.2.7");
  assert.equal(origin.isTrusted, false);
  assert.deepEqual(texts(forwardedFields(sent, { origin, isSecure: false, id: id("r1") })), [
    "host: a",
    "x-other: 1",
    "x-forwarded-for: 192.0.2.7",
    "x-forwarded-proto: http",
    "forwarded: for=192.0.2.7;proto=http",
    "x-request-id: r1",
  ]);
});

test("forwardedFields() adds itself to what a trusted peer says", () => {
  for (const [trusted, address, node] of [
    [["10.0.0.0/8"], "10.1.2.3", "10.1.2.3"],
    [["10.1.2.3"], "::ffff:10.1.2.3", "10.1.2.3"],
    [["2001:db8::/32"], "2001:db8::1", '"[2001:db8::1]"'],
  ] as const) {
    const origin = new Peers(trusted).originOf(address);
    assert.equal(origin.isTrusted, true);
    const plain = node.replace(/["[\]]/g, "");
    assert.deepEqual(texts(forwardedFields(sent, { origin, isSecure: true, id: id("r1") })), [
      "host: a",
      "x-forwarded-proto: https",
      "x-forwarded-host: b",
      "x-real-ip: 1.2.3.4",
      "x-other: 1",
      `x-forwarded-for: 1.2.3.4, ${plain}`,
      `forwarded: for=1.2.3.4, for=${node};proto=https`,
      "x-request-id: r1",
    ]);
  }
});

test("forwardedFields() leaves the way as it is where a front of our own passes a request on", () => {
  const origin = new Peers([]).originOf("");
  const fields = texts(forwardedFields(sent, { origin, isSecure: false, id: id("r1") }));
  assert.ok(fields.includes("x-forwarded-for: 1.2.3.4") && fields.includes("forwarded: for=1.2.3.4"));
  assert.ok(fields.includes("x-forwarded-proto: https"));
});

test("requestIdOf() takes what is an id, forwardedScheme() what is a scheme", () => {
  assert.equal(requestIdOf(sent), "their-own");
  assert.equal(requestIdOf([]), undefined);
  for (const wrong of ["", "a b", 'a"b', "é", "x".repeat(129)])
    assert.equal(requestIdOf(fieldsOf(["x-request-id", wrong])), undefined, wrong);
  assert.equal(forwardedScheme(sent), "https");
  assert.equal(forwardedScheme(fieldsOf(["x-forwarded-proto", "ftp"])), undefined);
  assert.equal(forwardedScheme([]), undefined);
});

test("Peers remembers a bounded number of addresses, and trusts nobody by what is no address", () => {
  const peers = new Peers(["nonsense", "10.0.0.0/99", "::1"]);
  for (let each = 0; each < 5000; each++)
    assert.equal(peers.originOf(`10.0.${each >> 8}.${each & 255}`).isTrusted, false);
  assert.equal(peers.originOf("::1").isTrusted, true);
  assert.equal(peers.originOf("nonsense").isTrusted, false);
});
