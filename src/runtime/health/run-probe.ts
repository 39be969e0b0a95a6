import { request } from "node:http";
import { connect } from "node:net";
import type { Probe } from "./probe.ts";

/** What a probe is tried on. */
export interface ProbeTarget {
  /** The Unix socket that stands for a TCP port of the guest. */
  readonly socketOf: (port: number) => string;
  /** Whether the workload says that it is ready; undefined where it cannot say. */
  readonly isReady: () => Promise<boolean | undefined>;
}

/** How one probe went. */
export interface ProbeResult {
  readonly isPassed: boolean;
  /** What it saw, as one line. */
  readonly output: string;
}

const mostOutput = 200;

/** Tries a probe once; it never rejects. An aborted signal ends it as failed. */
export async function runProbe(probe: Probe, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  try {
    switch (probe.kind) {
      case "ready":
        return await askReady(target);
      case "tcp":
        return await tryConnect(probe.port, target, signal);
      case "http":
        return await tryHttp(probe, target, signal);
    }
  } catch (error) {
    return { isPassed: false, output: signal.aborted ? "it did not answer in time" : reasonOf(error) };
  }
}

async function askReady({ isReady }: ProbeTarget): Promise<ProbeResult> {
  const answer = await isReady();
  if (answer === undefined) return { isPassed: false, output: "it cannot say whether it is ready" };
  return { isPassed: answer, output: answer ? "ready" : "it is not ready yet" };
}

function tryConnect(port: number, { socketOf }: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketOf(port), signal });
    socket.once("error", (error) => reject(refusal(error, port)));
    socket.once("connect", () => {
      socket.destroy();
      resolve({ isPassed: true, output: `port ${port} is open` });
    });
  });
}

function tryHttp(
  probe: Extract<Probe, { kind: "http" }>,
  { socketOf }: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { port, path, method, headers, failsByStatus } = probe;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath: socketOf(port),
        path,
        method,
        headers: { host: `localhost:${port}`, connection: "close", ...headers },
        agent: false,
        signal,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          if (body.length < mostOutput) body += chunk;
        });
        response.once("error", reject);
        response.once("end", () => {
          const { statusCode = 0 } = response;
          const line = body.split("\n")[0]?.slice(0, mostOutput).trim() ?? "";
          const output = `HTTP ${statusCode}${line === "" ? "" : ` ${line}`}`;
          resolve({ isPassed: !failsByStatus || statusCode < 400, output });
        });
      },
    );
    sent.once("error", (error) => reject(refusal(error, port)));
    sent.end();
  });
}

function refusal(error: Error & { code?: string }, port: number): Error {
  const { code } = error;
  return code === "ENOENT" || code === "ECONNREFUSED" ? new Error(`nothing listens on port ${port}`) : error;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
