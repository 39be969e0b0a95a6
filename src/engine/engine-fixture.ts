import { readFileSync } from "node:fs";
import { defaultGrants, type Grants } from "../capabilities/index.ts";
import type { HostOptions } from "../host/index.ts";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import type { RunRequest } from "./run.ts";

/** The bytes of one of our own guests. */
export async function guestBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(readFileSync(await compileOwnGuest(name)));
}

/** What is granted where a test wants no line on its own streams. */
export const silent: Grants = { ...defaultGrants, stdio: [] };

/** A request to run a module with an argv, silently. */
export function requestOf(
  bytes: Uint8Array<ArrayBuffer>,
  { args = [], ...more }: Partial<RunRequest> & { readonly args?: readonly string[] } = {},
): RunRequest {
  const limits = {};
  return {
    bytes,
    name: "guest.wasm",
    args: ["guest", ...args],
    grants: silent,
    limits,
    trace: false,
    learn: false,
    ...more,
  };
}

/** Standard streams that keep what is written. */
export function keptStdio(): { stdio: NonNullable<HostOptions["stdio"]>; output: { stdout: string; stderr: string } } {
  const output = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr") => ({
    write(bytes: Uint8Array): number {
      output[name] += Buffer.from(bytes).toString();
      return bytes.length;
    },
    ready: () => true as const,
    close: () => {},
  });
  const stdin = { read: () => 0, ready: () => true as const, cancel: () => {} };
  return { stdio: { stdin, stdout: sink("stdout"), stderr: sink("stderr") }, output };
}

/** A section of a module, of less than 16 KiB. */
export function section(id: number, ...content: readonly number[]): number[] {
  return [id, (content.length & 0x7f) | 0x80, content.length >> 7, ...content];
}

/** A text as a module has it. */
export function named(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}

/** A module of these sections. */
export function moduleOf(...sections: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}

/** `spin`, an endless loop, and `increment`, of one i32. */
export const spinModule: Uint8Array<ArrayBuffer> = moduleOf(
  section(1, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f),
  section(3, 2, 0, 1),
  section(7, 2, ...named("spin"), 0, 0, ...named("increment"), 0, 1),
  section(10, 2, 7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b, 7, 0, 0x20, 0, 0x41, 1, 0x6a, 0x0b),
);

/** `hoard` makes structures of V8's heap for ever and keeps them all; `answer` is 42. */
export const hoarderModule: Uint8Array<ArrayBuffer> = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  // (type $s (struct (field (ref null $s)))), (func), (func (result i32))
  1, 13, 3, 0x5f, 1, 0x63, 0, 0, 0x60, 0, 0, 0x60, 0, 1, 0x7f, 3, 3, 2, 1, 2,
  // (global (mut (ref null $s)) (ref.null $s))
  6, 7, 1, 0x63, 0, 1, 0xd0, 0, 0x0b, 7, 18, 2, 5, 0x68, 0x6f, 0x61, 0x72, 0x64, 0, 0, 6, 0x61, 0x6e, 0x73, 0x77, 0x65,
  0x72, 0, 1, 10, 21, 2, 14, 0, 0x03, 0x40, 0x23, 0, 0xfb, 0, 0, 0x24, 0, 0x0c, 0, 0x0b, 0x0b, 4, 0, 0x41, 42, 0x0b,
]);
