import { closeSync, openSync } from "node:fs";
import { isatty } from "node:tty";
import { SampanError } from "../../base/index.ts";
import { systemClock } from "../../runtime/index.ts";
import type { ServeConfig } from "../config/model.ts";
import { type ServerPorts, withChosenPorts } from "../config/settings.ts";
import { type Reloaded, Server, type ServerOptions } from "./server.ts";
import {
  type FromSupervisor,
  type ServeSignal,
  serveSignals,
  supervisedBy,
  type ToSupervisor,
} from "./supervisor-link.ts";
import { FileWatch } from "./watch-files.ts";

/** What a server's process does. */
export interface SessionOptions extends ServerOptions {
  /** Reads the configuration, once more for each reload. */
  readonly load: () => Promise<{ readonly config: ServeConfig; readonly watch: boolean }>;
  /** Called once it listens. */
  readonly onListening: (server: Server) => void;
}

const signalNumbers: Readonly<Record<ServeSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/**
 * Serves until a signal: SIGTERM and SIGINT drain, the second of them ends at once, SIGHUP reads the configuration anew.
 * Answers the exit status.
 *
 * @throws what {@link Server.start} throws
 */
export async function runSession(options: SessionOptions): Promise<number> {
  const link = supervisorLink();
  // nohup takes the terminal from all three.
  const isInTerminal = hasTerminal() && [0, 1, 2].some((descriptor) => isatty(descriptor));
  let server: Server | undefined;
  // A terminal, or systemd, sends a signal to the supervisor and to this process: the two count as one.
  const asked = { own: 0, forwarded: 0 };
  let stage = 0;
  let end: (status: number) => void = () => {};
  const ended = new Promise<number>((resolve) => (end = resolve));
  let reload = (): void => {};
  const onSignal = (name: ServeSignal, from: keyof typeof asked): void => {
    // Whoever reloads a server that has lost its terminal means to end it: the terminal's end sends the same signal.
    if (name === "SIGHUP" && (!isInTerminal || hasTerminal())) return reload();
    asked[from] += 1;
    const count = Math.max(asked.own, asked.forwarded);
    if (count <= stage) return;
    stage = count;
    if (count === 1) {
      const status = 0;
      link?.tell({ kind: "ending", status });
      if (server === undefined) return end(status);
      options.tell(`Draining: requests have ${server.config.drain / 1000} s; once more ends at once`);
      void server.drain(server.config.drain).then(() => end(status));
    } else {
      const status = 128 + signalNumbers[name];
      link?.tell({ kind: "ending", status });
      end(status);
    }
  };
  for (const name of serveSignals) process.on(name, () => onSignal(name, "own"));
  link?.listen((name) => onSignal(name, "forwarded"));
  link?.onLost(() => onSignal("SIGTERM", "own"));
  const { config, watch } = await options.load();
  const started = await Server.start(withChosenPorts(config, link?.known), options);
  server = started;
  link?.tell({ kind: "listening", at: { addr: started.address, admin: started.adminAddress } });
  options.onListening(started);
  const reloads = new Reloads(started, options);
  reload = () => void reloads.ask();
  if (watch) reloads.watch(watchedOf(config));
  const status = await ended;
  reloads.close();
  return status;
}

/** Reads the configuration anew when it is asked to, or when a file changes. */
class Reloads {
  readonly #server: Server;
  readonly #options: SessionOptions;
  #files: FileWatch | undefined;
  #running: Promise<void> | undefined;
  #isAskedAgain = false;

  constructor(server: Server, options: SessionOptions) {
    this.#server = server;
    this.#options = options;
  }

  watch(files: readonly string[]): void {
    this.#files ??= new FileWatch(systemClock, () => void this.ask());
    this.#files.follow(files);
  }

  close(): void {
    this.#files?.close();
  }

  /** Reloads now, or once more when what runs has ended. */
  ask(): Promise<void> {
    this.#isAskedAgain = this.#running !== undefined;
    this.#running ??= this.#untilDone();
    return this.#running;
  }

  async #untilDone(): Promise<void> {
    do {
      this.#isAskedAgain = false;
      await this.#reload();
    } while (this.#isAskedAgain);
    this.#running = undefined;
  }

  async #reload(): Promise<void> {
    const { load, tell } = this.#options;
    try {
      const { config, watch } = await load();
      const reloaded = await this.#server.reload(config);
      if (watch || this.#files !== undefined) this.watch(watchedOf(config));
      tell(reloadedText(reloaded));
    } catch (error) {
      for (const line of errorLines(error)) tell(line);
      tell("The configuration before goes on");
    }
  }
}

function reloadedText({ changed, isRolled, settings = [] }: Reloaded): string {
  const workers = isRolled ? "; its workers were replaced" : "";
  const names = changed.slice(0, 8);
  const more = changed.length > 8 ? [`${changed.length - 8} more`] : [];
  const what = [...names, ...more, ...settings].join(", ") || "nothing has changed";
  return `Reloaded: ${what}${workers}`;
}

function errorLines(error: unknown): string[] {
  if (!(error instanceof SampanError)) return [error instanceof Error ? (error.stack ?? error.message) : String(error)];
  const problems: unknown = error.data?.["problems"];
  const all = Array.isArray(problems) ? (problems as readonly Problem[]) : [];
  if (all.length === 0)
    return [`${error.message} [${error.code}]`, ...(error.hint === undefined ? [] : [`  ${error.hint}`])];
  return all.flatMap(({ file, line, column, message, hint, code }) => [
    `${file}:${line}:${column}: ${message} [${code}]`,
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ]);
}

interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
  readonly code: string;
}

function watchedOf({ sources, workloads, tls }: ServeConfig): string[] {
  return [...sources, ...workloads.map(({ file }) => file), ...(tls === undefined ? [] : [tls.cert, tls.key])];
}

/** Whether the process has a terminal that controls it, and that is still there. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

interface SupervisorLink {
  readonly known: ServerPorts;
  readonly tell: (message: ToSupervisor) => void;
  readonly listen: (onSignal: (name: ServeSignal) => void) => void;
  readonly onLost: (listener: () => void) => void;
}

/** The way to the supervisor, where there is one; a process that lost it drains and ends. */
function supervisorLink(): SupervisorLink | undefined {
  const text = process.env[supervisedBy];
  if (text === undefined || process.send === undefined) return undefined;
  delete process.env[supervisedBy];
  return {
    known: JSON.parse(text) as ServerPorts,
    tell: (message) => void process.send?.(message, undefined, undefined, () => {}),
    listen: (onSignal) => process.on("message", ({ name }: FromSupervisor) => onSignal(name)),
    onLost: (listener) => process.once("disconnect", listener),
  };
}
