import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SampanError } from "../../base/index.ts";
import { type Clock, systemClock } from "../clock.ts";

/** Who has a project: the only process that runs and changes it. */
export interface Holder {
  readonly pid: number;
  /** `up` in a terminal, the engine process, or a command that is there for a moment. */
  readonly kind: "foreground" | "engine" | "command";
  /** Where it answers; undefined for a command. */
  readonly socket?: string | undefined;
}

/** A hold on a folder: nobody else gets one until it is released or this process is gone. */
export interface Hold {
  /** Gives it up; a second time without effect. */
  release(): void;
}

const mostAttempts = 200;
const nameForm = /^holder\.(\d+)\.(\d+)$/;

/**
 * Takes hold of a folder. A file of its own for each process, named by process and the time that it started: whoever has
 * written his looks for those of others, and gives way to one that lives. Of two that come at once the later one sees the
 * other, so that two never both hold; a dead one's file is anybody's to remove, for no name stands for two processes.
 *
 * @throws PROJECT_HELD with `data.holder`
 */
export async function takeHold(
  folder: string,
  holder: Omit<Holder, "pid">,
  { clock = systemClock, what = "the project" }: { readonly clock?: Clock; readonly what?: string } = {},
): Promise<Hold> {
  const own = `holder.${process.pid}.${startOf(process.pid) ?? 0}`;
  const path = join(folder, own);
  for (let attempt = 1; ; attempt++) {
    write(folder, own, { ...holder, pid: process.pid });
    const other = findHolder(folder, own);
    if (other === undefined) return { release: () => rmSync(path, { force: true }) };
    rmSync(path, { force: true });
    // Two that came at once have both given way: each tries again after a time of its own. A command soon goes by itself.
    if (attempt >= (other.kind === "command" ? mostAttempts : 4)) throw held(what, other);
    await new Promise<void>((resolve) => {
      clock.setTimer(1 + Math.random() * 4 * Math.min(attempt, 10), resolve);
    });
  }
}

/** The process that holds a folder and lives; undefined where there is none. */
export function liveHolder(folder: string): Holder | undefined {
  return findHolder(folder, "");
}

/** The error that says who has it. */
export function held(what: string, holder: Holder): SampanError {
  const { pid, kind } = holder;
  const who =
    kind === "engine" ? "the engine process" : kind === "foreground" ? "another sampan up" : "another command";
  return new SampanError("PROJECT_HELD", `Cannot take ${what}: ${who} has it (process ${pid})`, {
    hint:
      kind === "foreground"
        ? "see it with sampan ps, end it with Ctrl-C there or with sampan down"
        : "see it with sampan ps, end it with sampan down",
    data: { holder },
  });
}

function write(folder: string, name: string, holder: Holder): void {
  const draft = join(folder, `.${name}`);
  for (let attempt = 0; ; attempt++) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 });
      renameSync(draft, join(folder, name));
      return;
    } catch (error) {
      // Whoever took the project down may just have removed the folder.
      if (attempt === 5 || codeOf(error) !== "ENOENT") throw error;
    }
  }
}

function findHolder(folder: string, own: string): Holder | undefined {
  for (const name of namesIn(folder)) {
    const [, pid, start] = nameForm.exec(name) ?? [];
    if (pid === undefined || start === undefined || name === own) continue;
    const path = join(folder, name);
    if (!isAlive(Number(pid), start)) {
      rmSync(path, { force: true });
      continue;
    }
    const holder = readHolder(path);
    if (holder !== undefined) return holder;
  }
  return undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number, start: string): boolean {
  const now = startOf(pid);
  if (now !== undefined) return now === start;
  if (process.platform === "linux") return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** When a process started, in ticks since the machine did: with the number it names one process. Linux alone tells. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // One that has ended and that nobody has waited for is gone all the same.
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Whether a process is there that has not ended. */
export function isRunning(pid: number): boolean {
  const start = startOf(pid);
  return start !== undefined || (process.platform !== "linux" && isAlive(pid, "0"));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
