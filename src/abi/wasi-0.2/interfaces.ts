import { environment, exit, standardStreams, terminals } from "./cli.ts";
import { monotonicClock, timezone, wallClock } from "./clocks.ts";
import { filesystemPreopens, filesystemTypes } from "./filesystem.ts";
import { httpInterfaces } from "./http.ts";
import { ioError, ioPoll, ioStreams } from "./io.ts";
import { insecure, insecureSeed, random } from "./random.ts";
import type { Wasi02Interface } from "./row.ts";
import { socketInterfaces } from "./sockets.ts";

/** The interfaces of WASI 0.2 by their names, without a version: one table serves 0.2.0 and all that came after it. */
export const wasi02Interfaces: Readonly<Record<string, Wasi02Interface>> = {
  "wasi:io/error": ioError,
  "wasi:io/poll": ioPoll,
  "wasi:io/streams": ioStreams,
  "wasi:cli/environment": environment,
  "wasi:cli/exit": exit,
  "wasi:cli/stdin": standardStreams.stdin,
  "wasi:cli/stdout": standardStreams.stdout,
  "wasi:cli/stderr": standardStreams.stderr,
  "wasi:cli/terminal-input": terminals["terminal-input"],
  "wasi:cli/terminal-output": terminals["terminal-output"],
  "wasi:cli/terminal-stdin": terminals["terminal-stdin"],
  "wasi:cli/terminal-stdout": terminals["terminal-stdout"],
  "wasi:cli/terminal-stderr": terminals["terminal-stderr"],
  "wasi:clocks/monotonic-clock": monotonicClock,
  "wasi:clocks/wall-clock": wallClock,
  "wasi:clocks/timezone": timezone,
  "wasi:random/random": random,
  "wasi:random/insecure": insecure,
  "wasi:random/insecure-seed": insecureSeed,
  "wasi:filesystem/types": filesystemTypes,
  "wasi:filesystem/preopens": filesystemPreopens,
  ...socketInterfaces,
  ...httpInterfaces,
};
