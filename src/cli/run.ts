import {
  run,
  runComponent,
  type RunReport,
  type RunRequest,
  runThreads,
  runWaiting,
  runWithDeadline,
  startsThreads,
  usesNetwork,
} from "../engine/index.ts";
import { kindOf } from "../wasm/index.ts";
import { createRunCommand } from "./run-command.ts";

/** `sampan run`: runs a module or component in the foreground. */
export const runCommand = createRunCommand(reportOf);

/** Runs what a file holds where it can be run: here, or where it can be ended from here. */
async function reportOf(request: RunRequest, timeout: number | undefined): Promise<RunReport> {
  if (kindOf(request.bytes) === "component") return runComponent(request, timeout);
  if (startsThreads(request.bytes)) return runThreads(request, timeout);
  if (usesNetwork(request)) return runWaiting(request, timeout);
  return timeout === undefined ? run(request, { ownsProcess: true }) : runWithDeadline(request, timeout);
}
