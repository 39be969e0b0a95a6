import type { Parameter } from "../bind.ts";
import { u32 } from "../preview1-types.ts";

/** Families and types of sockets by their numbers. */
export const familyNames = ["unspec", "ipv4", "ipv6", "unix"] as const;
export const kindNames = ["any", "datagram", "stream"] as const;

/** A number that stands for one of some names. */
export function named(names: readonly string[]): Parameter<number> {
  return { ...u32, show: (value) => names[value] ?? String(value) };
}
