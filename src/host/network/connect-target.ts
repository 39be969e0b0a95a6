import type { BoundStream, Connection, SocketAddress } from "./backend.ts";
import { isLoopback, unwrapped } from "./place.ts";
import type { SocketHost } from "./socket-host.ts";

/**
 * What begins a connection to an address, once it is certain that the guest may; `from` is where its socket is bound, if it is.
 *
 * @throws HostError what the policy refuses with
 */
export function findTarget(host: SocketHost, address: SocketAddress, from: BoundStream | undefined): () => Connection {
  if (address.family === "unix") {
    host.policy.connect(address);
    return () => host.backend.connect(address);
  }
  const to = unwrapped(address);
  if (host.isNameServer(to)) return () => host.connectNameServer(to);
  // What the guest itself listens on is no door to anything else.
  const own = host.ownListener(to);
  if (own !== undefined) return () => host.backend.connect(own);
  host.policy.connect(to);
  const isFrom = from?.address.family === to.family && !(isLoopback(from.address.address) && !isLoopback(to.address));
  return () => (isFrom ? from.connect(to) : host.backend.connect(to));
}
