import { spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { Complaint } from "./complaint.js";

const forwarded = ["SIGTERM", "SIGHUP", "SIGUSR2", "SIGINT", "SIGQUIT"];
/** A terminal sends these to the whole foreground group, the child included. */
const fromTerminal = ["SIGINT", "SIGQUIT"];

/**
 * Runs Node.js in place of this process as closely as the running Node.js can: the same stdio, arguments and
 * environment, signals passed on, its exit code or its death by a signal handed up.
 */
export function become(node, args) {
  if (typeof process.execve === "function" && process.platform !== "win32") {
    process.execve(node, [node, ...args], process.env);
  }
  return runAsChild(node, args);
}

/** Runs Node.js as a child, and ends as it ended: by the same exit code, or by the same signal. */
export async function runAsChild(node, args) {
  const child = spawn(node, args, { stdio: "inherit" });
  const listeners = forwardSignals(child);
  const ended = await new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Complaint(`Cannot start "${node}": ${error.message}`)));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  for (const [signal, listener] of listeners) process.off(signal, listener);
  if (ended.signal === null) {
    process.exitCode = ended.code;
    return;
  }
  process.exitCode = 128 + constants.signals[ended.signal];
  process.kill(process.pid, ended.signal);
}

function forwardSignals(child) {
  // Not process.stdin.isTTY: making that stream would change a descriptor that the child shares.
  const hasTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  const listeners = [];
  for (const signal of forwarded) {
    const isAlreadyThere = hasTerminal && fromTerminal.includes(signal);
    const listener = () => {
      if (!isAlreadyThere) child.kill(signal);
    };
    process.on(signal, listener);
    listeners.push([signal, listener]);
  }
  return listeners;
}
