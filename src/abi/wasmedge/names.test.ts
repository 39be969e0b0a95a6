import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../../base/index.ts";
import { defaultGrants } from "../../capabilities/index.ts";
import { u32 } from "../preview1/preview1-fixture.ts";
import { type SocketBench, testErrors, withSockets } from "./wasmedge-fixture.ts";

const grants = { net: { ...defaultGrants.net, dns: true } };

/** A resolver that knows two names and fails in each way that there is. */
const network = {
  resolve(name: string): Promise<readonly string[]> {
    if (name === "db.test") return Promise.resolve(["10.1.2.3", "fd00::5", "10.1.2.4"]);
    if (name === "six.test") return Promise.resolve(["fd00::5"]);
    if (name === "busy.test") return Promise.reject(failure("again"));
    return Promise.reject(failure(name === "broken.test" ? "io" : "noent"));
  },
};

interface Hints {
  readonly flags?: number;
  readonly family?: number;
  readonly kind?: number;
  readonly protocol?: number;
}

/** Records that are linked up as a guest does: the list's address, and where each part lies. */
class Records {
  readonly list: number;
  readonly places: readonly { readonly at: number; readonly address: number; readonly data: number }[];

  constructor(p: SocketBench, count: number) {
    this.places = Array.from({ length: count }, () => ({ at: p.place(28), address: p.place(12), data: p.place(18) }));
    for (const [index, { at, address, data }] of this.places.entries()) {
      p.bytes.set(u32(0, 0, 12, address, 0, 30, this.places[index + 1]?.at ?? 0), at);
      p.bytes.set(u32(0, 18, data), address);
    }
    this.list = p.put(u32(this.places[0]?.at ?? 0));
  }

  /** What an answer has to write into the record of a place. */
  written(
    index: number,
    want: { family: number; kind: number; flags?: number; bytes: readonly number[]; port: number },
  ) {
    const { at, address, data } = this.places[index] ?? assert.fail(`there is no record ${index}`);
    const { family, kind, flags = 0, bytes, port } = want;
    return [
      [at, Uint8Array.of(flags, 0, family, kind, kind === 2 ? 1 : 2)],
      [at + 8, u32(bytes.length === 4 ? 16 : 28)],
      [at + 20, u32(0)],
      [address, Uint8Array.of(family)],
      [address + 4, u32(2 + bytes.length)],
      [data, Uint8Array.of(port >> 8, port & 255, ...bytes)],
    ] as const;
  }
}

function hintsOf(p: SocketBench, { flags = 0, family = 0, kind = 2, protocol = 1 }: Hints): number {
  const bytes = new Uint8Array(28);
  bytes.set([flags & 255, flags >> 8, family, kind, protocol]);
  return p.put(bytes);
}

const [first, second] = [
  [10, 1, 2, 3],
  [10, 1, 2, 4],
];
const six = [0xfd, ...new Uint8Array(14), 5];
const loopback = [127, 0, 0, 1];

test("sock_getaddrinfo() fills the records that a guest has linked up, and tells how many", () =>
  withSockets({ version: 1, grants, network }, async (p) => {
    const records = new Records(p, 4);
    const n = p.place(4);
    const args = [p.text("db.test\0"), p.text("mysql\0"), hintsOf(p, {}), records.list, 4, n];
    await p.expectAsync("sock_getaddrinfo", args, {
      line: /^sock_getaddrinfo\(node="db\.test\\u0000",service="mysql\\u0000",hints=0x\w+,res=0x\w+,max_len=4\) -> 3$/,
      writes: [
        ...records.written(0, { family: 1, kind: 2, bytes: first ?? [], port: 3306 }),
        ...records.written(1, { family: 2, kind: 2, bytes: six, port: 3306 }),
        ...records.written(2, { family: 1, kind: 2, bytes: second ?? [], port: 3306 }),
        [n, u32(3)],
      ],
    });
  }));

test("sock_getaddrinfo() keeps to the family, the type and the number that are asked for", () =>
  withSockets({ version: 2, grants, network }, async (p) => {
    const asks = async (
      hints: Hints,
      most: number,
      wanted: readonly (readonly [family: number, kind: number, bytes: readonly number[]])[],
    ) => {
      const records = new Records(p, most);
      const n = p.place(4);
      await p.expectAsync(
        "sock_getaddrinfo",
        [p.text("db.test"), p.text("80"), hintsOf(p, hints), records.list, most, n],
        {
          writes: [
            ...wanted.flatMap(([family, kind, bytes], index) =>
              records.written(index, { family, kind, bytes, port: 80 }),
            ),
            [n, u32(wanted.length)],
          ],
        },
      );
    };
    await asks({ family: 2, kind: 1 }, 3, [[2, 1, six]]);
    await asks({ family: 1 }, 1, [[1, 2, first ?? []]]);
    await asks({ family: 2, kind: 0, protocol: 0 }, 3, [
      [2, 2, six],
      [2, 1, six],
    ]);
    await asks({ family: 2, kind: 0, protocol: 2 }, 3, [[2, 1, six]]);
  }));

