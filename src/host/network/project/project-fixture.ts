import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import type { TestContext } from "node:test";
import { Listener } from "../../host-fixture.ts";
import type { HostInstance } from "../../instance.ts";
import { type HostLimits, HostWorkload } from "../../workload.ts";
import type { InternetAddress } from "../backend.ts";
import { type NetFlags, netGrants } from "../network-fixture.ts";
import type { Socket } from "../socket.ts";
import type { ProjectNetworkConfig } from "./config.ts";

/** A folder for a project's sockets, removed with its test. */
export function networkFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "net-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Services of a project: where each is, by network. */
export type Services = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** What the first (or another) instance of a service is told. */
export function configOf(
  folder: string,
  { services, name, index = 0, published = [] }: ConfigParts,
): ProjectNetworkConfig {
  const hosts = Object.entries(services).flatMap(([service, networks]) =>
    Object.entries(networks).flatMap(([network, ips]) =>
      [ips].flat().map((ip, replica) => ({ name: service, network, ip, replica })),
    ),
  );
  const addresses = hosts.filter((host) => host.name === name && host.replica === index);
  return { folder, self: { addresses, names: [`${name}-${index + 1}`] }, hosts, published };
}

interface ConfigParts {
  readonly services: Services;
  readonly name: string;
  readonly index?: number;
  readonly published?: ProjectNetworkConfig["published"];
}

/** An instance in a project, closed with its test. */
export function projectHost(
  t: TestContext,
  network: ProjectNetworkConfig,
  { flags = {}, limits = {} }: { readonly flags?: NetFlags; readonly limits?: HostLimits } = {},
): { readonly host: HostInstance; readonly observer: Listener; close(): void } {
  const observer = new Listener();
  const workload = new HostWorkload(netGrants(flags), { observer, limits, network, waits: "suspend" });
  const host = workload.createInstance();
  let isOpen = true;
  const close = (): void => {
    if (isOpen) {
      host.close();
      workload.close();
    }
    isOpen = false;
  };
  t.after(close);
  return { host, observer, close };
}

/** A place of IPv4. */
export function at(address: string, port: number): InternetAddress {
  return { family: "ipv4", address, port };
}

/** A socket that listens everywhere that the guest is. */
export function listenOn(host: HostInstance, port: number, address = "0.0.0.0"): Socket {
  const socket = host.sockets.create("ipv4", "stream");
  socket.bind(at(address, port));
  socket.listen(64);
  return socket;
}

/** A socket that is connected to a place. */
export async function connectTo(host: HostInstance, place: InternetAddress): Promise<Socket> {
  const socket = host.sockets.create(place.family, "stream");
  await socket.connect(place);
  return socket;
}
