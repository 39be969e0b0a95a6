import { tryPort } from "../../runtime/index.ts";
import type { HostPort } from "../config/settings.ts";
import { portTaken } from "./admin.ts";
import type { Plan } from "./plan.ts";

/**
 * The address with a port that can be had. Workers share theirs (SO_REUSEPORT), so that nothing but this would find out that
 * another server of the same user has it.
 *
 * @throws SERVE_PORT_TAKEN
 */
export async function freePort({ host, port }: HostPort): Promise<HostPort> {
  const got = await tryPort(host, port);
  if (typeof got === "string") throw portTaken({ host, port }, got, "--addr");
  return { host, port: got };
}

/** Whether two addresses are one. */
export function isSame(one: HostPort | undefined, other: HostPort | undefined): boolean {
  return one?.host === other?.host && one?.port === other?.port;
}

/** Whether workers have to listen in another way, or run otherwise. */
export function mustRoll({ config: one, tls }: Plan, { config: other, tls: otherTls }: Plan): boolean {
  return (
    !isSame(one.addr, other.addr) ||
    (tls === undefined) !== (otherTls === undefined) ||
    one.workerHeap !== other.workerHeap
  );
}

/** Names whose workload is another than before. */
export function changedNames(before: Plan, plan: Plan): string[] {
  const ids = ({ workloads }: Plan): Map<string, string> =>
    new Map(workloads.map(({ served }) => [served.name, served.id]));
  const [old, now] = [ids(before), ids(plan)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name));
}

/** What of the server itself is another than before, in the words of its settings. */
export function changedSettings({ config: one, tls }: Plan, { config: other, tls: otherTls }: Plan): string[] {
  const isOther = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
  const rows: readonly (readonly [name: string, isChanged: boolean])[] = [
    ["routes", isOther(one.routes, other.routes)],
    ["the address", !isSame(one.addr, other.addr)],
    ["the certificate", isOther(tls, otherTls)],
    ["limits", isOther(one.limits, other.limits)],
    ["trust", isOther(one.trusted, other.trusted)],
    ["the access log", one.accessLog !== other.accessLog],
    ["the audit log", one.audit !== other.audit],
    ["the number of workers", one.workers !== other.workers],
  ];
  return rows.flatMap(([name, isChanged]) => (isChanged ? [name] : []));
}
