import type { BoundSocket, Socket } from "node:net";
import { nativeOrUndefined } from "../../../base/native.ts";
import type { InternetAddress } from "../backend.ts";
import { socketModules } from "../direct.ts";
import { pathOption } from "../node-bound.ts";
import { familyOf, parsePlace } from "../place.ts";

/** What the one end of a connection is bound to, so that the other end can ask who it is. */
export interface NamedEnd {
  readonly place: InternetAddress;
  /** Undefined where the system has no such names; the place is then known on this side alone. */
  readonly handle: BoundSocket | undefined;
}

const firstPort = 32_768;
const portCount = 28_232;
const mostTries = 16;

/** Bytes of sockaddr_un and of the length before it, which a call of the kernel's fills. */
const nameSize = 110;

/**
 * Names the near end of connections by their place in the project: Linux has names for Unix sockets that are in no folder and
 * go with the socket (unix(7), "abstract"). Folder and place are in the name, so that other projects' differ.
 */
export class Peers {
  readonly #prefix: string;
  #next = Math.floor(Math.random() * portCount);
  #scratch: { readonly bytes: Uint8Array; readonly address: bigint } | undefined;

  constructor(folder: string) {
    this.#prefix = `\0${folder.slice(-40)} `;
  }

  /** A name for the near end of a connection from an address, with that port or a free one. */
  name(address: string, port = 0): NamedEnd {
    const family = familyOf(address);
    for (let tries = 0; ; tries++) {
      const number = port === 0 ? firstPort + (this.#next++ % portCount) : port;
      const place = { family, address, port: number };
      if (process.platform !== "linux" || tries === mostTries) return { place, handle: undefined };
      try {
        const handle = new socketModules.net.BoundSocket(pathOption(`${this.#prefix}${textOf(place)}`));
        return { place, handle };
      } catch {
        if (port !== 0) return { place, handle: undefined };
      }
    }
  }

  /** Who is at the far end of a connection that came: undefined for one that has no name of this project. */
  read(socket: Socket): InternetAddress | undefined {
    const native = nativeOrUndefined();
    const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
    if (native === undefined || handle?.fd === undefined) return undefined;
    const { bytes, address } = (this.#scratch ??= native.allocate(4 + nameSize));
    new DataView(bytes.buffer).setUint32(0, nameSize, true);
    if (native.c.getpeername(handle.fd, address + 4n, address) < 0) return undefined;
    const length = Math.min(new DataView(bytes.buffer).getUint32(0, true), nameSize);
    const name = Buffer.from(bytes.buffer, 6, Math.max(0, length - 2)).toString("utf8");
    return name.startsWith(this.#prefix) ? parsePlace(name.slice(this.#prefix.length), 0) : undefined;
  }
}

function textOf({ family, address, port }: InternetAddress): string {
  return family === "ipv4" ? `${address}:${port}` : `[${address}]:${port}`;
}
