import { readModuleImports } from "../wasm/index.ts";
import type { RunRequest } from "./run.ts";

/** Whether a module talks to the network, and was granted some of it: it then waits without its thread. */
export function usesNetwork({ bytes, grants: { net } }: RunRequest): boolean {
  const isGranted = net.dns || net.connect.length > 0 || net.listen.length > 0 || net.publish.length > 0;
  return isGranted && socketCalls(bytes).length > 0;
}

/** Whether a module takes connections and cannot open a socket by itself: it begins with those that it may listen on. */
export function wantsListeners(bytes: Uint8Array): boolean {
  const calls = socketCalls(bytes);
  return calls.includes("sock_accept") && !calls.includes("sock_open");
}

/** The names of the calls for sockets that a module imports; none of what is no module. */
export function socketCalls(bytes: Uint8Array): string[] {
  try {
    return readModuleImports(bytes).flatMap(({ name }) => (name.startsWith("sock_") ? [name] : []));
  } catch {
    return [];
  }
}
