import { failure, HostError } from "../../base/index.ts";
import { parseAddress } from "../../capabilities/index.ts";
import { trustedContext } from "../http/authorities.ts";
import type { HttpSettings } from "../http/make-client.ts";
import { type Duplex, httpModules } from "../http/node-modules.ts";
import { duplexOf } from "../http/socket-duplex.ts";
import type { SocketAddress } from "../network/backend.ts";
import { familyOf } from "../network/place.ts";
import type { Socket } from "../network/socket.ts";
import type { Sockets } from "../network/sockets.ts";
import type { PostgresAddress } from "./address.ts";

/** A connection that cannot be had; the message says why. */
export class ConnectProblem extends Error {
  override readonly name = "ConnectProblem";
}

/** What asks a server for TLS: its length and the code of the request (PostgreSQL's documentation, Message Formats). */
const tlsRequest = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47);

/**
 * A socket of the guest's to a database. A name is resolved first, and then each of its addresses has to be granted.
 *
 * @throws HostError acces without a grant, or as the network says
 */
export async function connectSocket(sockets: Sockets, { host, port }: PostgresAddress): Promise<Socket> {
  if (host.startsWith("/")) return connectTo(sockets, { family: "unix", path: `${host}/.s.PGSQL.${port}` });
  const addresses = await sockets.resolve(host);
  if (parseAddress(host) === undefined) sockets.checkName(host, port, addresses);
  let last: unknown = failure("ainodata");
  for (const address of addresses) {
    try {
      return await connectTo(sockets, { family: familyOf(address), address, port });
    } catch (error) {
      if (!(error instanceof HostError) || error.errno === "acces") throw error;
      last = error;
    }
  }
  throw last;
}

async function connectTo(sockets: Sockets, to: SocketAddress): Promise<Socket> {
  const socket = sockets.create(to.family, "stream");
  try {
    await socket.connect(to);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** How a connection is secured. */
export interface SecureOptions {
  /** Certificates of authorities to trust besides, as PEM. */
  readonly authorities: readonly string[];
  readonly settings: HttpSettings | undefined;
}

/**
 * The connection as the address wants it: plain, or with TLS where the server has that. Certificates are always checked.
 *
 * @throws ConnectProblem, and what TLS fails with
 */
export async function securedStream(
  socket: Socket,
  { host, tls }: PostgresAddress,
  { authorities, settings = {} }: SecureOptions,
): Promise<Duplex> {
  const plain = duplexOf(socket);
  if (tls === "disable" || host.startsWith("/")) return plain;
  try {
    const answer = await ask(plain);
    if (answer === "N" && tls === "prefer") return plain;
    if (answer === "N") throw new ConnectProblem("the server has no TLS");
    if (answer !== "S") throw new ConnectProblem("the server does not speak PostgreSQL's protocol");
    // What came before the handshake nobody has vouched for.
    if (plain.readableLength > 0) throw new ConnectProblem("the server said more than it may before TLS");
    const { environment = process.env, authorities: own = [] } = settings;
    const secureContext = trustedContext(environment, [...own, ...authorities]);
    return await secured(plain, host, secureContext);
  } catch (error) {
    plain.destroy();
    throw error;
  }
}

/** Asks for TLS, and answers with the one byte that the server says. */
function ask(plain: Duplex): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const look = (): void => {
    const byte = plain.read(1) as Buffer | null;
    if (byte !== null) done(() => resolve(byte.toString("latin1")));
  };
  const gone = (error?: Error): void =>
    done(() => reject(error ?? new ConnectProblem("the server closed the connection")));
  const ended = (): void => gone();
  const done = (end: () => void): void => {
    plain.off("readable", look).off("error", gone).off("close", ended).off("end", ended);
    end();
  };
  plain.on("readable", look).on("error", gone).on("close", ended).on("end", ended);
  plain.write(tlsRequest);
  return promise;
}

function secured(plain: Duplex, host: string, secureContext: ReturnType<typeof trustedContext>): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const isName = parseAddress(host) === undefined;
  const stream = httpModules.tls.connect({
    socket: plain,
    host,
    servername: isName ? host.replace(/\.$/, "") : "",
    secureContext,
    rejectUnauthorized: true,
  });
  stream.once("secureConnect", () => {
    stream.off("error", reject);
    resolve(stream);
  });
  stream.once("error", reject);
  // What TLS itself has to say of it comes a turn later.
  plain.once("close", () => setImmediate(reject, new ConnectProblem("the server closed the connection")));
  return promise.catch((error: unknown) => {
    stream.on("error", () => {});
    stream.destroy();
    throw error;
  });
}
