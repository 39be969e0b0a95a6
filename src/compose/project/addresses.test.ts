import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressBook } from "./addresses.ts";

test("AddressBook gives each network a range and each instance a number in it, and keeps those that are taken", () => {
  const book = new AddressBook([]);
  const first = book.allot(["back", "front"]);
  assert.deepEqual(first, [
    { network: "back", ip: "10.64.0.2" },
    { network: "front", ip: "10.65.0.2" },
  ]);
  const second = book.allot(["front"]);
  assert.deepEqual(second, [{ network: "front", ip: "10.65.0.3" }]);
  const later = new AddressBook([second]);
  assert.deepEqual(later.allot(["back", "front"]), [
    { network: "back", ip: "10.64.0.2" },
    { network: "front", ip: "10.65.0.2" },
  ]);
  assert.deepEqual(later.allot([]), []);
});

test("AddressBook hands out no address twice, and none that ends in 0 or 255", () => {
  const book = new AddressBook([]);
  const all = Array.from({ length: 1000 }, () => book.allot(["n"])[0]?.ip ?? "");
  assert.equal(new Set(all).size, 1000);
  assert.ok(all.every((ip) => /^10\.64\.\d{1,3}\.\d{1,3}$/.test(ip) && !/\.(0|255)$/.test(ip)));
});
