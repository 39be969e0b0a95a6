import { runAlone } from "./run-alone.ts";
import { runCommand } from "./run.ts";

runAlone(runCommand);
