import assert from "node:assert/strict";
import { test } from "node:test";
import { type EventAction, type EventLimits, Events, type SubscribeOptions } from "./events.ts";
import { collect, FakeClock } from "./runtime-fixture.ts";

function eventsWith(limits: EventLimits = {}) {
  const clock = new FakeClock();
  const events = new Events(clock, limits);
  const emit = (action: EventAction, name = "web", attributes: Record<string, string> = {}): void => {
    events.emit({ action, id: `id-of-${name}`, name, attributes });
  };
  /** What a subscriber gets that reads only now. */
  const drain = async (options: SubscribeOptions): Promise<string[]> => {
    const stream = events.subscribe(options);
    events.close();
    return (await collect(stream)).map(({ action, name }) => `${action} ${name}`);
  };
  return { clock, events, emit, drain };
}

test("Events.subscribe() gives what happens in order, each later than the one before", async () => {
  const { events, emit } = eventsWith();
  const stream = events.subscribe();
  for (const action of ["create", "start", "die"] as const) emit(action);
  events.close();
  const found = await collect(stream);
  assert.deepEqual(
    found.map(({ action }) => action),
    ["create", "start", "die"],
  );
  assert.equal(found[0]?.type, "container");
  const times = found.map(({ time }) => time);
  assert.deepEqual(times, [...new Set(times)].toSorted());
});

test("Events.subscribe() waits for the next event and ends with its signal", async () => {
  const { events, emit } = eventsWith();
  const abort = new AbortController();
  const stream = events.subscribe({ signal: abort.signal });
  const next = stream.next();
  emit("start");
  assert.equal((await next).value?.action, "start");
  const last = stream.next();
  abort.abort();
  assert.equal((await last).done, true);
  emit("die");
  assert.equal((await stream.next()).done, true);
  assert.equal((await events.subscribe({ signal: abort.signal }).next()).done, true);
});

test("Events.subscribe() filters by action, container and label", async () => {
  const cases: readonly (readonly [SubscribeOptions["filter"] & {}, readonly string[]])[] = [
    [{ actions: ["die"] }, ["die web", "die db"]],
    [{ containers: ["db"] }, ["start db", "die db"]],
    [{ containers: ["id-of-w"] }, ["start web", "die web"]],
    [{ containers: [""] }, []],
    [{ labels: { tier: "front" } }, ["start web"]],
    [{ labels: { tier: undefined } }, ["start web", "start db"]],
    [{ labels: { toString: undefined } }, []],
    [{ labels: { tier: undefined }, containers: ["db"] }, ["start db"]],
  ];
  for (const [filter, expected] of cases) {
    const { emit, drain } = eventsWith();
    emit("start", "web", { tier: "front" });
    emit("start", "db", { tier: "back" });
    emit("die", "web");
    emit("die", "db");
    assert.deepEqual(await drain({ filter, since: 0 }), expected, JSON.stringify(filter));
  }
});

test("Events.subscribe() replays since a time, as far as events are kept", async () => {
  const { clock, events, emit } = eventsWith({ kept: 3 });
  for (const name of ["a", "b", "c", "d"]) {
    emit("start", name);
    await clock.advance(1000);
  }
  const all = events.subscribe({ since: 0 });
  const late = events.subscribe({ since: clock.now() - 2000 });
  emit("start", "e");
  events.close();
  const names = async (stream: typeof all) => (await collect(stream)).map(({ name }) => name).join("");
  assert.equal(await names(all), "bcde");
  assert.equal(await names(late), "cde");
});

test("Events.subscribe() ends once until is past, by its time or by the next event, and sets no timer for ever", async () => {
  const { clock, events, emit } = eventsWith();
  emit("create");
  await clock.advance(1);
  const past = events.subscribe({ since: 0, until: clock.now() - 1 });
  assert.equal((await collect(past)).length, 1);
  const stream = events.subscribe({ until: clock.now() + 1000 });
  emit("start");
  const found = collect(stream);
  await clock.advance(1000);
  emit("kill");
  await clock.advance(1);
  emit("die");
  assert.deepEqual(
    (await found).map(({ action }) => action),
    ["start", "kill"],
  );
  await events.subscribe({ until: clock.now() + 1000 }).return?.();
  assert.equal(clock.timerCount, 0);
});

test("Events.subscribe() drops the oldest for a subscriber that is too far behind, and says how many", async () => {
  const { events, emit } = eventsWith({ behind: 2 });
  const stream = events.subscribe();
  for (const name of ["a", "b", "c", "d", "e"]) emit("start", name);
  events.close();
  assert.deepEqual(
    (await collect(stream)).map(({ name, lost }) => [name, lost]),
    [
      ["d", 3],
      ["e", undefined],
    ],
  );
});
