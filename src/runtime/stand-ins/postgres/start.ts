import { join } from "node:path";
import type { ProcessIo } from "../../process.ts";
import { Child } from "../child.ts";
import { announce } from "../announce.ts";
import { finishDataFolder, takeDataFolder } from "../data-folder.ts";
import { readInitScripts } from "../init-scripts.ts";
import { StandInProcess } from "../stand-in-process.ts";
import type { StandInWorkload } from "../workload.ts";
import { readSettings } from "./settings.ts";

const program = "PostgreSQL in PGlite";

/** Starts a stand-in for `postgres`. @throws STAND_IN_CONFIG */
export async function startPostgres(workload: StandInWorkload, io: ProcessIo): Promise<StandInProcess> {
  const settings = readSettings(workload);
  const {
    path: base,
    isNew,
    clean,
    prepared: scripts,
  } = await takeDataFolder(settings.folder, {
    program,
    prepare: (isEmpty) => (isEmpty ? readInitScripts(workload.mounts) : []),
  });
  const folder = join(base, "cluster");
  await announce(workload, "PostgreSQL 18.6, as PGlite 0.5.14", io);
  return new StandInProcess({
    network: workload.network,
    ports: [5432],
    clean,
    run: async ({ add, ready }) => {
      // It loads while the other still makes the data.
      const server = add(new Child({ task: "postgres" }, io));
      if (isNew) {
        const creator = add(new Child({ task: "postgres-create" }, io));
        creator.do({ kind: "postgres-create", folder, settings });
        await creator.ready;
        await creator.exited;
      }
      server.do({ kind: "postgres", folder, settings, scripts, network: workload.network });
      await server.ready;
      finishDataFolder(base, program);
      ready();
      return server.exited;
    },
  });
}
