import assert from "node:assert/strict";
import { test } from "node:test";
import { nonblocking, u32, utf8 } from "../preview1/preview1-fixture.ts";
import { type SocketBench, testErrors, withSockets } from "./wasmedge-fixture.ts";

const local = [127, 0, 0, 1] as const;
const peek = 1;

/** A datagram socket with a place of its own. */
async function datagrams(p: SocketBench): Promise<{ fd: number; port: number }> {
  const fd = await p.number("sock_open", 1, 1);
  await p.does("sock_bind", fd, p.address(...local), 0);
  return { fd, port: await p.portOf(fd) };
}

async function sends(p: SocketBench, { from, to, text }: { from: number; to: number; text: string }): Promise<void> {
  const n = p.place(4);
  await p.expectAsync("sock_send_to", [from, p.pieces(text), p.address(...local), to, 0, n], {
    line: `sock_send_to(fd=${from},si_data=[${text.length}],addr=127.0.0.1,port=${to},si_flags=0) -> ${text.length}`,
    writes: [[n, u32(text.length)]],
  });
}

test("sock_send_to() and sock_recv_from() of version 1 carry datagrams, and tell the sender's address", () =>
  withSockets({ version: 1 }, async (p) => {
    const [a, b] = [await datagrams(p), await datagrams(p)];
    p.lines.splice(0);
    await sends(p, { from: a.fd, to: b.port, text: "one" });
    const [record, at] = p.addressRoom(16);
    const [into, n, ro] = [p.place(8), p.place(4), p.place(2)];
    await p.expectAsync("sock_recv_from", [b.fd, p.iovecs([into, 8]), record, 0, n, ro], {
      line: `sock_recv_from(fd=${b.fd},ri_data=[8],addr=0x${at.toString(16)}+16,ri_flags=0) -> 3,0 from 127.0.0.1`,
      writes: [
        [into, utf8("one")],
        [at, Uint8Array.from(local)],
        [n, u32(3)],
        [ro, new Uint8Array(2)],
      ],
    });
  }));

test("sock_recv_from() of version 2 tells the port, in 16 bits, and that a datagram was cut off", () =>
  withSockets({ version: 2 }, async (p) => {
    const [a, b] = [await datagrams(p), await datagrams(p)];
    const receive = async (flags: number, room: number, [text, cut]: readonly [string, number]) => {
      const [record, at] = p.addressRoom(128);
      const [into, port, n, ro] = [p.place(room), p.place(2), p.place(4), p.place(2)];
      await p.expectAsync("sock_recv_from", [b.fd, p.iovecs([into, room]), record, flags, port, n, ro], {
        line: new RegExp(`-> ${text.length},${cut === 1 ? "truncated" : 0} from 127\\.0\\.0\\.1$`),
        writes: [
          [into, utf8(text)],
          [at, Uint8Array.from([1, 0, ...local])],
          [port, new Uint8Array(Uint16Array.of(a.port).buffer)],
          [n, u32(text.length)],
          [ro, Uint8Array.of(cut, 0)],
        ],
      });
    };
    p.lines.splice(0);
    await sends(p, { from: a.fd, to: b.port, text: "abcdef" });
    await receive(peek, 8, ["abcdef", 0]);
    await receive(0, 4, ["abcd", 1]);
    await sends(p, { from: a.fd, to: b.port, text: "next" });
    await receive(0, 8, ["next", 0]);
  }));

for (const version of [1, 2] as const) {
  test(`sock_recv_from() and sock_send_to() answer their errors (version ${version})`, () =>
    withSockets({ version }, async (p) => {
      const { fd } = await datagrams(p);
      await p.does("fd_fdstat_set_flags", fd, nonblocking.fdflags);
      const receive = (
        errno: "again" | "badf" | "fault" | "inval" | "notconn" | "notsock",
        on: number,
        flags = 0,
        room = 16,
      ) => {
        const port = version === 1 ? [] : [p.place(2)];
        const [record] = p.addressRoom(room);
        const args = [on, p.iovecs([p.place(4), 4]), record, flags, ...port, p.place(4), p.place(2)];
        return p.expectAsync("sock_recv_from", args, { errno });
      };
      await receive("again", fd);
      await receive("inval", fd, 4);
      await receive("inval", fd, 0, 3);
      await receive("badf", 99);
      await receive("notsock", 3);
      await receive("notconn", await p.number("sock_open", 1, 2));
      const outside = p.record(0x2_0000 - 4, 16);
      const rest = [0, ...(version === 1 ? [] : [p.place(2)]), p.place(4), p.place(2)];
      await p.expectAsync("sock_recv_from", [fd, p.iovecs([p.place(4), 4]), outside, ...rest], { errno: "fault" });
      const n = p.place(4);
      const send = (
        errno: "acces" | "again" | "badf" | "fault" | "inval" | "notsock",
        on: number,
        at: number,
        flags = 0,
      ) => p.expectAsync("sock_send_to", [on, p.pieces("x"), at, 9, flags, n], { errno });
      await send("badf", 99, p.address(...local));
      await send("notsock", 3, p.address(...local));
      await send("inval", fd, p.address(...local), 1);
      await send("inval", fd, p.address(1, 2, 3));
      await send("fault", fd, p.record(0x2_0000 - 2, 4));
      await send("acces", fd, p.address(8, 8, 8, 8));
      assert.deepEqual(p.refused, [{ capability: "net.connect", host: "8.8.8.8", port: 9 }]);
    }));
}

test("sock_send_to() answers again where a limit is reached and the socket does not wait", () =>
  withSockets({ version: 2, host: { limits: { maxNetworkRate: 4 } } }, async (p) => {
    const { fd, port } = await datagrams(p);
    await p.does("fd_fdstat_set_flags", fd, nonblocking.fdflags);
    p.lines.splice(0);
    await sends(p, { from: fd, to: port, text: "four" });
    await p.expectAsync("sock_send_to", [fd, p.pieces("four"), p.address(...local), port, 0, p.place(4)], {
      errno: "again",
    });
  }));

testErrors("messages.test.ts");
