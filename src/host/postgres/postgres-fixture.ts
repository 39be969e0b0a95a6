import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { after } from "node:test";
import { type AccessRequest, defaultGrants, grantsFromFlags } from "../../capabilities/index.ts";
import { HostWorkload } from "../workload.ts";
import type { HttpSettings } from "../http/make-client.ts";
import type { Postgres } from "./postgres.ts";

/** A message of a server's (PostgreSQL's documentation, Message Formats). */
export function message(type: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part)));
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeUInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

/** What a server says when it believes who asks, and waits for a statement. */
export const welcome = Buffer.concat([message("R", Uint8Array.of(0, 0, 0, 0)), message("Z", Buffer.from("I"))]);

/** A server on loopback that does with each connection what `serve` does; it goes with the test. */
export async function fakeServer(
  serve: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

export interface Client {
  readonly postgres: Postgres;
  readonly refused: AccessRequest[];
  /** Ends the instance. */
  close(): void;
}

/** An instance that may connect to the given places. */
export function clientOf(
  places: readonly string[],
  options: { http?: HttpSettings; limits?: { maxConnections?: number } } = {},
): Client {
  const refused: AccessRequest[] = [];
  const observer = {
    isLearning: false,
    used: () => {},
    refused: (request: AccessRequest) => void refused.push(request),
  };
  const flags = places.map((value) => ({ flag: "--allow-net", value }));
  const grants = grantsFromFlags(flags, { cwd: "/" }, defaultGrants);
  const workload = new HostWorkload(grants, { waits: "suspend", observer, ...options });
  const host = workload.createInstance();
  const close = (): void => {
    host.close();
    workload.close();
  };
  after(close);
  return { postgres: host.postgres, refused, close };
}
