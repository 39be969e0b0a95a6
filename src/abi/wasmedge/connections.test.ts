import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { defaultGrants } from "../../capabilities/index.ts";
import { directNetwork } from "../../host/index.ts";
import { event, subscription } from "../preview1/poll-fixture.ts";
import { nonblocking, u32, utf8 } from "../preview1/preview1-fixture.ts";
import { type SocketBench, testErrors, withSockets } from "./wasmedge-fixture.ts";

const local = [127, 0, 0, 1] as const;
const listening = { net: { ...defaultGrants.net, listen: [{ ports: { first: 4000, last: 4010 } }] } };

/** An address of 128 bytes: its family in two, then these. */
function tagged(family: number, ...bytes: readonly number[]): number[] {
  return [family, 0, ...bytes, ...new Uint8Array(126 - bytes.length)];
}

async function optionOf(p: SocketBench, fd: number, name: number): Promise<number> {
  const value = p.place(4);
  const length = p.put(u32(4));
  assert.equal(await p.callAsync("sock_getsockopt", fd, 0, name, value, length), "success");
  const number = p.view.getUint32(value, true);
  p.renew();
  return number;
}

async function writableAt(p: SocketBench, fd: number): Promise<Uint8Array> {
  const [from, to, n] = [p.put(subscription({ fd, events: "write" }, 0)), p.place(32), p.place(4)];
  assert.equal(await p.callAsync("poll_oneoff", from, to, 1, n), "success");
  const told = p.bytes.slice(to, to + 32);
  p.renew();
  return told;
}

