import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { controlWord, epochWord, tickMs, type WatcherMessage } from "./epoch.ts";

// The thread behind EpochWatcher: it never returns to its event loop, so messages are looked for once a tick.

/** Ticks without a guest that runs, after which the thread sleeps until one does. */
const ticksBeforeSleep = 50;

const control = workerData as Int32Array<SharedArrayBuffer>;
const threads: Int32Array[] = [];
let idle = 0;

function takeMessages(): void {
  if (parentPort === null) throw new Error("The watcher runs in a thread of its own");
  for (;;) {
    const received = receiveMessageOnPort(parentPort) as { message: WatcherMessage } | undefined;
    if (received === undefined) return;
    threads.push(new Int32Array(received.message.add.buffer));
  }
}

/** Sets the epoch of each thread that was active; answers whether any was. */
function tick(): boolean {
  let isActive = false;
  for (const words of threads) {
    if (Atomics.exchange(words, epochWord.active, 0) === 0) continue;
    Atomics.store(words, epochWord.epoch, 1);
    isActive = true;
  }
  Atomics.add(control, controlWord.ticks, 1);
  return isActive;
}

for (;;) {
  Atomics.wait(control, controlWord.pause, 0, tickMs);
  takeMessages();
  if (tick()) idle = 0;
  else idle += 1;
  if (idle < ticksBeforeSleep) continue;
  Atomics.store(control, controlWord.armed, 0);
  // A guest that began between the tick and this store saw a watcher that was awake.
  if (!tick()) Atomics.wait(control, controlWord.armed, 0);
  idle = 0;
}
