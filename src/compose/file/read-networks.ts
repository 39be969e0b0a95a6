import {
  type At,
  at,
  entriesAt,
  itemsAt,
  itemsOrOne,
  refuse,
  refuseName,
  refuseUnsupported,
  text,
  truth,
} from "./at.ts";
import type { Dependency, ServiceNetwork, ServiceSecret } from "./model.ts";
import { guestPath } from "./paths.ts";
import type { Problems } from "./problems.ts";
import type { Reading } from "./reading.ts";

/** The networks that a service is on: `default` where it names none. */
export function readNetworks(service: At, { problems, networks }: Reading): ServiceNetwork[] {
  const mode = at(service, "network_mode");
  const list = at(service, "networks");
  const typed = text(mode);
  if (mode !== undefined && typed !== undefined) {
    if (list !== undefined) refuse(problems, mode, "the service has networks: as well", "remove one of the two");
    if (typed === "none") return [];
    if (typed !== "bridge" && typed !== "default") refuseMode(mode, typed, problems);
    return [{ name: "default", aliases: [] }];
  }
  const named = [
    ...itemsAt(list).map((place) => ({ place, name: text(place), aliases: [] as string[] })),
    ...entriesAt(list).map(([name, place]) => {
      const aliases = itemsAt(at(place, "aliases")).flatMap((each) => text(each) ?? []);
      return { place, name, aliases };
    }),
  ];
  const read = named.flatMap(({ place, name, aliases }): ServiceNetwork[] => {
    if (name === undefined) return [];
    if (name === "default" || networks.has(name)) return [{ name, aliases }];
    const declare = `networks: with ${name}: below it`;
    refuseName(problems, place, { name, kind: "network", known: networks, declare });
    return [];
  });
  return named.length === 0 ? [{ name: "default", aliases: [] }] : read;
}

function refuseMode(place: At, typed: string, problems: Problems): void {
  if (typed === "host")
    refuseUnsupported(
      problems,
      place,
      "a guest's ports are its own, not the host's",
      'publish them: ports: ["8080:8080"]',
    );
  else if (/^(service|container):/.test(typed))
    refuseUnsupported(problems, place, "guests share no network of another one", "put both services on one network");
  else refuse(problems, place, `found "${typed}", wanted none`, "write none, or leave it out and use networks:");
}

const conditions = ["service_started", "service_healthy", "service_completed_successfully"] as const;

/** A dependency and the place that says it. */
export interface DependencyAt {
  readonly dependency: Dependency;
  readonly place: At;
}

/** Whom a service waits for. */
export function readDependencies(service: At, problems: Problems): DependencyAt[] {
  const place = at(service, "depends_on");
  const short = itemsAt(place).flatMap((item): DependencyAt[] => {
    const name = text(item);
    const dependency = { condition: conditions[0], restart: false, required: true };
    return name === undefined ? [] : [{ dependency: { service: name, ...dependency }, place: item }];
  });
  const long = entriesAt(place).map(([name, value]): DependencyAt => {
    const typed = text(at(value, "condition"));
    return {
      dependency: {
        service: name,
        condition: conditions.find((each) => each === typed) ?? conditions[0],
        restart: truth(problems, at(value, "restart"), false),
        required: truth(problems, at(value, "required"), true),
      },
      place: value,
    };
  });
  return [...short, ...long];
}

/** The secrets that a service sees, as absolute guest paths. */
export function readServiceSecrets(service: At, { problems, secrets }: Reading): ServiceSecret[] {
  const targets = new Set<string>();
  return itemsAt(at(service, "secrets")).flatMap((place): ServiceSecret[] => {
    const from = place.tree.kind === "map" ? at(place, "source") : place;
    const source = text(from);
    if (from === undefined || source === undefined) {
      if (place.tree.kind === "map")
        refuse(problems, place, 'it lacks the key "source"', "add source: and the secret's name");
      return [];
    }
    if (!secrets.has(source)) {
      const declare = `secrets: with ${source}: and file: or environment: below it`;
      refuseName(problems, from, { name: source, kind: "secret", known: secrets, declare });
      return [];
    }
    const typed = text(at(place, "target")) ?? source;
    const target = guestPath(typed.startsWith("/") ? typed : `/run/secrets/${typed}`) ?? typed;
    if (targets.has(target))
      refuse(problems, place, `another secret has the target "${target}"`, "give one of them another target:");
    targets.add(target);
    return [{ source, target }];
  });
}

/** The profiles that a service belongs to. */
export function readProfiles(service: At): string[] {
  return itemsOrOne(at(service, "profiles")).flatMap((item) => text(item) ?? []);
}
