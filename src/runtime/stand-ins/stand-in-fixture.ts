import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { once } from "node:events";
import { createServer } from "node:net";
import type { TestContext } from "node:test";
import { type ByteSink, SampanError } from "../../base/index.ts";
import { type ProjectNetworkConfig, projectSocket } from "../../engine/index.ts";
import type { Process } from "../process.ts";
import { StandInRunner } from "./runner.ts";
import type { StandInFamily, StandInMount, StandInWorkload } from "./workload.ts";

/** A log that a test reads. */
export class TestLog implements ByteSink {
  text = "";
  readonly #waiting = new Set<() => void>();

  write(bytes: Uint8Array): number {
    this.text += Buffer.from(bytes).toString("utf8");
    for (const look of this.#waiting) look();
    return bytes.length;
  }

  ready(): true {
    return true;
  }

  close(): void {}

  /** Resolves once a line is there. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text))
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#waiting.delete(look);
          resolve();
        };
        this.#waiting.add(look);
      });
  }
}

/** A folder of a test's, removed with it. */
export function testFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "stand-in-"));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Files by path, in a folder of a test's; its path. */
export function filesIn(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const folder = testFolder(t);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** The network of a stand-in at 10.64.0.2 with a peer at 10.64.0.3. */
export function networkIn(folder: string, published: ProjectNetworkConfig["published"] = []): ProjectNetworkConfig {
  const hosts = [
    { name: "standin", network: "default", ip: "10.64.0.2" },
    { name: "peer", network: "default", ip: "10.64.0.3" },
    { name: "far", network: "other", ip: "10.65.0.2" },
  ];
  return { folder, self: { addresses: [{ network: "default", ip: "10.64.0.2" }], names: [] }, hosts, published };
}

/** The network of the peer of {@link networkIn}. */
export function peerOf(network: ProjectNetworkConfig): ProjectNetworkConfig {
  return { ...network, self: { addresses: [{ network: "default", ip: "10.64.0.3" }], names: [] }, published: [] };
}

/** What a stand-in is started with besides its family. */
export interface StandInGiven {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly mounts?: readonly StandInMount[];
  readonly network?: ProjectNetworkConfig;
}

/** A stand-in that was started. */
export interface StartedStandIn {
  readonly process: Process;
  readonly network: ProjectNetworkConfig;
  readonly stdout: TestLog;
  readonly stderr: TestLog;
  socket(port: number): string;
}

/** Starts a stand-in, which ends with its test. */
export async function startStandIn(
  t: TestContext,
  family: StandInFamily,
  { env = {}, args = [], mounts = [], network = networkIn(testFolder(t)) }: StandInGiven,
): Promise<StartedStandIn> {
  const data: StandInWorkload = { family, reference: `${family}:test`, env, args, mounts, network };
  const [stdout, stderr] = [new TestLog(), new TestLog()];
  const process = await new StandInRunner().start({ kind: "stand-in", data }, { stdin: undefined, stdout, stderr });
  t.after(async () => {
    process.end("SIGKILL");
    await process.exited;
  });
  const socket = (port: number): string => projectSocket(network.folder, { ip: "10.64.0.2", protocol: "tcp", port });
  return { process, network, stdout, stderr, socket };
}

/** Resolves once it is ready; rejects with how it ended where it ends before. */
export async function untilReady({ process, stderr }: StartedStandIn): Promise<void> {
  const ended = await Promise.race([process.ready, process.exited]);
  if (ended === undefined) return;
  throw new Error(`It ended before it was ready: ${JSON.stringify(ended)}\n${stderr.text}`);
}

/** The message of the error that a stand-in refuses to start with, or ends with before it is ready. */
export async function refusalOf(t: TestContext, family: StandInFamily, given: StandInGiven): Promise<string> {
  try {
    const started = await startStandIn(t, family, given);
    const ending = await Promise.race([started.process.exited, started.process.ready]);
    if (ending?.kind === "error") return `${ending.error.code}: ${ending.error.message}`;
    return JSON.stringify(ending ?? "it became ready");
  } catch (error) {
    if (error instanceof SampanError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

/** A writable mount. */
export function mountOf(source: string, target: string): StandInMount {
  return { source, target, readOnly: false };
}

/** A port of loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
