import assert from "node:assert/strict";
import { test } from "node:test";
import { testDocumentedErrors, u32, u64, utf8, withBench } from "./preview1-fixture.ts";

const end = 0x2_0000;

test(
  "args_sizes_get() counts arguments and their bytes with each NUL",
  withBench({ args: ["guest", "", "ä b"] }, (p) => {
    const [count, size] = [p.place(4), p.place(4)];
    const line = "args_sizes_get() -> 3,12";
    p.expect("args_sizes_get", [count, size], {
      line,
      writes: [
        [count, u32(3)],
        [size, u32(12)],
      ],
    });
    p.expect("args_sizes_get", [end - 3, p.place(4)], { errno: "fault", line: "args_sizes_get() -> fault" });
  }),
);

test(
  "args_get() writes a table of addresses and the arguments behind one another",
  withBench({ args: ["guest", "", "ä b"] }, (p) => {
    const [table, buffer] = [p.place(12), p.place(12)];
    const writes = [
      [table, u32(buffer, buffer + 6, buffer + 7)],
      [buffer, utf8("guest\0\0ä b\0")],
    ] as const;
    const line = `args_get(argv=0x${table.toString(16)},argv_buf=0x${buffer.toString(16)}) -> ok`;
    p.expect("args_get", [table, buffer], { line, writes });
    p.expect("args_get", [end - 3, p.place(12)], { errno: "fault" });
    p.expect("args_get", [0xffff_fffc, p.place(12)], { errno: "fault" });
  }),
);

test(
  "environ_sizes_get() counts the granted variables alone",
  withBench({ grants: { env: { A: "1", LONG: "x=y" } } }, (p) => {
    const [count, size] = [p.place(4), p.place(4)];
    const line = "environ_sizes_get() -> 2,13";
    p.expect("environ_sizes_get", [count, size], {
      line,
      writes: [
        [count, u32(2)],
        [size, u32(13)],
      ],
    });
    p.expect("environ_sizes_get", [end, count], { errno: "fault" });
  }),
);

test(
  "environ_get() writes NAME=value with a NUL behind each",
  withBench({ grants: { env: { A: "1", LONG: "x=y" } } }, (p) => {
    const [table, buffer] = [p.place(8), p.place(13)];
    const writes = [
      [table, u32(buffer, buffer + 4)],
      [buffer, utf8("A=1\0LONG=x=y\0")],
    ] as const;
    p.expect("environ_get", [table, buffer], {
      line: /^environ_get\(environ=0x\w+,environ_buf=0x\w+\) -> ok$/,
      writes,
    });
    p.expect("environ_get", [end, p.place(13)], { errno: "fault" });
  }),
);

test(
  "environ_get() writes nothing where nothing is granted",
  withBench({}, (p) => p.expect("environ_get", [p.place(4), p.place(4)])),
);

test(
  "clock_time_get() tells the granted instant for a fixed clock",
  withBench({ grants: { clock: { kind: "fixed", unixNanoseconds: "1234567890123456789" } } }, (p) => {
    const out = p.place(8);
    const line = "clock_time_get(id=realtime,precision=1) -> 1234567890123456789";
    p.expect("clock_time_get", [0, 1n, out], { line, writes: [[out, u64(1234567890123456789n)]] });
    p.expect("clock_time_get", [1, 0n, out], {
      line: "clock_time_get(id=monotonic,precision=0) -> 1",
      writes: [[out, u64(1n)]],
    });
    p.expect("clock_time_get", [4, 0n, out], { errno: "inval", line: "clock_time_get(id=4,precision=0) -> inval" });
    p.expect("clock_time_get", [0, 0n, end - 7], {
      errno: "fault",
      line: "clock_time_get(id=realtime,precision=0) -> fault",
    });
  }),
);

test(
  "clock_time_get() gives the system's time, whatever precision is asked for",
  withBench({}, (p) => {
    for (const precision of [0n, -1n]) {
      const out = p.place(8);
      const before = BigInt(Date.now() - 1) * 1_000_000n;
      const time = p.expect("clock_time_get", [0, precision, out], { writes: [[out, 8]] }).getBigUint64(out, true);
      assert.ok(time >= before && time <= BigInt(Date.now() + 1) * 1_000_000n, `${time}`);
    }
    const readings = [1, 1, 1].map((id) => {
      const out = p.place(8);
      return p.expect("clock_time_get", [id, 0n, out], { writes: [[out, 8]] }).getBigUint64(out, true);
    });
    assert.deepEqual(
      readings,
      readings.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
    );
    for (const id of [2, 3]) {
      const out = p.place(8);
      p.expect("clock_time_get", [id, 0n, out], { writes: [[out, 8]] });
    }
  }),
);

