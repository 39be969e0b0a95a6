import { type MessagePort as Port, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { CallChannel } from "./channel.ts";
import { bindLocal } from "./local-calls.ts";
import { type FromThread, type GuestThrown, spawnCall, type ThreadData, type ToThread } from "./protocol.ts";
import { describeThrown } from "./thrown.ts";

// A thread of a guest that has several: instances of one module around one memory, whose host calls another thread answers.

const data = workerData as ThreadData & { readonly answers: Port };
const port = parentPort;
if (port === null) throw new Error("A guest's thread is started by an engine");
Error.stackTraceLimit = 64;

const channel = new CallChannel(data.channel);
const tell = (message: FromThread): void => port.postMessage(message);
const asks = { kind: "asks" } as const;
const imports = bindImports();
let main: WebAssembly.Exports = {};

port.on("message", (message: ToThread) => {
  try {
    tell(carriedOut(message));
  } catch (error) {
    tell({ kind: "thrown", thrown: describeThrown(error) });
  }
});
tell({ kind: "ready" });

function carriedOut(message: ToThread): FromThread {
  switch (message.kind) {
    case "make":
      main = makeInstance();
      return { kind: "made", functions: Object.keys(main).filter((name) => typeof main[name] === "function") };
    case "call":
      return called(main, message.name, message.args);
    case "run": {
      const { tid, arg } = message;
      const ending = called(makeInstance(), "wasi_thread_start", [tid, arg]);
      return ending.kind === "returned" ? { kind: "over" } : ending;
    }
  }
}

function called(exports: WebAssembly.Exports, name: string, args: readonly unknown[]): FromThread {
  const entry = exports[name];
  if (typeof entry !== "function") {
    const functions = Object.keys(exports).filter((key) => typeof exports[key] === "function");
    return { kind: "thrown", thrown: { kind: "missing", name, functions } satisfies GuestThrown };
  }
  const value: unknown = (entry as (...values: unknown[]) => unknown)(...args);
  return { kind: "returned", values: value === undefined ? [] : Array.isArray(value) ? value : [value] };
}

function makeInstance(): WebAssembly.Exports {
  const { exports } = new WebAssembly.Instance(data.module, imports);
  const start = data.start === undefined ? undefined : exports[data.start];
  if (typeof start === "function") (start as () => void)();
  return exports;
}

function bindImports(): Record<string, Record<string, WebAssembly.ImportValue>> {
  const bound = Object.create(null) as Record<string, Record<string, WebAssembly.ImportValue>>;
  // Guests choose the names, among which may be those that every object has.
  const set = (module: string, name: string, value: WebAssembly.ImportValue): void => {
    (bound[module] ??= Object.create(null) as Record<string, WebAssembly.ImportValue>)[name] = value;
  };
  const forward =
    (call: number) =>
    (...args: (number | bigint)[]): number =>
      channel.ask(call, args, () => tell(asks));
  for (const [call, { module, name }] of data.calls.entries()) set(module, name, forward(call));
  for (const { module, name, answer } of bindLocal(data, (planned) => bound[planned.module]?.[planned.name])) {
    set(module, name, answer);
  }
  for (const [index, { module, name }] of data.given.entries()) {
    set(module, name, (...args: unknown[]) => {
      channel.ask(0, [], () => tell({ kind: "given", index, args }));
      return (receiveMessageOnPort(data.answers) as { message: unknown }).message;
    });
  }
  set("wasi", "thread-spawn", forward(spawnCall));
  for (const { module, name, memory } of data.memories) set(module, name, memory);
  return bound;
}
