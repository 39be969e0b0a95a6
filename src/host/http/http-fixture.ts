import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { TestContext } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { Listener } from "../host-fixture.ts";
import { type NetFlags, netGrants, networkWithNames } from "../network/network-fixture.ts";
import { HostWorkload } from "../workload.ts";
import type { BodyReader } from "./body-reader.ts";
import { HttpFailure } from "./errors.ts";
import type { HttpRequest, HttpResponse } from "./http-client.ts";
import type { HttpSession } from "./http-session.ts";
import type { HttpSettings } from "./make-client.ts";

/** What a test's client is made with. */
export interface ClientFlags {
  readonly flags?: NetFlags;
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly settings?: HttpSettings;
}

/** A client with grants, closed with its test. */
export function testClient(
  t: TestContext,
  { flags = { connect: ["127.0.0.0/8:1-65535"] }, names = {}, settings = {} }: ClientFlags = {},
): { client: HttpSession; observer: Listener } {
  const observer = new Listener();
  const http = { environment: {}, ...settings };
  const network = networkWithNames(names);
  const workload = new HostWorkload(netGrants(flags), { observer, network, waits: "suspend", http });
  const host = workload.createInstance();
  t.after(() => {
    host.close();
    workload.close();
  });
  return { client: host.http, observer };
}

/** A server of Node's on loopback, closed with its test, and how many connections came. */
export async function testServer(
  t: TestContext,
  answer: RequestListener,
  secure?: { readonly key: string; readonly cert: string },
): Promise<{ port: number; connections: Socket[]; server: Server }> {
  const http = createServer(answer);
  const connections: Socket[] = [];
  const keep = (socket: Socket): void => {
    connections.push(socket);
    socket.on("error", () => {});
  };
  if (secure === undefined) http.on("connection", keep);
  const server =
    secure === undefined
      ? http
      : createTlsServer(secure, (socket) => void http.emit("connection", socket)).on("connection", keep);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const each of connections) each.destroy();
  });
  return { port: (server.address() as AddressInfo).port, connections, server: http };
}

/** A request for a path of a server. */
export function get(port: number, path = "/", more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: "GET", scheme: "http", authority: `127.0.0.1:${port}`, path, fields: [], ...more };
}

/** All of a body as text. */
export async function textOf(body: BodyReader): Promise<string> {
  const room = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const count = await body.read(room);
    if (count === 0) return text;
    text += decoder.decode(room.subarray(0, count), { stream: true });
  }
}

/** What a response failed with. */
export async function failureOf(operation: Promise<HttpResponse | string>): Promise<string> {
  try {
    await operation;
    return "none";
  } catch (error) {
    if (error instanceof HttpFailure) return error.code.tag;
    throw error;
  }
}
