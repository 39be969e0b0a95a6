import { linkSync, lstatSync, mkdirSync, readFileSync, realpathSync, renameSync, unlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { failure, failureOfNode, HostError, SampanError } from "../../../base/index.ts";
import { socketModules } from "../direct.ts";
import { NodeBound } from "../node-bound.ts";
import type { SeenPlaces } from "../node-connection.ts";
import { projectSocket } from "./config.ts";

/** Most bytes of a folder's path: with an address and a port behind it, a Unix socket's has room for 107. */
const mostPathBytes = 80;
const freePorts = { first: 32_768, count: 28_232 };
const mostTries = 64;

/** A port of the project's. */
export interface ProjectPort {
  readonly ip: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** Whether the guest alone reaches it, because it is on the guest's loopback. */
  readonly isOwn?: boolean;
}

/** The Unix sockets that a project's ports are, in a folder that belongs to this user alone. */
export class Registry {
  readonly folder: string;

  /** @throws NETWORK_FOLDER where others may enter the folder, or its path is too long for sockets in it */
  constructor(folder: string) {
    this.folder = checkedFolder(folder);
  }

  pathOf({ isOwn = false, ...port }: ProjectPort): string {
    const path = projectSocket(this.folder, port);
    return isOwn ? join(dirname(path), `own-${basename(path)}`) : path;
  }

  /** Whether something has a port; it may have ended without giving it back. What is there and no socket of ours is nothing. */
  has(port: ProjectPort): boolean {
    const path = this.pathOf(port);
    return isOurs(dirname(path), "folder") && isOurs(path, "socket");
  }

  /**
   * Takes a port. One that a process left behind that ended without a word is taken over; which has it is asked of the kernel.
   *
   * @throws HostError addrinuse
   */
  bind(port: ProjectPort, seen?: (socket: Socket) => SeenPlaces): NodeBound {
    const path = this.pathOf(port);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (!isOurs(dirname(path), "folder")) throw failure("acces");
    const bind = (): NodeBound => new NodeBound(socketModules.net, { family: "unix", path }, seen);
    try {
      return bind();
    } catch (error) {
      if (!(error instanceof HostError) || error.errno !== "addrinuse" || isListening(path)) throw error;
      setAside(path);
      return bind();
    }
  }

  /** Takes one number on several addresses at once, any where it is 0. @throws HostError addrinuse */
  bindAll(
    ports: readonly ProjectPort[],
    seen?: (port: ProjectPort) => (socket: Socket) => SeenPlaces,
  ): readonly { readonly port: ProjectPort; readonly bound: NodeBound }[] {
    const isFixed = ports.every(({ port }) => port !== 0);
    for (let tries = 0; ; tries++) {
      const free = freePorts.first + Math.floor(Math.random() * freePorts.count);
      const taken: { port: ProjectPort; bound: NodeBound }[] = [];
      try {
        for (const each of ports) {
          const port = isFixed ? each : { ...each, port: free };
          taken.push({ port, bound: this.bind(port, seen?.(port)) });
        }
        return taken;
      } catch (error) {
        for (const { bound } of taken) bound.close();
        if (isFixed || tries === mostTries || !(error instanceof HostError)) throw failureOfNode(error) ?? error;
      }
    }
  }
}

function checkedFolder(folder: string): string {
  const refuse = (why: string, hint: string): never => {
    throw new SampanError("NETWORK_FOLDER", `Cannot keep a project's network in "${folder}": ${why}`, { hint });
  };
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) return refuse("there is no such folder", "make it with mode 0700");
  const isOwn = process.getuid === undefined || found.uid === process.getuid();
  if (!isOwn || (found.mode & 0o077) !== 0) return refuse("others may enter it", "give it mode 0700");
  const real = realpathSync(folder);
  if (Buffer.byteLength(real) > mostPathBytes) {
    const long = `its path has ${Buffer.byteLength(real)} bytes, and ${mostPathBytes} leave room for a socket's name`;
    return refuse(long, "set XDG_RUNTIME_DIR to a folder with a short path");
  }
  return real;
}

function isOurs(path: string, kind: "folder" | "socket"): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || (process.getuid !== undefined && found.uid !== process.getuid())) return false;
  return kind === "folder" ? found.isDirectory() : found.isSocket();
}

/** Whether a process has the socket of that path; where the kernel does not tell, it is taken to. */
function isListening(path: string): boolean {
  try {
    return readFileSync("/proc/net/unix", "latin1").includes(` ${Buffer.from(path).toString("latin1")}\n`);
  } catch {
    return true;
  }
}

/** Takes a socket out of the way that nobody has any more. @throws HostError addrinuse where somebody was quicker */
function setAside(path: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    // Another may have done the same since and has the path now: that one is put back.
    const isAnothers = isListening(path);
    if (isAnothers) linkSync(aside, path);
    unlinkSync(aside);
    if (isAnothers) throw failure("addrinuse");
  } catch (error) {
    throw failure(failureOfNode(error)?.errno === "exist" ? "addrinuse" : (failureOfNode(error)?.errno ?? "io"));
  }
}
