import { SampanError } from "../../base/index.ts";
import type { Process, ProcessIo, Runner, Workload } from "../process.ts";
import { startMariadb } from "./mariadb/start.ts";
import { startNginx } from "./nginx/start.ts";
import { startPostgres } from "./postgres/start.ts";
import type { StandInWorkload } from "./workload.ts";

/**
 * Runs programs of ours and of the system's in place of well-known images, where there is no Docker Engine: the runner of the kind
 * `stand-in`. Each is in processes of its own, which end with this one.
 */
export class StandInRunner implements Runner {
  /** @throws STAND_IN_CONFIG, STAND_IN_UNAVAILABLE, FILE_UNREADABLE */
  async start({ data }: Workload, io: ProcessIo): Promise<Process> {
    const workload = data as StandInWorkload;
    if (workload.network.self.addresses.length === 0) {
      const message = `Cannot start the stand-in for "${workload.reference}": it is on no network`;
      throw new SampanError("STAND_IN_CONFIG", message, { hint: "put its service on a network" });
    }
    switch (workload.family) {
      case "postgres":
        return startPostgres(workload, io);
      case "nginx":
        return startNginx(workload, io);
      case "mariadb":
      case "mysql":
        return startMariadb(workload, io);
    }
  }
}