test(
  "clock_res_get() tells a step, a millisecond for coarse clocks",
  withBench({ grants: { clock: { kind: "coarse" } } }, (p) => {
    const out = p.place(8);
    for (const [id, name] of ["realtime", "monotonic", "process-cputime", "thread-cputime"].entries()) {
      p.expect("clock_res_get", [id, out], {
        line: `clock_res_get(id=${name}) -> 1000000`,
        writes: [[out, u64(1_000_000n)]],
      });
    }
    p.expect("clock_res_get", [4, out], { errno: "inval", line: "clock_res_get(id=4) -> inval" });
    p.expect("clock_res_get", [0, end], { errno: "fault" });
  }),
);

test(
  "clock_res_get() and clock_time_get() answer perm without a clock",
  withBench({ grants: { clock: { kind: "none" } } }, (p) => {
    p.expect("clock_res_get", [0, p.place(8)], { errno: "perm" });
    p.expect("clock_time_get", [1, 0n, p.place(8)], { errno: "perm" });
    assert.deepEqual(p.refused, [{ capability: "clock" }, { capability: "clock" }]);
  }),
);

test(
  "random_get() fills exactly the buffer",
  withBench({}, (p) => {
    const out = p.place(64);
    const line = `random_get(buf=0x${out.toString(16)}+64) -> ok`;
    const first = p.expect("random_get", [out, 64], { line, writes: [[out, 64]] });
    const second = p.expect("random_get", [out, 64], { line, writes: [[out, 64]] });
    assert.notDeepEqual(first.buffer.slice(out, out + 64), second.buffer.slice(out, out + 64));
    p.expect("random_get", [out, 0], {});
    p.expect("random_get", [end, 0], {});
    p.expect("random_get", [end - 1, 2], { errno: "fault" });
    p.expect("random_get", [out, -1], { errno: "fault" });
  }),
);

test(
  "random_get() answers perm where randomness is taken away",
  withBench({ grants: { random: { kind: "none" } } }, (p) => {
    p.expect("random_get", [p.place(4), 4], { errno: "perm" });
    assert.deepEqual(p.refused, [{ capability: "random" }]);
  }),
);

test(
  "sched_yield() returns at once",
  withBench({}, (p) => p.expect("sched_yield", [], { line: "sched_yield() -> ok" })),
);

test(
  "proc_exit() ends the guest with its code and is traced without a result",
  withBench({}, (p) => {
    for (const code of [0, 7, 256, 0xffff_ffff]) {
      assert.deepEqual(p.ending("proc_exit", code | 0), { kind: "exit", code });
      assert.equal(p.lines.at(-1), `proc_exit(code=${code})`);
    }
  }),
);

test(
  "proc_raise() ends the guest by Linux's number of the signal",
  withBench({}, (p) => {
    const numbers = [
      [1, 1],
      [2, 2],
      [6, 6],
      [9, 9],
      [13, 13],
      [15, 15],
      [23, 24],
      [26, 27],
      [28, 29],
      [29, 30],
      [30, 31],
    ];
    for (const [sent = 0, signal] of numbers) {
      assert.deepEqual(p.ending("proc_raise", sent), { kind: "signal", signal });
      assert.equal(p.lines.at(-1), `proc_raise(sig=${sent})`);
    }
  }),
);

test(
  "proc_raise() does nothing for signals that are ignored, and refuses others",
  withBench({}, (p) => {
    for (const ignored of [0, 16, 22, 27])
      p.expect("proc_raise", [ignored], { line: `proc_raise(sig=${ignored}) -> ok` });
    for (const stop of [17, 18, 19, 20, 21]) p.expect("proc_raise", [stop], { errno: "notsup" });
    for (const unknown of [31, 255, -1]) p.expect("proc_raise", [unknown], { errno: "inval" });
  }),
);

testDocumentedErrors("process.test.ts");
