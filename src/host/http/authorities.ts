import type { SecureContext } from "node:tls";
import { httpModules } from "./node-modules.ts";
import type { Environment } from "./proxies.ts";

/**
 * What certificates are checked against: Node's own authorities, the system's, those of NODE_EXTRA_CA_CERTS and SSL_CERT_FILE, and
 * the workload's (PEM).
 */
export function trustedContext(environment: Environment, own: readonly string[]): SecureContext {
  const { tls, fs } = httpModules;
  const ca = new Set<string>();
  for (const kind of ["bundled", "system", "extra"] as const)
    for (const certificate of tls.getCACertificates(kind)) ca.add(certificate);
  const file = environment["SSL_CERT_FILE"];
  if (file !== undefined && file !== "") ca.add(fs.readFileSync(file, "utf8"));
  for (const certificate of own) ca.add(certificate);
  return tls.createSecureContext({ ca: [...ca] });
}
