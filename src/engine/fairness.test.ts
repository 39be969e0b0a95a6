import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guestBytes, spinModule } from "./engine-fixture.ts";
import { Engine } from "./engine.ts";

const engine = new Engine({ cache: false });
after(() => engine.close());

const rounds = 60;

/** Milliseconds for some timers of 1 ms, one after the other. */
async function timers(): Promise<number> {
  const start = performance.now();
  for (let round = 0; round < rounds; round += 1) await new Promise<void>((resolve) => setTimeout(resolve, 1));
  return performance.now() - start;
}

/** A guest that never waits, by its kind; what it answers is its end. */
const busyGuests: Readonly<Record<string, () => Promise<{ kill: () => void; ended: Promise<unknown> }>>> = {
  async "a guest that spins"() {
    const instance = await engine.instantiate(await engine.compile(spinModule), { mode: "async" });
    const ended = instance.call("spin").catch(() => instance.close());
    return { kill: () => instance.kill(), ended };
  },
  async "a guest whose input and output are always ready"() {
    const module = await engine.compile(await guestBytes("cat"));
    const stdin = { read: (into: Uint8Array) => into.length, ready: () => true as const, cancel: () => {} };
    const stdout = { write: (bytes: Uint8Array) => bytes.length, ready: () => true as const, close: () => {} };
    const instance = await engine.instantiate(module, { stdio: { stdin, stdout } });
    const ended = instance.run().then(() => instance.close());
    return { kill: () => instance.kill(), ended };
  },
  async "a guest whose input comes in the same turn of the loop, for ever"() {
    const module = await engine.compile(await guestBytes("cat"));
    const stdin = {
      read: (into: Uint8Array) => Promise.resolve(into.length),
      ready: () => true as const,
      cancel: () => {},
    };
    const stdout = { write: (bytes: Uint8Array) => bytes.length, ready: () => true as const, close: () => {} };
    const instance = await engine.instantiate(module, { stdio: { stdin, stdout } });
    const ended = instance.run().then(() => instance.close());
    return { kill: () => instance.kill(), ended };
  },
};

for (const [what, start] of Object.entries(busyGuests)) {
  test(`Beside ${what} timers and neighbours are served as if it were not there, but for slices`, async () => {
    const neighbour = await engine.instantiate(await engine.compile(spinModule), { mode: "async" });
    const idle = await timers();
    const guest = await start();
    const busy = await timers();
    let answered = 0;
    for (let round = 0; round < rounds; round += 1) answered = (await neighbour.call("increment", round)) as number;
    guest.kill();
    await guest.ended;
    await neighbour.close();
    assert.equal(answered, rounds);
    // A guest that does not yield delays each timer by hundreds of slices, or for ever.
    assert.ok(busy < idle * 6, `${rounds} timers took ${busy} ms beside it and ${idle} ms alone`);
  });
}
