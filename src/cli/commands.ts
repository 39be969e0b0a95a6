import { nearest, SampanError } from "../base/index.ts";
import type { Command } from "./command.ts";

/** The commands in the order of `--help`; each is loaded when it is typed. */
const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ["run", async () => (await import("./run.ts")).runCommand],
  ["serve", async () => (await import("./serve.ts")).serveCommand],
  ["inspect", async () => (await import("./inspect.ts")).inspectCommand],
  ["explain", async () => (await import("./explain.ts")).explainCommand],
  ["lock", async () => (await import("./lock.ts")).lockCommand],
  ["types", async () => (await import("./types.ts")).typesCommand],
  ["new", async () => (await import("./new.ts")).newCommand],
  ["up", async () => (await import("./up.ts")).upCommand],
  ["down", async () => (await import("./down.ts")).downCommand],
  ["ps", async () => (await import("./ps.ts")).psCommand],
  ["logs", async () => (await import("./logs.ts")).logsCommand],
  ["stop", async () => (await import("./stop.ts")).stopCommand],
  ["restart", async () => (await import("./stop.ts")).restartCommand],
  ["config", async () => (await import("./config.ts")).configCommand],
  ["doctor", async () => (await import("./doctor.ts")).doctorCommand],
  ["completion", async () => (await import("./completion.ts")).createCompletionCommand({ commandNames, loadCommand })],
  ["help", async () => (await import("./help.ts")).createHelpCommand({ commandNames, loadCommand })],
]);

/** The names of all commands, in the order of `--help`. */
export const commandNames: readonly string[] = [...commands.keys()];

/** Loads a command by its name. @throws CLI_COMMAND_UNKNOWN */
export async function loadCommand(name: string): Promise<Command> {
  const load = commands.get(name);
  if (load !== undefined) return load();
  const near = /\.(wasm|wat)$/.test(name) ? `run ${name}` : nearest(name, commandNames);
  const hint = near === undefined ? "see sampan --help" : `did you mean sampan ${near}`;
  throw new SampanError("CLI_COMMAND_UNKNOWN", `Cannot run the command "${name}": there is none of that name`, {
    hint,
  });
}
