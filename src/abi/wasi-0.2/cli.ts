import { GuestEnd } from "../../host/index.ts";
import type { Wasi02Context } from "./context.ts";
import { DescriptorSink, DescriptorSource } from "./descriptor-streams.ts";
import { grantedFolders } from "./folders.ts";
import { InputStream } from "./input-stream.ts";
import { OutputStream } from "./output-stream.ts";
import type { Wasi02Interface } from "./row.ts";

/** `NAME=value` in two. */
function pairOf(text: string): [string, string] {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Arguments and the granted environment. */
export const environment: Wasi02Interface = {
  rows: {
    "get-environment": {
      docs: "The granted environment.",
      run({ host }: Wasi02Context): [string, string][] {
        const pairs = host.env.map(pairOf);
        if (host.observer.isLearning) for (const [name] of pairs) host.observer.used({ capability: "env", name });
        return pairs;
      },
    },
    "get-arguments": {
      docs: "The arguments, the program's name first.",
      run: ({ args }: Wasi02Context): readonly string[] => args,
    },
    "initial-cwd": {
      docs: "The folder that the guest begins in, where it was given one.",
      run({ host }: Wasi02Context): string | undefined {
        const isPlaced = Array.from(grantedFolders(host)).some(([name]) => name === ".");
        return isPlaced ? host.env.map(pairOf).find(([name]) => name === "PWD")?.[1] : undefined;
      },
    },
  },
};

/** The end of the program. */
export const exit: Wasi02Interface = {
  rows: {
    exit: {
      docs: "Ends the guest with status 0 or 1; nothing of it runs any more.",
      run(_context: Wasi02Context, status: { readonly tag: "ok" | "err" }): void {
        throw new GuestEnd({ kind: "exit", code: status.tag === "ok" ? 0 : 1 });
      },
    },
    "exit-with-code": {
      docs: "Ends the guest with a status; nothing of it runs any more.",
      run(_context: Wasi02Context, code: number): void {
        throw new GuestEnd({ kind: "exit", code });
      },
    },
  },
};

/** The resource `terminal-input`: that standard input is one, and nothing else. */
export class TerminalInput {}

/** The resource `terminal-output`. */
export class TerminalOutput {}

/** Standard streams by their numbers: three interfaces, and three that say whether they are terminals. */
export const standardStreams = {
  stdin: {
    rows: {
      "get-stdin": {
        docs: "Standard input.",
        run: (context: Wasi02Context): InputStream =>
          new InputStream(context, new DescriptorSource(context.host.descriptors.get(0))),
      },
    },
  },
  stdout: {
    rows: {
      "get-stdout": {
        docs: "Standard output.",
        run: (context: Wasi02Context): OutputStream =>
          new OutputStream(context, new DescriptorSink(context.host.descriptors.get(1))),
      },
    },
  },
  stderr: {
    rows: {
      "get-stderr": {
        docs: "Standard error.",
        run: (context: Wasi02Context): OutputStream =>
          new OutputStream(context, new DescriptorSink(context.host.descriptors.get(2))),
      },
    },
  },
} satisfies Record<string, Wasi02Interface>;

const forget = { docs: "Forgets it.", run: (): void => {} };

function terminalOf<T extends object>(number: 0 | 1 | 2, make: () => T): (context: Wasi02Context) => T | undefined {
  return ({ host }) => (host.descriptors.get(number).isTerminal() ? make() : undefined);
}

/** Whether standard streams are terminals. */
export const terminals = {
  "terminal-input": { rows: { "[resource-drop]terminal-input": forget } },
  "terminal-output": { rows: { "[resource-drop]terminal-output": forget } },
  "terminal-stdin": {
    rows: {
      "get-terminal-stdin": {
        docs: "Something where standard input is a terminal.",
        run: terminalOf(0, () => new TerminalInput()),
      },
    },
  },
  "terminal-stdout": {
    rows: {
      "get-terminal-stdout": {
        docs: "Something where standard output is a terminal.",
        run: terminalOf(1, () => new TerminalOutput()),
      },
    },
  },
  "terminal-stderr": {
    rows: {
      "get-terminal-stderr": {
        docs: "Something where standard error is a terminal.",
        run: terminalOf(2, () => new TerminalOutput()),
      },
    },
  },
} satisfies Record<string, Wasi02Interface>;
