import { failure } from "../../../base/index.ts";
import type { BoundStream, Connection, InternetAddress, SocketAddress } from "../backend.ts";

/** What a {@link ProjectBound} is made from. */
export interface ProjectBoundParts {
  readonly address: InternetAddress;
  /** The project's sockets and the machine's published ports. */
  readonly bound: readonly BoundStream[];
  readonly connect: (to: SocketAddress, fromPort: number) => Connection;
  /** Called when it begins to listen, and when that ends. */
  readonly onListen: (isListening: boolean) => void;
}

/** A guest's place in its project: on each address that it has there, and on the machine where its port is published. */
export class ProjectBound implements BoundStream {
  readonly address: InternetAddress;
  readonly #parts: ProjectBoundParts;
  #state: "bound" | "listening" | "over" = "bound";

  constructor(parts: ProjectBoundParts) {
    this.#parts = parts;
    this.address = parts.address;
  }

  listen(backlog: number, accepted: (connection: Connection) => void): void {
    if (this.#state !== "bound") throw failure("inval");
    this.#state = "listening";
    for (const each of this.#parts.bound) each.listen(backlog, accepted);
    this.#parts.onListen(true);
  }

  connect(to: SocketAddress): Connection {
    if (this.#state !== "bound") throw failure("inval");
    this.close();
    return this.#parts.connect(to, this.address.port);
  }

  close(): void {
    if (this.#state === "listening") this.#parts.onListen(false);
    if (this.#state !== "over") for (const each of this.#parts.bound) each.close();
    this.#state = "over";
  }
}