for (const version of [1, 2] as const) {
  test(`sock_open() makes sockets of each family and type (version ${version})`, () =>
    withSockets({ version, host: { limits: { maxFiles: 8 } } }, async (p) => {
      const out = p.place(4);
      const line = "sock_open(af=ipv4,socktype=stream) -> 5";
      await p.expectAsync("sock_open", [1, 2, out], { line, writes: [[out, u32(5)]] });
      await p.expectAsync("sock_open", [2, 1, out], { writes: [[out, u32(6)]] });
      await p.expectAsync("sock_open", [3, 2, out], { writes: [[out, u32(7)]] });
      assert.equal(await optionOf(p, 5, 1), 2);
      assert.equal(await optionOf(p, 6, 1), 1);
    }));

  test(`sock_open() answers afnosupport, inval and mfile (version ${version})`, () =>
    withSockets({ version, host: { limits: { maxFiles: 6 } } }, async (p) => {
      const out = p.place(4);
      await p.expectAsync("sock_open", [0, 2, out], { errno: "afnosupport", line: /af=unspec/ });
      await p.expectAsync("sock_open", [4, 2, out], { errno: "afnosupport" });
      await p.expectAsync("sock_open", [1, 0, out], { errno: "inval", line: /socktype=any/ });
      await p.expectAsync("sock_open", [1, 3, out], { errno: "inval" });
      await p.number("sock_open", 1, 2);
      await p.expectAsync("sock_open", [1, 2, out], { errno: "mfile" });
      await p.expectAsync("sock_open", [1, 2, 0x2_0000 - 3], { errno: "mfile" });
    }));

  test(`sock_bind(), sock_listen(), sock_connect() and sock_accept() make a connection (version ${version})`, () =>
    withSockets({ version }, async (p) => {
      const fd = await p.number("sock_open", 1, 2);
      p.lines.splice(0);
      await p.expectAsync("sock_bind", [fd, p.address(...local), 0], {
        line: "sock_bind(fd=5,addr=127.0.0.1,port=0) -> ok",
      });
      await p.expectAsync("sock_listen", [fd, 8], { line: "sock_listen(fd=5,backlog=8) -> ok" });
      const port = await p.portOf(fd);
      assert.ok(port > 0);
      const client = await p.number("sock_open", 1, 2);
      const line = `sock_connect(fd=6,addr=127.0.0.1,port=${port}) -> ok`;
      await p.expectAsync("sock_connect", [client, p.address(...tagged(1, ...local)), port], { line });
      const out = p.place(4);
      const flags = version === 1 ? [] : [0];
      const accepted = version === 1 ? "sock_accept(fd=5) -> 7" : "sock_accept(fd=5,flags=0) -> 7";
      await p.expectAsync("sock_accept", [fd, ...flags, out], { line: accepted, writes: [[out, u32(7)]] });
      await p.number("sock_send", client, p.pieces("hello"), 0);
      const [at, n, ro] = [p.place(8), p.place(4), p.place(2)];
      await p.expectAsync("sock_recv", [7, p.iovecs([at, 8]), 0, n, ro], {
        writes: [
          [at, utf8("hello")],
          [n, u32(5)],
          [ro, new Uint8Array(2)],
        ],
      });
    }));

  test(`sock_connect() without waiting is in progress until the socket can be written (version ${version})`, () =>
    withSockets({ version }, async (p) => {
      const { fd, port } = await p.listener();
      const open = async (): Promise<number> => {
        const client = await p.number("sock_open", 1, 2);
        await p.does("fd_fdstat_set_flags", client, nonblocking.fdflags);
        return client;
      };
      const client = await open();
      await p.expectAsync("sock_connect", [client, p.address(...local), port], { errno: "inprogress" });
      assert.deepEqual(Buffer.from(await writableAt(p, client)), Buffer.from(event(0, 2, { bytes: 1n })));
      assert.equal(await optionOf(p, client, 2), 0);
      await p.expectAsync("sock_connect", [client, p.address(...local), port], { errno: "isconn" });
      await p.does("fd_close", fd);
      const refused = await open();
      await p.expectAsync("sock_connect", [refused, p.address(...local), port], { errno: "inprogress" });
      await writableAt(p, refused);
      assert.equal(await optionOf(p, refused, 2), 14);
      assert.equal(await optionOf(p, refused, 2), 0, "an error is told once");
      const waiting = await p.number("sock_open", 1, 2);
      await p.expectAsync("sock_connect", [waiting, p.address(...local), port], { errno: "connrefused" });
    }));

  test(`sock_bind() and sock_connect() look at the grants and the address (version ${version})`, () =>
    withSockets({ version, grants: listening }, async (p) => {
      const fd = await p.number("sock_open", 1, 2);
      const bind = (bytes: readonly number[], port: number, errno: "acces" | "afnosupport" | "inval") =>
        p.expectAsync("sock_bind", [fd, p.address(...bytes), port], { errno });
      await bind(local, 3999, "acces");
      await bind(local, 0x1_0fa1, "inval");
      await bind([127, 0, 1], 4000, "inval");
      await bind(tagged(7), 4000, "afnosupport");
      await bind([...new Uint8Array(16)], 4000, "afnosupport");
      await p.expectAsync("sock_bind", [fd, p.address(...local), 4000]);
      await p.expectAsync("sock_bind", [fd, p.address(...local), 4001], { errno: "inval" });
      await p.expectAsync("sock_connect", [await p.number("sock_open", 1, 2), p.address(...local), 9], {
        errno: "acces",
      });
      assert.deepEqual(
        p.refused.map((request) => ("port" in request ? request.port : request)),
        [3999, 9],
      );
      const wild = await p.number("sock_open", 1, 2);
      // A free port is bound, and whether it may be listened on is asked then.
      await p.does("sock_bind", wild, p.address(...local), 0);
      await p.expectAsync("sock_listen", [wild, 1], { errno: "acces" });
    }));

  test(`sock_connect() reaches a Unix socket that is granted (version ${version})`, () =>
    withSockets({ version }, async (outer) => {
      const path = join(outer.folder, "socket");
      const server = createServer((peer) => peer.end("by path")).listen(path);
      await once(server, "listening");
      const connect = [{ host: { kind: "unix", path }, ports: { first: 0, last: 65_535 } }] as const;
      await withSockets({ version, grants: { net: { ...defaultGrants.net, connect } } }, async (p) => {
        const fd = await p.number("sock_open", 3, 2);
        const wrong = p.address(...tagged(3, ...utf8(`${path}2`), 0));
        await p.expectAsync("sock_connect", [fd, wrong, 0], { errno: "acces" });
        const line = `sock_connect(fd=5,addr="${path}",port=0) -> ok`;
        await p.expectAsync("sock_connect", [fd, p.address(...tagged(3, ...utf8(path), 0)), 0], { line });
        const at = p.place(16);
        assert.equal(await p.callAsync("sock_recv", fd, p.iovecs([at, 16]), 2, p.place(4), p.place(2)), "success");
        assert.equal(Buffer.from(p.bytes.subarray(at, at + 7)).toString(), "by path");
        p.renew();
        p.lines.splice(0);
        const [record, room] = p.addressRoom(version === 1 ? 16 : 128);
        const results = version === 1 ? [p.place(4), p.place(4)] : [p.place(4)];
        const unix = Uint8Array.from(tagged(3, ...utf8(path), 0));
        const told = {
          line: `sock_getpeeraddr(fd=5,addr=0x${room.toString(16)}+128) -> "${path}"`,
          writes: [
            [room, unix],
            [results[0] ?? 0, u32(0)],
          ],
        } as const;
        await p.expectAsync("sock_getpeeraddr", [fd, record, ...results], version === 1 ? { errno: "inval" } : told);
      }).finally(() => server.close());
    }));
}

