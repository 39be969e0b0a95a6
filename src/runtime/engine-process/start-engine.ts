import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SampanError } from "../../base/index.ts";
import { ApiClient } from "./api-client.ts";
import { liveHolder, takeHold } from "./holder.ts";
import { enginePlace, makePrivate, type Places, pruneEmpty } from "./places.ts";

/** The longest that an engine process may take to answer, in ms. */
const patience = 20_000;

/** A client of the engine process where one runs. */
export function findEngine(places: Places): ApiClient | undefined {
  const { folder } = enginePlace(places);
  const socket = liveHolder(folder)?.socket;
  return socket === undefined ? undefined : new ApiClient(socket);
}

/**
 * A client of the engine process, which is started where none runs: a session of its own, so that neither the terminal's end
 * nor its Ctrl-C reach it. `main` is the file that it runs.
 *
 * @throws API_UNREACHABLE with what it said where it did not come up
 */
export async function startEngine(
  places: Places,
  { main, env }: { readonly main: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<ApiClient> {
  const running = findEngine(places);
  if (running !== undefined && (await answers(running))) return running;
  const { folder } = enginePlace(places);
  makePrivate(places.run);
  makePrivate(folder);
  const said = join(folder, `engine.${process.pid}.log`);
  const output = openSync(said, "w", 0o600);
  const child = spawn(process.execPath, [...process.execArgv, main, places.state, places.run], {
    detached: true,
    stdio: ["ignore", output, output],
    cwd: "/",
    env: env as NodeJS.ProcessEnv,
  });
  closeSync(output);
  let isGone = false;
  child.once("exit", () => (isGone = true));
  child.once("error", () => (isGone = true));
  child.unref();
  try {
    const deadline = Date.now() + patience;
    for (;;) {
      const client = findEngine(places);
      if (client !== undefined && (await answers(client))) return client;
      // Of two that were started at once one gives way, and the other may not answer yet.
      if ((isGone && client === undefined && readText(said) !== "") || Date.now() > deadline) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new SampanError(
      "API_UNREACHABLE",
      `Cannot start the engine process: ${readText(said) || "it does not answer"}`,
    );
  } finally {
    rmSync(said, { force: true });
  }
}

/** Removes what an engine process that was killed has left; nothing where one lives, or none ever was. */
export async function clearDeadEngine(places: Places): Promise<void> {
  const { folder } = enginePlace(places);
  if (!existsSync(folder) || liveHolder(folder) !== undefined) return;
  try {
    // One that starts just now waits for a command.
    await takeHold(folder, { kind: "command" }, { what: "the engine's place" });
  } catch (error) {
    if (error instanceof SampanError && error.code === "PROJECT_HELD") return;
    throw error;
  }
  // The hold goes with the folder.
  rmSync(folder, { recursive: true, force: true });
  pruneEmpty(places.run, places.run);
}

async function answers(client: ApiClient): Promise<boolean> {
  try {
    await client.call({ path: "/version" });
    return true;
  } catch (error) {
    if (error instanceof SampanError && error.code === "API_UNREACHABLE") return false;
    throw error;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
