import { rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { SampanError } from "../../base/index.ts";
import { type ProjectNetworkConfig, projectSocket } from "../../engine/index.ts";
import { type Ending, endingOfThrown, type Process } from "../process.ts";
import { type SignalName, signalNumber } from "../signals.ts";
import type { Child } from "./child.ts";

/** What a {@link StandInProcess} is made from. */
export interface StandInParts {
  /** Does all of it: starts children by way of `add`, calls `ready`, answers how it ended. */
  readonly run: (stage: Stage) => Promise<Ending>;
  /** The ports that it has. */
  readonly ports: readonly number[];
  readonly network: ProjectNetworkConfig;
  /** Called once all is over. */
  readonly clean?: () => void;
  /** Whether something that answers there is the stand-in as it should be; connecting is enough where it is left out. */
  readonly isWell?: (path: string) => Promise<boolean>;
}

/** What a stand-in's run has of its process. */
export interface Stage {
  /** Takes in a child, which signals go to from then on. @throws STAND_IN_ENDED where it is to end already */
  readonly add: (child: Child) => Child;
  readonly ready: () => void;
}

/** A stand-in as the runtime sees it: one or more processes, one after the other or together. */
export class StandInProcess implements Process {
  readonly exited: Promise<Ending>;
  readonly ready: Promise<void>;
  readonly #parts: StandInParts;
  readonly #children = new Set<Child>();
  #wanted: { readonly signal: SignalName; readonly isHard: boolean } | undefined;
  #isReady = false;

  constructor(parts: StandInParts) {
    this.#parts = parts;
    let ready = (): void => {};
    this.ready = new Promise((resolve) => {
      ready = resolve;
    });
    this.exited = this.#run(() => {
      this.#isReady = true;
      ready();
    });
  }

  /** The well-known three end it cleanly; of others it knows nothing. */
  deliver(signal: SignalName): boolean {
    if (signal !== "SIGTERM" && signal !== "SIGINT" && signal !== "SIGQUIT") return false;
    this.#wanted ??= { signal, isHard: false };
    for (const child of this.#children) child.signal("SIGTERM");
    return true;
  }

  end(signal: SignalName): void {
    this.#wanted = { signal, isHard: true };
    for (const child of this.#children) child.end(signal);
  }

  async probe(): Promise<boolean> {
    const { ports, network, isWell = canConnect } = this.#parts;
    const [ip] = network.self.addresses;
    if (!this.#isReady || ip === undefined) return false;
    const all = ports.map((port) => isWell(projectSocket(network.folder, { ip: ip.ip, protocol: "tcp", port })));
    return (await Promise.all(all)).every((is) => is);
  }

  async #run(ready: () => void): Promise<Ending> {
    const { run, ports, network, clean } = this.#parts;
    const add = (child: Child): Child => {
      this.#children.add(child);
      void child.exited.then(() => this.#children.delete(child));
      if (this.#wanted?.isHard === true) child.end(this.#wanted.signal);
      else if (this.#wanted !== undefined) child.signal("SIGTERM");
      return child;
    };
    let ending: Ending;
    try {
      ending = await run({ add, ready });
    } catch (error) {
      const isEnded = error instanceof SampanError && error.code === "STAND_IN_ENDED";
      const { signal } = this.#wanted ?? {};
      // What goes wrong because it is to end is no failure.
      if (signal !== undefined) ending = { kind: "signal", signal: signalNumber(signal) };
      else ending = isEnded ? (error.data as { ending: Ending }).ending : endingOfThrown(error);
      for (const child of this.#children) child.end("SIGKILL");
    }
    await Promise.all([...this.#children].map(({ exited }) => exited));
    this.#isReady = false;
    const paths = network.self.addresses.flatMap(({ ip }) =>
      ports.map((port) => projectSocket(network.folder, { ip, protocol: "tcp", port })),
    );
    // One that answers is another's, because of which this one could not begin.
    for (const path of paths) if (!(await canConnect(path))) rmSync(path, { force: true });
    clean?.();
    return ending;
  }
}

/** Whether something takes connections on a Unix socket. */
export function canConnect(path: string): Promise<boolean> {
  return greets(path, { bytes: 0 });
}

/** Whether something takes connections on a Unix socket, and says so many bytes at once. */
export function greets(path: string, { bytes }: { readonly bytes: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.setTimeout(5_000, () => done(false));
    socket.on("error", () => done(false));
    socket.on("end", () => done(false));
    if (bytes === 0) socket.on("connect", () => done(true));
    else socket.on("data", (chunk) => done(chunk.length >= bytes));
  });
}

/** Puts a port on the machine where it is published, in front of a Unix socket. @throws NETWORK_PORT */
export async function forwardPublished(
  { published }: ProjectNetworkConfig,
  { port, path }: { readonly port: number; readonly path: string },
): Promise<() => void> {
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) server.close();
  };
  for (const { guestPort, hostIp, hostPort, protocol } of published) {
    if (guestPort !== port || protocol !== "tcp") continue;
    const server = createServer({ allowHalfOpen: true }, (outside) => {
      const inside = connect({ path, allowHalfOpen: true });
      outside.pipe(inside).pipe(outside);
      for (const [one, other] of [
        [outside, inside],
        [inside, outside],
      ] as const) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroySoon());
      }
    });
    servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => {
        close();
        const message = `Cannot publish port ${port} on ${hostIp}:${hostPort}: ${cause.message}`;
        reject(new SampanError("NETWORK_PORT", message, { cause }));
      });
      server.listen({ host: hostIp, port: hostPort }, () => {
        // From now on it is about one connection that could not be taken, for want of descriptors for one.
        server.removeAllListeners("error").on("error", () => {});
        resolve();
      });
    });
  }
  return close;
}