test("sock_getlocaladdr() and sock_getpeeraddr() of version 1 tell 4 or 6 and bytes, and need room", () =>
  withSockets({ version: 1 }, async (p) => {
    const { client, server, port } = await p.pair();
    p.lines.splice(0);
    for (const [name, fd] of [
      ["sock_getlocaladdr", server],
      ["sock_getpeeraddr", client],
    ] as const) {
      const [record, at] = p.addressRoom(16);
      const [type, out] = [p.place(4), p.place(4)];
      await p.expectAsync(name, [fd, record, type, out], {
        line: `${name}(fd=${fd},addr=0x${at.toString(16)}+16) -> 127.0.0.1,${port}`,
        writes: [
          [at, Uint8Array.from(local)],
          [type, u32(4)],
          [out, u32(port)],
        ],
      });
      const [short] = p.addressRoom(3);
      await p.expectAsync(name, [fd, short, p.place(4), p.place(4)], { errno: "inval" });
    }
    const six = await p.number("sock_open", 2, 2);
    await p.does("sock_bind", six, p.address(...new Uint8Array(15), 1), 0);
    const [record, at] = p.addressRoom(16);
    const [type, out] = [p.place(4), p.place(4)];
    await p.expectAsync("sock_getlocaladdr", [six, record, type, out], {
      line: /-> ::1,\d+$/,
      writes: [
        [at, Uint8Array.from([...new Uint8Array(15), 1])],
        [type, u32(6)],
        [out, 4],
      ],
    });
    const [tooShort] = p.addressRoom(4);
    await p.expectAsync("sock_getlocaladdr", [six, tooShort, type, out], { errno: "inval" });
    const [other] = p.addressRoom(16);
    await p.expectAsync("sock_getpeeraddr", [six, other, type, out], { errno: "notconn" });
  }));

test("sock_getlocaladdr() and sock_getpeeraddr() of version 2 tell the family in 128 bytes", () =>
  withSockets({ version: 2 }, async (p) => {
    const { client, server, port } = await p.pair();
    for (const [name, fd] of [
      ["sock_getlocaladdr", server],
      ["sock_getpeeraddr", client],
    ] as const) {
      const [record, at] = p.addressRoom(128);
      const out = p.place(4);
      p.lines.splice(0);
      await p.expectAsync(name, [fd, record, out], {
        line: `${name}(fd=${fd},addr=0x${at.toString(16)}+128) -> 127.0.0.1,${port}`,
        writes: [
          [at, Uint8Array.from([1, 0, ...local])],
          [out, u32(port)],
        ],
      });
      const [short] = p.addressRoom(16);
      await p.expectAsync(name, [fd, short, out], { errno: "inval" });
    }
    const fresh = await p.number("sock_open", 1, 2);
    const [record] = p.addressRoom(128);
    await p.expectAsync("sock_getpeeraddr", [fresh, record, p.place(4)], { errno: "notconn" });
  }));

for (const version of [1, 2] as const) {
  const typed = version === 1 ? [0] : [];

  test(`calls on connections answer badf, notsock and fault (version ${version})`, () =>
    withSockets({ version }, async (p) => {
      const fd = await p.number("sock_open", 1, 2);
      const calls = (on: number, at: number, out: number): readonly (readonly [string, number[]])[] => [
        ["sock_bind", [on, at, 0]],
        ["sock_connect", [on, at, 9]],
        ["sock_getlocaladdr", [on, at, ...typed.map(() => out), out]],
        ["sock_getpeeraddr", [on, at, ...typed.map(() => out), out]],
      ];
      for (const [on, errno] of [
        [99, "badf"],
        [3, "notsock"],
      ] as const) {
        for (const index of [0, 1, 2, 3]) {
          const [name, args] = calls(on, p.address(...local), p.place(4))[index] ?? assert.fail();
          await p.expectAsync(name, args, { errno });
        }
        await p.expectAsync("sock_listen", [on, 1], { errno });
        await p.expectAsync("sock_accept", [on, ...(version === 1 ? [] : [0]), p.place(4)], { errno });
      }
      for (const [name, args] of calls(fd, 0x2_0000 - 7, 0x1_0100)) await p.expectAsync(name, args, { errno: "fault" });
      const length = version === 1 ? 16 : 128;
      for (const index of [0, 1, 2, 3]) {
        const [name, args] = calls(fd, p.record(0x2_0000 - 1, length), p.place(4))[index] ?? assert.fail();
        await p.expectAsync(name, args, { errno: "fault" });
      }
    }));

  test(`sock_accept(), sock_listen() and sock_connect() answer what a socket is not ready for (version ${version})`, () =>
    withSockets({ version, host: { limits: { maxFiles: 8 } } }, async (p) => {
      const { fd, port } = await p.listener();
      const flags = version === 1 ? [] : [0];
      await p.does("fd_fdstat_set_flags", fd, nonblocking.fdflags);
      await p.expectAsync("sock_accept", [fd, ...flags, p.place(4)], { errno: "again" });
      const other = await p.number("sock_open", 1, 2);
      await p.expectAsync("sock_accept", [other, ...flags, p.place(4)], { errno: "inval" });
      await p.expectAsync("sock_connect", [other, p.address(1, 2, 3), 9], { errno: "inval" });
      await p.does("sock_connect", other, p.address(...local), port);
      await p.expectAsync("sock_listen", [other, 1], { errno: "inval" });
      await p.number("sock_open", 1, 2);
      await p.expectAsync("sock_accept", [fd, ...flags, p.place(4)], { errno: "mfile" });
    }));
}

test("sock_bind() answers addrinuse where another socket is", () =>
  withSockets({ version: 1, network: directNetwork() }, async (p) => {
    const { port } = await p.listener();
    const other = await p.number("sock_open", 1, 2);
    await p.expectAsync("sock_bind", [other, p.address(...local), port], { errno: "addrinuse" });
  }));

testErrors("connections.test.ts");
