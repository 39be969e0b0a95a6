import { createServer, type Server } from "node:http";
import { SampanError } from "../../base/index.ts";
import { hostAndPort, portOwner } from "../../runtime/index.ts";
import type { HostPort } from "../config/settings.ts";

/** What the admin address tells. */
export interface AdminSource {
  readonly metrics: () => Promise<string>;
  /** Whether requests are taken. */
  readonly isReady: () => boolean;
}

/** The HTTP server of `--admin`: /metrics, /healthz and /readyz. */
export class Admin {
  readonly #server: Server;
  readonly address: HostPort;

  private constructor(server: Server, address: HostPort) {
    this.#server = server;
    this.address = address;
  }

  /** @throws SERVE_PORT_TAKEN */
  static async listen({ host, port }: HostPort, source: AdminSource): Promise<Admin> {
    const server = createServer({ keepAliveTimeout: 5_000 }, (request, response) => {
      const reply = (status: number, text: string, type = "text/plain; charset=utf-8"): void => {
        response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
        response.end(request.method === "HEAD" ? undefined : text);
      };
      if (request.method !== "GET" && request.method !== "HEAD") return reply(405, "Only GET and HEAD\n");
      const [path] = (request.url ?? "/").split("?", 1);
      if (path === "/healthz") return reply(200, "ok\n");
      if (path === "/readyz") return source.isReady() ? reply(200, "ready\n") : reply(503, "not ready\n");
      if (path !== "/metrics") return reply(404, "There are /metrics, /healthz and /readyz\n");
      source.metrics().then(
        (text) => reply(200, text, "text/plain; version=0.0.4; charset=utf-8"),
        () => reply(500, "No metrics\n"),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(portTaken({ host, port }, error, "--admin")));
      server.listen({ host, port, exclusive: true }, resolve);
    });
    const bound = server.address();
    const own = typeof bound === "object" && bound !== null ? bound.port : port;
    return new Admin(server, { host, port: own });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** The error of an address that cannot be had, with who has it and what to type. */
export function portTaken(at: HostPort, cause: unknown, flag: "--addr" | "--admin"): SampanError {
  const code = typeof cause === "string" ? cause : ((cause as NodeJS.ErrnoException).code ?? String(cause));
  const place = hostAndPort(at.host, at.port);
  const { reason, hint } = reasonOf(code, at, flag);
  return new SampanError("SERVE_PORT_TAKEN", `Cannot listen on ${place}: ${reason}`, { hint, data: { code } });
}

function reasonOf(code: string, { host, port }: HostPort, flag: string): { reason: string; hint: string } {
  const next = port >= 65_535 ? 0 : port + 1;
  switch (code) {
    case "EADDRINUSE": {
      const owner = portOwner(port);
      const who = owner === undefined ? "" : ` by process ${owner.pid} (${shortCommand(owner.command)})`;
      const end = owner === undefined ? "end who has it" : `end it with kill ${owner.pid}`;
      return { reason: `port ${port} is taken${who}`, hint: `${end}, or type ${flag} ${hostAndPort(host, next)}` };
    }
    case "EACCES":
      return {
        reason: `port ${port} is below 1024, which this user may not listen on`,
        hint: `type ${flag} ${hostAndPort(host, 8080)}`,
      };
    case "EADDRNOTAVAIL":
      return {
        reason: `this machine does not have the address ${host}`,
        hint: `type ${flag} ${hostAndPort("0.0.0.0", port)} for all that it has`,
      };
    default:
      return { reason: code, hint: `type ${flag} 127.0.0.1:8080` };
  }
}

/** A command line as people know it: without folders, and without Node's own flags. */
function shortCommand(command: string): string {
  const [program = "", ...rest] = command.split(" ");
  const at = rest.findIndex((word) => !word.startsWith("-"));
  const words = [program, ...(at < 0 ? rest : rest.slice(at))].map((word) => word.replace(/^.*\/(?=.)/, ""));
  const text = words.join(" ");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
