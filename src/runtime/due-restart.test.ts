import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "./clock.ts";
import { DueRestart } from "./due-restart.ts";
import { settle } from "./runtime-fixture.ts";
import { Turns } from "./turns.ts";

test("DueRestart.callOff() also stops a restart whose timer has fired and that waits for its turn", async () => {
  let fire = (): void => {};
  const turns = new Turns();
  const setTimer = (_: number, callback: () => void) => {
    fire = callback;
    return () => {};
  };
  const due = new DueRestart({ ...systemClock, setTimer }, turns);
  let restarts = 0;
  const restart = (): Promise<void> => {
    restarts += 1;
    return Promise.resolve();
  };
  due.schedule(100, restart);
  const calledOff = turns.take(() => due.callOff());
  fire();
  assert.equal(await calledOff, true);
  await settle();
  assert.equal(restarts, 0);

  due.schedule(100, restart);
  fire();
  await settle();
  assert.equal(restarts, 1);
  assert.equal(due.callOff(), false);
});
