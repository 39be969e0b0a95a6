import type { ProcessIo } from "../../process.ts";
import { announce } from "../announce.ts";
import { Child } from "../child.ts";
import { StandInProcess } from "../stand-in-process.ts";
import type { StandInWorkload } from "../workload.ts";
import { readSite } from "./read-site.ts";

/** Starts a stand-in for `nginx`. @throws STAND_IN_CONFIG with file and line */
export async function startNginx(workload: StandInWorkload, io: ProcessIo): Promise<StandInProcess> {
  const site = readSite(workload);
  const { network } = workload;
  await announce(workload, "Sampan's server for static sites", io);
  return new StandInProcess({
    network,
    ports: [...new Set(site.servers.flatMap(({ ports }) => ports))],
    run: async ({ add, ready }) => {
      const server = add(new Child({ task: "nginx" }, io));
      server.do({ kind: "nginx", site, network });
      await server.ready;
      ready();
      return server.exited;
    },
  });
}
