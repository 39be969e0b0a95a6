import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { isIPv6 } from "node:net";

/** Tries whether a TCP port of the host can be had, and answers the port (a free one for 0), or why it cannot. */
export function tryPort(address: string, port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === "object" && bound !== null ? bound.port : port));
    });
  });
}

/** A process that has a port. */
export interface PortOwner {
  readonly pid: number;
  readonly command: string;
}

/** Who listens on a TCP port, where this is Linux and the process is the user's own. */
export function portOwner(port: number): PortOwner | undefined {
  const inodes = new Set([...listeners("/proc/net/tcp", port), ...listeners("/proc/net/tcp6", port)]);
  if (inodes.size === 0) return undefined;
  for (const pid of numbersIn("/proc")) {
    for (const fd of numbersIn(`/proc/${pid}/fd`)) {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`)) ?? [];
      if (inode === undefined || !inodes.has(inode)) continue;
      const command = readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
      return { pid: Number(pid), command: command || readText(`/proc/${pid}/comm`).trim() };
    }
  }
  return undefined;
}

/** How an address and a port are written together. */
export function hostAndPort(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

const listening = "0A";

/** The inodes of the sockets that listen on a port. */
function listeners(file: string, port: number): string[] {
  return readText(file)
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => state === listening && Number.parseInt(local.split(":")[1] ?? "", 16) === port)
    .flatMap((fields) => fields[9] ?? []);
}

function numbersIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
