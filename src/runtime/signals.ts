import { nearest, SampanError } from "../base/index.ts";

/** Numbers of x86-64 and arm64 Linux, whatever system this is: they are what a container's exit code shows. */
const numbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

/** A signal by its whole name. */
export type SignalName = keyof typeof numbers;

const names = Object.keys(numbers) as SignalName[];
const ending: ReadonlySet<SignalName> = new Set(["SIGINT", "SIGKILL", "SIGQUIT", "SIGTERM"]);
const ignored: ReadonlySet<SignalName> = new Set(["SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH"]);
const stopping: ReadonlySet<SignalName> = new Set(["SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"]);

/** The number of a signal on Linux, which an exit code carries added to 128. */
export function signalNumber(name: SignalName): number {
  return numbers[name];
}

/** What a signal does to a workload that does not handle it. */
export function defaultAction(name: SignalName): "end" | "ignore" {
  return ignored.has(name) ? "ignore" : "end";
}

/** Whether a signal asks a workload to end, as opposed to telling it something. */
export function asksToEnd(name: SignalName): boolean {
  return ending.has(name);
}

/**
 * Reads a signal as people write it: `SIGTERM`, `term`, `15`.
 *
 * @throws SIGNAL_UNKNOWN, SIGNAL_REFUSED for those that would halt a workload without ending it
 */
export function parseSignal(text: string | number): SignalName {
  const typed = String(text).trim().toUpperCase();
  const wanted = /^\d+$/.test(typed) ? Number(typed) : typed.startsWith("SIG") ? typed : `SIG${typed}`;
  const name = names.find((each) => each === wanted || numbers[each] === wanted);
  if (name === undefined) {
    const near = typeof wanted === "string" ? nearest(wanted, names) : undefined;
    throw new SampanError("SIGNAL_UNKNOWN", `Cannot send the signal "${text}": there is none of that name or number`, {
      hint: near === undefined ? "write SIGTERM, SIGKILL or another signal of Linux" : `write ${near}`,
    });
  }
  if (stopping.has(name)) {
    throw new SampanError(
      "SIGNAL_REFUSED",
      `Cannot send ${name}: a workload is ended or left to run, and never halted`,
      {
        hint: "send SIGTERM to end it",
      },
    );
  }
  return name;
}
