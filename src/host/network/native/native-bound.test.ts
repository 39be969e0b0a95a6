import assert from "node:assert/strict";
import { test } from "node:test";
import { NativeBound } from "./native-bound.ts";
import type { NativeSockets } from "./native-sockets.ts";

test("NativeBound lets connections wait once descriptors are exhausted, in place of asking for them in each turn", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const watched = new Map<number, { ready(): void }>();
  const waiting: ("full" | undefined)[] = ["full", "full", undefined];
  let asked = 0;
  const calls = {
    open: () => 7,
    bind: () => {},
    local: () => ({ family: "ipv4", address: "127.0.0.1", port: 1 }),
    listen: () => {},
    accept: () => waiting[asked++],
    close: () => {},
  };
  const loop = {
    addLevel: (fd: number, watcher: { ready(): void }) => void watched.set(fd, watcher),
    remove: (fd: number) => void watched.delete(fd),
  };
  const sockets = { calls, loop } as unknown as NativeSockets;
  const bound = new NativeBound(sockets, { family: "ipv4", address: "127.0.0.1", port: 0 });
  let full = 0;
  bound.listen(
    1,
    () => assert.fail("there is none"),
    () => (full += 1),
  );
  for (const count of [1, 2]) {
    watched.get(7)?.ready();
    assert.deepEqual([asked, full, watched.size], [count, count, 0]);
    t.mock.timers.tick(1_000);
    assert.equal(watched.size, 1);
  }
  watched.get(7)?.ready();
  assert.deepEqual([asked, full, watched.size], [3, 2, 1]);
  waiting.push("full");
  watched.get(7)?.ready();
  bound.close();
  t.mock.timers.tick(1_000);
  assert.equal(watched.size, 0);
});
