import { runKeptComponent } from "../engine/index.ts";
import { kindOf } from "../wasm/index.ts";
import { runAlone } from "./run-alone.ts";
import { createRunCommand } from "./run-command.ts";

// `sampan run` for a file that begins as a component does: what such a run has no use for is not read. A file that turns out to
// be something else is for `run-main.ts`, which begins anew with the same command line.
runAlone(
  createRunCommand(async (request, timeout) => {
    if (kindOf(request.bytes) === "component") return runKeptComponent(request, timeout);
    await import("./run-main.ts");
    return new Promise(() => {});
  }),
);
