import { HostWorkload } from "../host/index.ts";
import { ownCache } from "./cache/index.ts";
import { endingFrom, type RunEnding } from "./ending.ts";
import { watchedThread } from "./epoch.ts";
import { compileGuest } from "./guest-module.ts";
import { GuestThread } from "./guest-thread.ts";
import { Guest } from "./guest.ts";
import { invokeArguments } from "./invoke.ts";
import { type Notes, traceTo } from "./run-notes.ts";
import { noStart, type RunReport, type RunRequest, reportLater } from "./run.ts";
import { socketCalls } from "./sockets-wanted.ts";

/** How long what was written to connections may take to go out after the guest's end, in ms. */
const longestFlush = 5_000;

/**
 * Runs a module that uses the network to its end, on this process's standard streams: where it waits it is suspended, and the event
 * loop moves its bytes. It ends after `timeout` ms (LIMIT_DEADLINE). Errors of the catalog are its ending.
 */
export function runWaiting(request: RunRequest, timeout?: number): Promise<RunReport> {
  return reportLater(request, (notes) => endingOf(request, notes, timeout));
}

async function endingOf(request: RunRequest, notes: Notes, deadline: number | undefined): Promise<RunEnding> {
  const { bytes, name, file, limits, grants, args } = request;
  const { memory } = limits;
  // Only a guest that is ended while it computes has to look up: its connections are nobody else's, and wait for it as anywhere.
  const checks = request.checks === true || deadline !== undefined;
  const module = compileGuest(bytes, { name, file, memory, checks, hotFunctions: true, cache: ownCache() });
  const thread = new GuestThread(watchedThread());
  const workload = new HostWorkload(grants, {
    limits,
    observer: notes,
    namesRefusals: true,
    waits: "suspend",
    alarms: thread.alarms,
  });
  try {
    const calls = socketCalls(bytes);
    // A guest that can accept and cannot bind finds its listeners open.
    const listens = calls.includes("sock_accept") && !calls.includes("sock_open");
    const host = workload.createInstance(listens ? { listens } : {});
    const trace = request.trace ? traceTo(2, grants, notes) : undefined;
    const guest = new Guest(module, { host, args, trace, mode: "async", thread, deadline });
    try {
      return await runGuest(guest, request);
    } finally {
      guest.close();
      await host.flushed(longestFlush);
    }
  } finally {
    workload.close();
  }
}

async function runGuest(guest: Guest, { bytes, name, invoke }: RunRequest): Promise<RunEnding> {
  const failed = await guest.instantiateAsync();
  if (failed !== undefined) return endingFrom(failed);
  if (invoke === undefined) {
    if (typeof guest.exports["_start"] !== "function") throw noStart(guest, name);
    return endingFrom(await guest.callAsync("_start"));
  }
  const values = invokeArguments(bytes, { module: name, ...invoke });
  if (typeof guest.exports["_initialize"] === "function") {
    const set = await guest.callAsync("_initialize");
    if (set.kind !== "returned") return endingFrom(set);
  }
  const result = await guest.callAsync(invoke.name, values);
  return result.kind === "returned" ? { kind: "values", values: result.values.map(String) } : endingFrom(result);
}
