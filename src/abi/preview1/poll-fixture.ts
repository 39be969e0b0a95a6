import { type Errno, errnoTable } from "../../base/index.ts";

/** A subscription to a clock: its number, and a time in nanoseconds. */
export type Clock = { readonly clock: number; readonly timeout: bigint; readonly isAbsolute?: boolean };
/** A subscription to a descriptor. */
export type Watch = { readonly fd: number; readonly events: "read" | "write" };

/** One of preview 1's subscriptions: 48 bytes. Its user data is its place in the list, plus 100. */
export function subscription(wanted: Clock | Watch, index: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(48));
  view.setBigUint64(0, BigInt(index + 100), true);
  if ("fd" in wanted) {
    view.setUint8(8, wanted.events === "read" ? 1 : 2);
    view.setUint32(16, wanted.fd, true);
  } else {
    view.setUint32(16, wanted.clock, true);
    view.setBigUint64(24, wanted.timeout, true);
    view.setUint16(40, wanted.isAbsolute === true ? 1 : 0, true);
  }
  return new Uint8Array(view.buffer);
}

/** The same as `wasi_unstable` has it: 56 bytes, the clock behind a second copy of the user data. */
export function unstableSubscription(wanted: Clock | Watch, index: number): Uint8Array {
  const current = subscription(wanted, index);
  if ("fd" in wanted) return Buffer.concat([current, new Uint8Array(8)]);
  return Buffer.concat([current.subarray(0, 16), new Uint8Array(8).fill(0xee), current.subarray(16)]);
}

/** One event of 32 bytes. */
export function event(
  index: number,
  type: number,
  { bytes = 0n, errno }: { bytes?: bigint; errno?: Errno } = {},
): Uint8Array {
  const view = new DataView(new ArrayBuffer(32));
  view.setBigUint64(0, BigInt(index + 100), true);
  view.setUint16(8, errno === undefined ? 0 : errnoTable[errno].preview1, true);
  view.setUint8(10, type);
  view.setBigUint64(16, bytes, true);
  return new Uint8Array(view.buffer);
}