test("sock_getaddrinfo() needs no resolver for an address, nor for no name at all", () =>
  withSockets({ version: 1, grants: {}, network }, async (p) => {
    const asks = async (name: string, flags: number, [family, bytes]: readonly [number, readonly number[]]) => {
      const records = new Records(p, 1);
      const n = p.place(4);
      await p.expectAsync(
        "sock_getaddrinfo",
        [p.text(name), p.text("8080"), hintsOf(p, { flags }), records.list, 1, n],
        {
          writes: [...records.written(0, { family, kind: 2, flags, bytes, port: 8080 }), [n, u32(1)]],
        },
      );
    };
    await asks("127.0.0.1", 4, [1, loopback]);
    await asks("fd00::5", 0, [2, six]);
    await asks("", 0, [1, loopback]);
    await asks("", 1, [1, [0, 0, 0, 0]]);
    assert.deepEqual(p.refused, []);
  }));

test("sock_getaddrinfo() answers a name's failures by numbers of their own, and writes nothing", () =>
  withSockets({ version: 1, grants, network }, async (p) => {
    const fails = (
      errno:
        | "aiagain"
        | "aibadflag"
        | "aifail"
        | "aifamily"
        | "aimemory"
        | "ainodata"
        | "ainoname"
        | "aiservice"
        | "aisocktype",
      name: string,
      { service = "80", most = 1, ...hints }: Hints & { service?: string; most?: number } = {},
    ) => {
      const records = new Records(p, 1);
      const args = [p.text(name), p.text(service), hintsOf(p, hints), records.list, most, p.place(4)];
      return p.expectAsync("sock_getaddrinfo", args, { errno });
    };
    await fails("ainoname", "unknown.test");
    await fails("aiagain", "busy.test");
    await fails("aifail", "broken.test");
    await fails("ainodata", "six.test", { family: 1 });
    await fails("ainoname", "db.test", { flags: 4 });
    await fails("ainoname", "127.1", { flags: 4 });
    await fails("ainoname", "", { service: "" });
    await fails("aiservice", "db.test", { service: "no-such-service" });
    await fails("aiservice", "db.test", { service: "http", flags: 8 });
    await fails("aiservice", "db.test", { service: "65536" });
    await fails("aiservice", "db.test", { protocol: 3 });
    await fails("aibadflag", "db.test", { flags: 128 });
    await fails("aifamily", "db.test", { family: 3 });
    await fails("aisocktype", "db.test", { kind: 3 });
    await fails("aimemory", "db.test", { most: 0 });
    assert.deepEqual(p.refused, []);
  }));

test("sock_getaddrinfo() resolves what a grant covers alone", () =>
  withSockets({ version: 1, grants: {}, network }, async (p) => {
    const records = new Records(p, 1);
    const args = [p.text("db.test"), p.text("80"), hintsOf(p, {}), records.list, 1, p.place(4)];
    await p.expectAsync("sock_getaddrinfo", args, { errno: "aifail" });
    assert.deepEqual(p.refused, [{ capability: "net.dns", name: "db.test" }]);
  }));

test("sock_getaddrinfo() answers fault for records that lie outside, and ends where they are linked in a circle", () =>
  withSockets({ version: 1, grants, network }, async (p) => {
    const end = 0x2_0000;
    const asks = (list: number, most = 1) =>
      p.expectAsync("sock_getaddrinfo", [p.text("db.test"), p.text("80"), hintsOf(p, {}), list, most, p.place(4)], {
        errno: "fault",
      });
    await asks(end - 3);
    await asks(p.put(u32(end - 27)));
    const lone = new Records(p, 1);
    p.bytes.set(u32(end - 11), (lone.places[0]?.at ?? 0) + 12);
    await asks(lone.list);
    const short = new Records(p, 1);
    p.bytes.set(u32(end - 17), (short.places[0]?.address ?? 0) + 8);
    await asks(short.list);
    const circle = new Records(p, 1);
    const [record] = circle.places;
    p.bytes.set(u32(record?.at ?? 0), (record?.at ?? 0) + 24);
    const n = p.place(4);
    const args = [p.text("db.test"), p.text("80"), hintsOf(p, {}), circle.list, 0xffff_ffff, n];
    assert.equal(await p.callAsync("sock_getaddrinfo", ...args), "success");
    assert.equal(p.view.getUint32(n, true), 3);
    assert.deepEqual(p.bytes.slice((record?.data ?? 0) + 2, (record?.data ?? 0) + 6), Uint8Array.from(second ?? []));
  }));

testErrors("names.test.ts");
