import { test } from "node:test";
import { u32, u64 } from "../preview1/preview1-fixture.ts";
import { type SocketBench, testErrors, withSockets } from "./wasmedge-fixture.ts";

const names = {
  reuseAddress: 0,
  type: 1,
  error: 2,
  broadcast: 4,
  keepAlive: 7,
  linger: 9,
  receiveTimeout: 11,
  acceptsConnections: 13,
  bindToDevice: 14,
};

async function answers(p: SocketBench, fd: number, name: number, value: Uint8Array): Promise<void> {
  const [at, length] = [p.place(24), p.put(u32(24))];
  await p.expectAsync("sock_getsockopt", [fd, 0, name, at, length], {
    writes: [
      [at, value],
      [length, u32(value.length)],
    ],
  });
}

test("sock_setsockopt() and sock_getsockopt() know numbers, times, lingering and what a socket is", () =>
  withSockets({ version: 1 }, async (p) => {
    const fd = await p.number("sock_open", 1, 2);
    p.lines.splice(0);
    const set = (name: number, value: Uint8Array) => [fd, 0, name, p.put(value), value.length];
    await answers(p, fd, names.type, u32(2));
    await answers(p, fd, names.error, u32(0));
    await answers(p, fd, names.acceptsConnections, u32(0));
    await answers(p, fd, names.reuseAddress, u32(0));
    const args = set(names.reuseAddress, u32(1));
    const line = `sock_setsockopt(fd=${fd},level=0,name=reuseAddress,value=0x${args[3]?.toString(16)}+4) -> ok`;
    await p.expectAsync("sock_setsockopt", args, { line });
    await answers(p, fd, names.reuseAddress, u32(1));
    await p.expectAsync("sock_setsockopt", set(names.receiveTimeout, u64(2n, 500_001n)));
    await answers(p, fd, names.receiveTimeout, u64(2n, 501_000n));
    await answers(p, fd, names.linger, u32(0, 0));
    await p.expectAsync("sock_setsockopt", set(names.linger, u32(1, 3)));
    await answers(p, fd, names.linger, u32(1, 3));
    await p.expectAsync("sock_setsockopt", set(names.linger, u32(0, 3)));
    await answers(p, fd, names.linger, u32(0, 0));
    await answers(p, fd, names.bindToDevice, new Uint8Array(0));
    await p.does("sock_bind", fd, p.address(127, 0, 0, 1), 0);
    await p.does("sock_listen", fd, 1);
    p.lines.splice(0);
    await answers(p, fd, names.acceptsConnections, u32(1));
  }));

test("sock_getsockopt() takes Go's length where its address belongs", () =>
  withSockets({ version: 2 }, async (p) => {
    const fd = await p.number("sock_open", 1, 1);
    const at = p.place(4);
    await p.expectAsync("sock_getsockopt", [fd, 0, names.type, at, 4], { writes: [[at, u32(1)]] });
    await p.expectAsync("sock_getsockopt", [fd, 0, names.receiveTimeout, at, 4], { errno: "inval" });
  }));

test("a time to receive ends a wait with again", () =>
  withSockets({ version: 2 }, async (p) => {
    const { server } = await p.pair();
    const time = u64(0n, 1000n);
    await p.does("sock_setsockopt", server, 0, names.receiveTimeout, p.put(time), time.length);
    await p.expectAsync("sock_recv", [server, p.iovecs([p.place(1), 1]), 0, p.place(4), p.place(2)], {
      errno: "again",
    });
  }));

test("sock_getsockopt() and sock_setsockopt() answer their errors", () =>
  withSockets({ version: 1 }, async (p) => {
    const fd = await p.number("sock_open", 1, 2);
    const [at, four, three] = [p.place(24), p.put(u32(4)), p.put(u32(3))];
    const get = (errno: "badf" | "fault" | "inval" | "noprotoopt" | "notsock", args: readonly number[]) =>
      p.expectAsync("sock_getsockopt", args, { errno }).finally(() => p.bytes.set(u32(4), four));
    p.bytes.set(u32(4), four);
    await get("badf", [99, 0, 0, at, four]);
    await get("notsock", [3, 0, 0, at, four]);
    await get("noprotoopt", [fd, 1, 0, at, four]);
    await get("noprotoopt", [fd, 0, 15, at, four]);
    await get("fault", [fd, 0, 0, 0x2_0000 - 3, four]);
    await get("fault", [fd, 0, 0, at, 0x2_0000 - 3]);
    p.bytes.set(u32(3), three);
    await get("inval", [fd, 0, 0, at, three]);
    const set = (
      errno: "badf" | "dom" | "fault" | "inval" | "noprotoopt" | "notsock" | "perm",
      name: number,
      value: Uint8Array,
      on = fd,
      level = 0,
    ) => p.expectAsync("sock_setsockopt", [on, level, name, p.put(value), value.length], { errno });
    await set("badf", 0, u32(1), 99);
    await set("notsock", 0, u32(1), 3);
    await set("noprotoopt", 0, u32(1), fd, 6);
    await set("noprotoopt", names.type, u32(1));
    await set("noprotoopt", names.error, u32(1));
    await set("noprotoopt", names.acceptsConnections, u32(1));
    await set("inval", 0, new Uint8Array(3));
    await set("inval", names.receiveTimeout, u64(1n));
    await set("dom", names.receiveTimeout, u64(0n, 1_000_000n));
    await set("perm", names.bindToDevice, new Uint8Array(4));
    await p.expectAsync("sock_setsockopt", [fd, 0, 0, 0x2_0000 - 3, 4], { errno: "fault" });
  }));

testErrors("options.test.ts");
