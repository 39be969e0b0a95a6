import { fileURLToPath } from "node:url";
import type { Habitat } from "./habitat.ts";
import type { LinkMessage } from "./link.ts";
import { suspendsGuests, withoutSuspension } from "./suspends-guests.ts";
import type { KillData } from "./protocol.ts";

/** What a process of the pool is started with, as JSON. */
export interface ProcessData {
  readonly checks: "on" | "off";
  /** As the engine was given it. */
  readonly cache?: string | false | undefined;
}

/**
 * Starts a process that runs guests, of a Node.js that can suspend them. It is of the same user and sees what that sees: what is kept apart are memory, crashes and
 * what the kernel counts for a process.
 *
 * @throws ENGINE_UNSUPPORTED
 */
export async function startProcess({ checks, cache }: ProcessData): Promise<Habitat> {
  const node = await nodeForGuests();
  // Loaded here: most engines start no process.
  const { fork } = process.getBuiltinModule("node:child_process");
  const child = fork(
    fileURLToPath(new URL(processFile, import.meta.url)),
    [JSON.stringify({ checks, cache } satisfies ProcessData)],
    {
      execPath: node,
      serialization: "advanced",
      execArgv: process.execArgv.filter((argument) => argument === "--expose-internals"),
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    },
  );
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
/** The set-up's own search stands in the package beside the bundle, and above the sources. */
const finderFile = import.meta.url.endsWith(".ts") ? "../../../setup/node26.js" : "../setup/node26.js";

/** Prints what the search found, or why it found nothing. */
const finderCode = `
const finder = await import(process.argv[1]);
const found = await finder.findNode26().then((node) => ({ node }), ({ message }) => ({ why: message }));
process.stdout.write(JSON.stringify(found));
`;

/**
 * The binary that guests run with which this Node.js cannot suspend: this one where it can, else the one that the command would start
 * (SAMPAN_NODE, the package of this system, PATH).
 *
 * @throws ENGINE_UNSUPPORTED
 */
async function nodeForGuests(): Promise<string> {
  if (suspendsGuests) return process.execPath;
  const { execFile } = process.getBuiltinModule("node:child_process");
  // In a process of its own, because what V8 keeps as code cannot import a module.
  const args = ["--input-type=module", "-e", finderCode, new URL(finderFile, import.meta.url).href];
  const said = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, (error, stdout) => {
      resolve(error === null ? stdout : JSON.stringify({ why: error.message }));
    });
  });
  const { node, why = "none is installed" } = JSON.parse(said) as { readonly node?: string; readonly why?: string };
  if (node !== undefined) return node;
  throw withoutSuspension(`and there is no Node.js 26 to run it with: ${why}`, {
    hint: "run the program with Node.js 26 or newer, or install Sampan with npm's --include=optional",
  });
}
