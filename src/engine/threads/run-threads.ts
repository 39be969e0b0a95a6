import { HostWorkload } from "../../host/index.ts";
import { ownCache } from "../cache/index.ts";
import { endingFrom, type RunEnding } from "../ending.ts";
import { deadlineError } from "../guest-clock.ts";
import { compileGuest, type GuestModule } from "../guest-module.ts";
import { invokeArguments } from "../invoke.ts";
import { MapBudget } from "../map-budget.ts";
import { type Notes, traceTo } from "../run-notes.ts";
import { type RunReport, type RunRequest, reportLater } from "../run.ts";
import { ThreadedGuest } from "./threaded-guest.ts";

/**
 * Runs a module that starts threads to its end, on this process's standard streams: this thread serves the guest's, and ends
 * them after `timeout` ms (LIMIT_DEADLINE). Errors of the catalog are its ending.
 */
export function runThreads(request: RunRequest, timeout?: number): Promise<RunReport> {
  return reportLater(request, (notes) => endingOf(request, notes, timeout));
}

/** Node runs a timer of more than this at once. */
const longestTimer = 2 ** 31 - 1;

async function endingOf(request: RunRequest, notes: Notes, timeout: number | undefined): Promise<RunEnding> {
  const { bytes, name, file, limits, grants, args, trace, learn } = request;
  const module = compileGuest(bytes, { name, file, cache: ownCache(), memory: limits.memory });
  const workload = new HostWorkload(grants, { limits, observer: notes, namesRefusals: true, waits: "suspend" });
  try {
    const maps = new MapBudget();
    let alarm: NodeJS.Timeout | undefined;
    const setAlarm = (): void => {
      if (timeout === undefined) return;
      const end = (): void => guest.stop({ kind: "limit", error: deadlineError(timeout) });
      alarm = setTimeout(end, Math.min(timeout, longestTimer));
    };
    const guest: ThreadedGuest = new ThreadedGuest(module, {
      host: workload.createInstance(),
      grants,
      args,
      // Starting a thread is not the guest's doing.
      onReady: setAlarm,
      isWatched: learn,
      trace: trace ? traceTo(2, grants, notes) : undefined,
      memory: limits.memory,
      maxThreads: limits.maxThreads,
      takeThread: () => maps.take("thread"),
    });
    try {
      return await runGuest(guest, module, request);
    } finally {
      clearTimeout(alarm);
      await guest.close();
    }
  } finally {
    workload.close();
  }
}

async function runGuest(guest: ThreadedGuest, module: GuestModule, request: RunRequest): Promise<RunEnding> {
  const failed = await guest.start();
  if (failed !== undefined) return endingFrom(failed);
  const { invoke } = request;
  if (invoke === undefined) return endingFrom(await guest.call("_start"));
  const values = invokeArguments(request.bytes, { module: module.name, ...invoke });
  if (guest.functions.includes("_initialize")) {
    const set = await guest.call("_initialize");
    if (set.kind !== "returned") return endingFrom(set);
  }
  const result = await guest.call(invoke.name, values);
  return result.kind === "returned" ? { kind: "values", values: result.values.map(String) } : endingFrom(result);
}
