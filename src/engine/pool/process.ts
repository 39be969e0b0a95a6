import { fileURLToPath } from "node:url";
import type { Habitat } from "./habitat.ts";
import type { LinkMessage } from "./link.ts";
import type { KillData } from "./protocol.ts";

/** How long a process may take to end the guest that it was told to kill, in ms; then it is killed itself. */
const patience = 100;

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
  child.unref();
  child.channel?.unref();
  let timer: NodeJS.Timeout | undefined;
  child.once("exit", () => clearTimeout(timer));
  return {
    kind: "process",
    wire: {
      post: (message) => child.send(message as never),
      listen: (listener) => child.on("message", (message) => listener(message as unknown as LinkMessage)),
    },
    kill: (data: KillData) => {
      child.send({ kind: "notice", name: "kill", data } satisfies LinkMessage);
      timer ??= setTimeout(() => child.kill("SIGKILL"), patience);
    },
    end: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve();
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      }),
    onGone: (listener) =>
      child.once("exit", (code, signal) => listener(signal === null ? `ended with ${code}` : `was ended by ${signal}`)),
  };
}

/** The process's file stands beside this one in the sources, and in the bundle. */
const processFile = import.meta.url.endsWith(".ts") ? "./process-main.ts" : "./process-main.js";
