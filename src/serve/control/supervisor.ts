import { spawn } from "node:child_process";
import { nextDelay } from "../../runtime/index.ts";
import type { ServerPorts } from "../config/settings.ts";
import { type FromSupervisor, serveSignals, supervisedBy, type ToSupervisor } from "./supervisor-link.ts";

/** What a supervisor keeps running. */
export interface SupervisorOptions {
  /** Node's flags, the file and its arguments. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line for the operator. */
  readonly tell: (line: string) => void;
}

/** How often somebody has to ask before the serving process is killed. */
const mostAsked = 3;

/**
 * Runs the serving process and starts it again when it dies: a crash, a kill, a heap that is used up. What it prints goes where
 * this process prints. Signals are handed on, and what it ends with of its own accord is the answer. Where this process
 * dies, the channel between the two closes, and the serving one drains and ends.
 */
export function supervise({ args, env, tell }: SupervisorOptions): Promise<number> {
  let known: ServerPorts | undefined;
  let asked = 0;
  let delay = 0;
  let waiting: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    const onSignal = (name: (typeof serveSignals)[number]): void => {
      if (name !== "SIGHUP") asked += 1;
      if (waiting !== undefined && name !== "SIGHUP") {
        clearTimeout(waiting);
        resolve(0);
      } else if (asked >= mostAsked) child.kill("SIGKILL");
      else if (child.connected) child.send({ kind: "signal", name } satisfies FromSupervisor);
    };
    const begin = (): ReturnType<typeof spawn> => {
      const startedAt = Date.now();
      let ending: number | undefined;
      const started = spawn(process.execPath, args, {
        stdio: ["inherit", "inherit", "inherit", "ipc"],
        env: { ...env, [supervisedBy]: JSON.stringify(known ?? {}) } as NodeJS.ProcessEnv,
      });
      started.on("message", (message: ToSupervisor) => {
        if (message.kind === "listening") known = message.at;
        else ending = message.status;
      });
      started.once("error", (error) => {
        tell(`Cannot start the serving process: ${error.message}`);
        resolve(125);
      });
      started.once("exit", (code, signal) => {
        // What never listened cannot be helped by another try.
        if (ending !== undefined || known === undefined || asked > 0) return resolve(ending ?? code ?? 137);
        delay = nextDelay(delay, Date.now() - startedAt);
        const how = signal === null ? `ended with ${code}` : `was ended by ${signal}`;
        tell(`The serving process ${how}, and its connections are lost; another starts in ${delay} ms`);
        waiting = setTimeout(() => {
          waiting = undefined;
          child = begin();
        }, delay);
      });
      return started;
    };
    let child = begin();
    for (const name of serveSignals) process.on(name, onSignal);
  });
}
