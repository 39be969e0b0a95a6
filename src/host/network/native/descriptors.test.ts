import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { closeNoted, noteDescriptors } from "./descriptors.ts";

const flag = "--expose-internals";
const canHave = process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");

const script = `
const { parentPort, workerData } = require("node:worker_threads");
(async () => {
  const { adoptNotes } = await import(workerData.descriptors);
  const { NativeBound } = await import(workerData.bound);
  const { nativeSockets } = await import(workerData.sockets);
  if (workerData.notes) adoptNotes(workerData.notes);
  const bound = new NativeBound(nativeSockets(), { family: "ipv4", address: "127.0.0.1", port: 0 });
  bound.listen(8, () => {});
  parentPort.postMessage(bound.address.port);
})();`;

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

for (const isNoted of [true, false]) {
  const what = isNoted
    ? "closes what a thread that was ended left open"
    : "is needed for that: without, its listener stays";
  test(`closeNoted() ${what}`, { skip: !canHave }, async () => {
    const notes = noteDescriptors();
    const file = (name: string): string => new URL(name, import.meta.url).href;
    const worker = new Worker(script, {
      eval: true,
      execArgv: [flag],
      workerData: {
        descriptors: file("./descriptors.ts"),
        bound: file("./native-bound.ts"),
        sockets: file("./native-sockets.ts"),
        notes: isNoted ? notes : undefined,
      },
    });
    const [port] = (await once(worker, "message")) as [number];
    assert.ok(await listens(port));
    await worker.terminate();
    // Its listener, the descriptor that it waits with, and connections that nobody took.
    const count = closeNoted(notes);
    assert.equal(count > 0, isNoted);
    assert.equal(await listens(port), !isNoted);
    assert.equal(closeNoted(notes), 0);
  });
}
