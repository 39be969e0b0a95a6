import { fileURLToPath } from "node:url";
import type { Habitat } from "./habitat.ts";
import type { LinkMessage } from "./link.ts";
import type { KillData } from "./protocol.ts";

/**
 * Starts a process that runs guests. It is of the same user and sees what that sees: what is kept apart are memory, crashes and
 * what the kernel counts for a process.
 */
export function startProcess({ checks }: { checks: "on" | "off" }): Habitat {
  // Loaded here: most engines start no process.
  const { fork } = process.getBuiltinModule("node:child_process");
  const child = fork(fileURLToPath(new URL(processFile, import.meta.url)), [checks], {
    serialization: "advanced",
    execArgv: process.execArgv.filter((argument) => argument === "--expose-internals"),
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  // A message to a process that has just ended, or one that could not be started: its end is told either way.
  let failure: Error | undefined;
  const gone = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal === null ? `ended with ${code}` : `was ended by ${signal}`));
    child.on("error", (error) => {
      failure ??= error;
      if (child.pid === undefined) resolve(`could not be started: ${failure.message}`);
    });
  });
  const post = (message: LinkMessage): void => void child.send(message as never);
  return {
    kind: "process",
    wire: {
      post,
      listen: (listener) => child.on("message", (message) => listener(message as unknown as LinkMessage)),
    },
    hold: (isHeld) => {
      const method = isHeld ? "ref" : "unref";
      child[method]();
      child.channel?.[method]();
    },
    kill: (data: KillData) => post({ kind: "notice", name: "kill", data }),
    end: async () => {
      child.kill("SIGKILL");
      await gone;
    },
    onGone: (listener) => void gone.then(listener),
  };
}

/** The process's file stands beside this one in the sources, and in the bundle. */
const processFile = import.meta.url.endsWith(".ts") ? "./process-main.ts" : "./process-main.js";
