import { nearest, SampanError } from "../base/index.ts";
import { bashCompletion } from "./completion-bash.ts";
import { fishCompletion } from "./completion-fish.ts";
import { completionTable, type CompletionTable } from "./completion-table.ts";
import { zshCompletion } from "./completion-zsh.ts";
import type { Command } from "./command.ts";
import type { CommandSource } from "./help.ts";

const scripts: ReadonlyMap<string, (table: CompletionTable) => string> = new Map([
  ["bash", bashCompletion],
  ["zsh", zshCompletion],
  ["fish", fishCompletion],
]);
const shells = [...scripts.keys()];

/** `sampan completion`: prints what makes a shell complete sampan's commands, options and files. */
export function createCompletionCommand({ commandNames, loadCommand }: CommandSource): Command {
  const usage = `sampan completion ${shells.join("|")}`;
  return {
    spec: {
      name: "completion",
      summary: "Print the script with which bash, zsh or fish completes sampan's command line",
      usage,
      example: "sampan completion bash",
      operands: "word",
      groups: [],
    },
    execute: async ({ operands: [shell] }, { print }) => {
      if (shell === undefined)
        throw new SampanError("CLI_USAGE", "Cannot complete without a shell", { hint: `usage: ${usage}` });
      const script = scripts.get(shell);
      if (script === undefined) throw unknownShell(shell);
      const commands = await Promise.all(commandNames.map(loadCommand));
      print(script(completionTable(commands.map(({ spec }) => spec))));
      return 0;
    },
  };
}

function unknownShell(shell: string): SampanError {
  const near = nearest(shell, shells);
  const hint = near === undefined ? undefined : `did you mean sampan completion ${near}`;
  const message = `Cannot complete for "${shell}": wanted ${shells.slice(0, -1).join(", ")} or ${shells.at(-1)}`;
  return new SampanError("CLI_USAGE", message, { hint });
}
