import { nearest, SampanError } from "../../base/index.ts";
import type { Dependency, Project, Service } from "../file/model.ts";

/** What is needed of a service to order it among others. */
export interface Ordered {
  readonly name: string;
  readonly dependsOn: readonly Pick<Dependency, "service">[];
}

/** The services that are meant, all where none is named. @throws PROJECT_SERVICE_UNKNOWN */
export function chosenServices(known: readonly string[], typed: readonly string[]): readonly string[] {
  for (const name of typed) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new SampanError("PROJECT_SERVICE_UNKNOWN", `Cannot find the service "${name}": no such service`, {
      hint: near === undefined ? `services are ${known.join(", ")}` : `did you mean ${near}`,
    });
  }
  return typed.length === 0 ? known : typed;
}

/** The services named and, unless they are left out, those that they need. @throws PROJECT_SERVICE_UNKNOWN */
export function wantedServices(
  { services }: Project,
  typed: readonly string[],
  { dependencies }: { readonly dependencies: "with" | "without" },
): readonly Service[] {
  const names = new Set<string>();
  const add = (name: string): void => {
    const service = services.get(name);
    if (names.has(name) || service === undefined) return;
    names.add(name);
    if (dependencies === "without") return;
    for (const dependency of service.dependsOn) add(dependency.service);
  };
  for (const name of chosenServices([...services.keys()], typed)) add(name);
  return [...services.values()].filter(({ name }) => names.has(name));
}

/**
 * Does something to each service once it was done to all that come before: what it depends on, or, in `reverse`, what depends on
 * it. Services that do not wait for one another are done at once; the first failure rejects when the rest have settled.
 */
export async function inOrder(
  services: readonly Ordered[],
  direction: "forward" | "reverse",
  action: (name: string) => Promise<void>,
): Promise<void> {
  const under = new Map<string, Promise<void>>();
  const before = ({ name, dependsOn }: Ordered): readonly Ordered[] =>
    direction === "forward"
      ? services.filter((other) => dependsOn.some(({ service }) => service === other.name))
      : services.filter((other) => other.dependsOn.some(({ service }) => service === name));
  const run = (service: Ordered): Promise<void> => {
    const known = under.get(service.name);
    if (known !== undefined) return known;
    const waited = Promise.all(before(service).map(run));
    const done = waited.then(() => action(service.name));
    under.set(service.name, done);
    return done;
  };
  const results = await Promise.allSettled(services.map(run));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason as Error;
}
