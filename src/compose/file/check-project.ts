import { type At, at, refuse, refuseName } from "./at.ts";
import type { Dependency, PublishedPort, Service } from "./model.ts";
import type { Problems } from "./problems.ts";
import type { ServiceAt } from "./read-service.ts";

/** All services of the files: those of the project, and the profiles of the others. */
export interface ServicesAt {
  readonly services: ReadonlyMap<string, ServiceAt>;
  readonly disabled: ReadonlyMap<string, readonly string[]>;
}

/** Tells what only shows when services are looked at together. */
export function checkProject(all: ServicesAt, problems: Problems): void {
  for (const each of all.services.values()) checkDependencies(each, all, problems);
  checkCycles(all, problems);
  checkPorts(all, problems);
  checkNames(all, problems);
}

/** The dependencies of a service that are services of the project. */
export function presentDependencies({ dependsOn }: Service, { services }: ServicesAt): Dependency[] {
  return dependsOn.filter(({ service }) => services.has(service));
}

function checkDependencies({ dependencies }: ServiceAt, { services, disabled }: ServicesAt, problems: Problems): void {
  for (const { dependency, place } of dependencies) {
    const { service: name, condition, required } = dependency;
    const other = services.get(name)?.service;
    const profiles = disabled.get(name);
    if (other === undefined && profiles !== undefined) {
      const hint = `add --profile ${profiles[0] ?? "NAME"}, or write required: false`;
      if (required) refuse(problems, place, `the service "${name}" is of a profile that is off`, hint);
    } else if (other === undefined) {
      refuseName(problems, place, { name, kind: "service", known: [...services.keys(), ...disabled.keys()] });
    } else if (condition === "service_healthy" && other.healthcheck === undefined && other.image.kind === "wasm") {
      const hint = `add healthcheck: to ${name}, or wait for service_started`;
      refuse(problems, place, `the service "${name}" has no health check to wait for`, hint);
    }
  }
}

function checkCycles({ services }: ServicesAt, problems: Problems): void {
  const done = new Set<string>();
  const visit = (name: string, above: readonly string[]): void => {
    if (done.has(name)) return;
    for (const { dependency, place } of services.get(name)?.dependencies ?? []) {
      const next = dependency.service;
      const start = [...above, name].indexOf(next);
      if (start >= 0) {
        const circle = [...[...above, name].slice(start), next].join(" → ");
        refuse(problems, place, `services wait for one another: ${circle}`, "remove one of these dependencies");
      } else if (services.has(next)) visit(next, [...above, name]);
    }
    done.add(name);
  };
  for (const name of services.keys()) visit(name, []);
}

function checkPorts({ services }: ServicesAt, problems: Problems): void {
  const taken: { port: PublishedPort; place: At }[] = [];
  for (const { service, ports } of services.values()) {
    for (const { port, place } of ports) {
      const { hostPort, hostPortLast = hostPort } = port;
      const other = taken.find((each) => collide(each.port, port));
      if (other !== undefined) {
        const hint = `publish another port, such as ${hostPort + 1}:${port.guestPort}`;
        refuse(problems, place, `${other.place.path} publishes the port ${hostPort} already`, hint);
      } else if (hostPort !== 0 && hostPortLast - hostPort + 1 < service.scale) {
        const hint = `publish a range, such as "${hostPort}-${hostPort + service.scale - 1}:${port.guestPort}", or no port of the host`;
        refuse(problems, place, `${service.scale} instances cannot all have the port ${hostPort}`, hint);
      }
      taken.push({ port, place });
    }
  }
}

function collide(a: PublishedPort, b: PublishedPort): boolean {
  const isRange = a.hostPortLast !== undefined || b.hostPortLast !== undefined;
  if (isRange || a.hostPort === 0 || a.hostPort !== b.hostPort || a.protocol !== b.protocol) return false;
  return a.hostIp === b.hostIp || [a.hostIp, b.hostIp].includes("0.0.0.0");
}

function checkNames({ services }: ServicesAt, problems: Problems): void {
  const owners = new Map<string, string>();
  for (const { service, place } of services.values()) {
    const name = service.containerName;
    if (name === undefined) continue;
    const other = owners.get(name);
    if (other !== undefined)
      refuse(
        problems,
        at(place, "container_name") ?? place,
        `the service "${other}" has the container_name "${name}" as well`,
        "give one of them another name",
      );
    owners.set(name, service.name);
  }
}
