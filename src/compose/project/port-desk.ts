import { SampanError } from "../../base/index.ts";
import { hostAndPort, portOwner, tryPort } from "../../runtime/index.ts";
import type { PublishedPort, Service } from "../file/model.ts";
import type { Member } from "./running-project.ts";

/** Hands out the host's ports among the containers of a project. */
export class PortDesk {
  readonly #taken = new Map<string, string>();

  constructor(members: readonly Member[]) {
    for (const { container, data } of members) {
      const { status } = container.inspect().state;
      if (status !== "running" && status !== "restarting") continue;
      for (const port of data.ports) this.#taken.set(keyOf(port), data.service.name);
    }
  }

  /** The ports of one more instance, each free port that is wanted found. @throws PROJECT_PORT_TAKEN */
  async resolve({ name, ports }: Service): Promise<readonly PublishedPort[]> {
    const resolved: PublishedPort[] = [];
    for (const port of ports) {
      if (port.hostPort !== 0) {
        this.#claim(name, port);
        resolved.push(port);
        continue;
      }
      const found = await tryPort(port.hostIp, 0);
      if (typeof found === "string") throw taken(name, port, found);
      resolved.push({ ...port, hostPort: found });
    }
    return resolved;
  }

  /** Makes sure that ports can be had now. @throws PROJECT_PORT_TAKEN with who has one */
  async check(service: string, ports: readonly PublishedPort[]): Promise<void> {
    for (const port of ports) {
      if (port.protocol === "udp") continue;
      const tried = await tryPort(port.hostIp, port.hostPort);
      if (typeof tried === "string") throw taken(service, port, tried);
    }
  }

  #claim(service: string, port: PublishedPort): void {
    const key = keyOf(port);
    const other = this.#taken.get(key);
    this.#taken.set(key, service);
    if (other === undefined) return;
    const who = other === service ? "another instance of it" : `the service "${other}"`;
    const message = `Cannot publish port ${hostAndPort(port.hostIp, port.hostPort)} of "${service}": ${who} has it`;
    throw new SampanError("PROJECT_PORT_TAKEN", message, {
      hint: `publish another port, or leave the choice to Sampan: "${port.guestPort}"`,
    });
  }
}

function keyOf({ hostIp, hostPort, protocol }: PublishedPort): string {
  return `${protocol} ${hostAndPort(hostIp, hostPort)}`;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "only root may listen there",
  EADDRINUSE: "it is taken",
  EADDRNOTAVAIL: "this machine has no such address",
};

function taken(service: string, { hostIp, hostPort, guestPort }: PublishedPort, code: string): SampanError {
  const owner = code === "EADDRINUSE" ? portOwner(hostPort) : undefined;
  // Whoever ended the engine process would end all projects.
  const isOurs = /\/engine-main\.[jt]s /.test(owner?.command ?? "");
  const other = isOurs ? "another project of Sampan's has it" : `process ${owner?.pid} has it`;
  const command = isOurs ? "" : ` (${owner?.command.slice(0, 80)})`;
  const who = owner === undefined ? (reasons[code] ?? code) : `${other}${command}`;
  const end = isOurs ? "take that project down" : "end that process";
  const message = `Cannot publish port ${hostAndPort(hostIp, hostPort)} of "${service}": ${who}`;
  return new SampanError("PROJECT_PORT_TAKEN", message, {
    hint:
      owner === undefined
        ? `publish another port, such as "${hostPort + 1}:${guestPort}"`
        : `${end}, or publish another port, such as "${hostPort + 1}:${guestPort}"`,
    ...(owner === undefined ? {} : { data: { pid: owner.pid } }),
  });
}
