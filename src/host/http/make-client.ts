import type { SecureContext } from "node:tls";
import { defaultGrants, type Grants } from "../../capabilities/index.ts";
import type { Waits } from "../waits.ts";
import type { NetworkBackend } from "../network/backend.ts";
import { NetworkPolicy } from "../network/policy.ts";
import { type NetworkLimits, Sockets } from "../network/sockets.ts";
import { deafObserver } from "../observer.ts";
import { trustedContext } from "./authorities.ts";
import { HttpClient } from "./http-client.ts";
import { type Environment, Proxies } from "./proxies.ts";

/** What a workload's HTTP client is told besides its grants. */
export interface HttpSettings {
  /** Certificates of authorities to trust besides the system's, as PEM. */
  readonly authorities?: readonly string[] | undefined;
  /** Where proxies and further authorities are named; by default the environment of the process. */
  readonly environment?: Environment | undefined;
}

/** What a workload has already that its client goes through. */
export interface ClientParts {
  readonly backend: NetworkBackend;
  readonly policy: NetworkPolicy;
  readonly limits: NetworkLimits | undefined;
  readonly waits: Waits;
  readonly settings?: HttpSettings | undefined;
}

/** The operator names the proxies, and answers for where they are. */
const proxyGrants: Grants = {
  ...defaultGrants,
  net: {
    ...defaultGrants.net,
    connect: ["0.0.0.0", "::"].map((address) => ({
      host: { kind: "cidr", address, prefix: 0 },
      ports: { first: 1, last: 65_535 },
    })),
  },
};

/** A client for a workload. Its connections count by themselves: they belong to none of its instances. */
export function makeHttpClient({ backend, policy, limits, waits, settings = {} }: ClientParts): HttpClient {
  const { environment = process.env, authorities = [] } = settings;
  let context: SecureContext | undefined;
  const proxyPolicy = new NetworkPolicy(proxyGrants, deafObserver);
  return new HttpClient({
    backend,
    policy,
    sockets: new Sockets({ backend, policy, limits, waits }),
    proxySockets: new Sockets({ backend, policy: proxyPolicy, limits, waits }),
    proxies: new Proxies(environment),
    trusted: () => (context ??= trustedContext(environment, authorities)),
  });
}
