import { createServer } from "node:http";
import { parentPort } from "node:worker_threads";
import type { FromWorker, ToWorker, WorkerConfig } from "../protocol.ts";

// A worker without guests, for tests of what looks after workers: it answers each request with the id of the workload that its
// routes name, and does what a path asks for.

const port = parentPort;
if (port === null) throw new Error("A worker is started by a server");
const say = (message: FromWorker): void => port.postMessage(message);
let config: WorkerConfig | undefined;
let answered = 0;
const waiting = new Set<() => void>();

const server = createServer((request, response) => {
  const path = request.url ?? "/";
  const route = config?.routes.find((each) => path.startsWith(each.path));
  const finish = (): void => {
    answered += 1;
    say({ kind: "lines", access: [`${path} 200`] });
    response.end(route?.workload ?? "nothing");
  };
  if (path.endsWith("/die")) process.exit(3);
  if (path.endsWith("/throw"))
    setImmediate(() => {
      throw new Error("a bug of the host");
    });
  else if (path.endsWith("/heap"))
    for (const all: number[][] = []; ;) all.push(Array.from({ length: 1e5 }, Math.random));
  else if (path.endsWith("/hold")) response.writeHead(200);
  else if (path.endsWith("/wait")) waiting.add(finish);
  else finish();
});

function onMessage(message: ToWorker): void {
  switch (message.kind) {
    case "configure": {
      const { generation, listen, workloads } = message.config;
      const isFirst = config === undefined;
      if (workloads.some(({ name }) => name === "refused")) {
        const error = { code: "SERVE_PORT_TAKEN", message: "Cannot take it" } as const;
        return say({ kind: "failed", error, ...(isFirst ? {} : { generation }) });
      }
      config = message.config;
      if (!isFirst) return say({ kind: "configured", generation });
      server.listen({ ...listen, reusePort: true }, () => say({ kind: "ready", address: listen }));
      return;
    }
    case "report": {
      const metrics = [
        { name: "sampan_response_body_bytes_total", labels: { workload: "app" }, value: answered },
        { name: "active", labels: {}, value: waiting.size },
      ];
      return say({
        kind: "report",
        id: message.id,
        report: { generation: config?.generation ?? 0, connections: 0, metrics, workloads: [] },
      });
    }
    case "awake":
      return;
    case "drain":
      server.close(() => say({ kind: "drained" }));
      server.closeIdleConnections();
      for (const each of waiting) each();
  }
}

port.on("message", onMessage);
