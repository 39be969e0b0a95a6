import { existsSync } from "node:fs";
import process from "node:process";
import { ApiServer, enginePlace, makePrivate, pruneEmpty, takeHold } from "../../runtime/index.ts";
import { holderRoutes } from "./holder-api.ts";
import { ProjectHolder } from "./project-holder.ts";
import { standardRunners } from "./standard-runners.ts";

// The engine process: started by `up -d`, holds the projects that it is handed, and ends when it has none.

/** How long it waits for a project, and how often it looks for its own socket, in ms. */
const unusedFor = 10_000;

const [, , state = "", run = ""] = process.argv;

void main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});

async function main(): Promise<void> {
  const places = { state, run };
  const { folder, socket } = enginePlace(places);
  makePrivate(folder);
  const hold = await takeHold(folder, { kind: "engine", socket }, { what: "the engine's place" });
  const { runners, close } = standardRunners();
  let isEnding = false;
  const end = async (): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    server.close();
    await holder.close();
    await close();
    await server.drained();
    hold.release();
    pruneEmpty(folder, run);
    process.exit(0);
  };
  const holder = new ProjectHolder({ places, kind: "engine", socket, runners, onEmpty: () => void end() });
  const server = await ApiServer.listen(socket, holderRoutes(holder));
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void end());
  // Whoever started it may have died before it handed over a project, and where its place is gone nobody can reach it.
  const look = (): void => void (holder.names.length === 0 || !existsSync(socket) ? end() : undefined);
  setInterval(look, unusedFor).unref();
  // A terminal that goes away is none of its concern.
  process.on("SIGHUP", () => {});
}
