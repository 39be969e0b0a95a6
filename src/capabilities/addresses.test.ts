import assert from "node:assert/strict";
import { test } from "node:test";
import { isIP } from "node:net";
import fc from "fast-check";
import {
  cidrContains,
  formatAddress,
  insideKind,
  isPublicRange,
  normalName,
  parseAddress,
  parseCidr,
} from "./addresses.ts";
import { anyAddress } from "./grants-arbitrary.ts";

test("parseAddress() agrees with node:net about what an address is", () => {
  const text = fc.oneof(
    anyAddress,
    fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
    fc.ipV6().map((each) => each.replace("0", "")),
  );
  fc.assert(
    fc.property(text, (each) => {
      assert.equal(parseAddress(each) !== undefined, isIP(each) !== 0, each);
    }),
    { numRuns: 5000 },
  );
});

test("formatAddress() writes the shortest form, which parseAddress() reads back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.array(fc.nat(7)), (bits, zeros) => {
      const address = {
        family: 6,
        bits: zeros.reduce((rest, at) => rest & ~(0xffffn << BigInt(at * 16)), bits),
      } as const;
      fc.pre(address.bits >> 32n !== 0xffffn);
      const text = formatAddress(address);
      assert.deepEqual(parseAddress(text), address);
      if (address.bits >> 32n !== 0n) assert.equal(`[${text}]`, new URL(`http://[${text}]/`).hostname);
    }),
    { numRuns: 2000 },
  );
  assert.equal(formatAddress({ family: 4, bits: 0x7f000001n }), "127.0.0.1");
});

test("parseCidr() clears what follows the prefix, and cidrContains() compares what precedes it", () => {
  fc.assert(
    fc.property(anyAddress, fc.nat(128), anyAddress, (text, bits, other) => {
      const cidr = parseCidr(`${text}/${bits}`);
      const address = parseAddress(text);
      if (cidr === undefined || address === undefined) return;
      assert.ok(cidrContains(cidr, address));
      assert.deepEqual(parseCidr(`${formatAddress(cidr.address)}/${cidr.prefix}`), cidr);
      const second = parseAddress(other);
      if (second && isPublicRange(cidr) && cidrContains(cidr, second)) assert.equal(insideKind(second), undefined);
    }),
    { numRuns: 2000 },
  );
  for (const wrong of ["10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0/8", "::ffff:1.2.3.4/80", "1.2.3.4/-1"])
    assert.equal(parseCidr(wrong), undefined, wrong);
});

test("insideKind() tells the inside from the public, IPv4 in IPv6 included", () => {
  const kind = (text: string): string | undefined => {
    const address = parseAddress(text);
    assert.ok(address, text);
    return insideKind(address);
  };
  assert.equal(kind("127.1.2.3"), "a loopback");
  assert.equal(kind("169.254.169.254"), "a cloud metadata");
  assert.equal(kind("fd00:ec2::254"), "a cloud metadata");
  assert.equal(kind("::ffff:10.0.0.1"), "a private");
  assert.equal(kind("64:ff9b::169.254.169.254"), "a cloud metadata");
  assert.equal(kind("64:ff9b::8.8.8.8"), undefined);
  assert.equal(kind("2002:7f00:1::"), "a loopback");
  assert.equal(kind("172.32.0.1"), undefined);
  assert.equal(kind("2606:4700::1111"), undefined);
});

test("normalName() takes names only, in one spelling", () => {
  assert.equal(normalName("A.Example."), "a.example");
  assert.equal(normalName("_srv._tcp.example"), "_srv._tcp.example");
  assert.equal(normalName("3com.example"), "3com.example");
  for (const wrong of ["", ".", "a..b", "-a", "a-", "1.2.3.4", "127.1", "0x7f", "a.0x1", "a/b", "a b", "a".repeat(64)])
    assert.equal(normalName(wrong), undefined, wrong);
});
