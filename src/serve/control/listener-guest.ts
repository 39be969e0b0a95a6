import { connect } from "node:net";
import { SampanError } from "../../base/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import { projectSocket } from "../../engine/index.ts";
import { type Container, exitCodeOf, FileRunner, Runtime, type WasmWorkload } from "../../runtime/index.ts";
import type { WorkloadConfig } from "../config/model.ts";

/** The guest's one address in a network that it has for itself. */
const ip = "10.64.0.2";
const network = "serve";
/** The longest that a guest may take to listen, in ms, and how often it is looked for. */
const patience = 20_000;
const lookEvery = 10;

/** What runs guests that take connections themselves. */
export class ListenerGuests {
  readonly #runner = new FileRunner();
  readonly #runtime = new Runtime({ runners: { wasm: this.#runner } });
  readonly #tell: (line: string) => void;

  /** `tell` gets what guests print and how they end. */
  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /**
   * Starts a guest and keeps it running; answers the Unix socket that its port is, once it listens there.
   *
   * @throws SERVE_NO_HANDLER where it does not listen, and what starting it throws
   */
  async start(workload: WorkloadConfig, folder: string): Promise<ListenerGuest> {
    const { name, file, args, grants, limits, guestPort, cordon } = workload;
    const {
      requestDeadline: _deadline,
      startDeadline: _start,
      maxConcurrent: _most,
      maxQueue: _queue,
      ...instance
    } = limits;
    const data: WasmWorkload = {
      module: file,
      args,
      grants: withPort(grants, guestPort),
      limits: instance,
      // Never this thread: it has the workers to look after.
      cordon: cordon === "process" ? "process" : "thread",
      network: {
        folder,
        self: { addresses: [{ network, ip }], names: [name] },
        hosts: [],
        // The front alone reaches it, by its Unix socket.
        published: [],
      },
    };
    const container = await this.#runtime.create({
      workload: { kind: "wasm", data },
      restart: { name: "always" },
      stopTimeout: 2_000,
    });
    void this.#forward(name, container);
    await container.start();
    const path = projectSocket(folder, { ip, protocol: "tcp", port: guestPort });
    await listening(container, path, { name, guestPort });
    return { path, close: () => container.delete({ force: true }) };
  }

  /** Ends all guests. */
  async close(): Promise<void> {
    await this.#runtime.close({ timeout: 1_000 });
    await this.#runner.close();
  }

  async #forward(name: string, container: Container): Promise<void> {
    for await (const entry of container.logs({ follow: true })) this.#tell(`${name} | ${entry.text.trimEnd()}`);
  }
}

/** A guest that listens. */
export interface ListenerGuest {
  readonly path: string;
  readonly close: () => Promise<void>;
}

/** It may listen on the port that requests go to: who has it served wants that. */
function withPort(grants: Grants, port: number): Grants {
  const listen = [...grants.net.listen, { ports: { first: port, last: port } }];
  return { ...grants, net: { ...grants.net, listen } };
}

async function listening(
  container: Container,
  path: string,
  { name, guestPort }: { readonly name: string; readonly guestPort: number },
): Promise<void> {
  const until = Date.now() + patience;
  while (!(await isListening(path))) {
    const { status, ending } = container.inspect().state;
    const hasEnded = ending !== undefined && (status === "exited" || status === "restarting");
    if (!hasEnded && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, lookEvery));
      continue;
    }
    const how = hasEnded ? `it ended with ${exitCodeOf(ending)}` : `it has not begun to after ${patience / 1000} s`;
    await container.delete({ force: true });
    throw new SampanError(
      "SERVE_NO_HANDLER",
      `Cannot serve "${name}": it does not listen on its port ${guestPort}; ${how}`,
      {
        hint: "name the port that it listens on with --guest-port N (in a file: guest-port: N)",
      },
    );
  }
}

/** Whether somebody takes connections there: the socket is there before that. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
