import type { FileCalls } from "../file-calls.ts";
import { createNativeCalls } from "../native-calls.ts";
import { createWalkCalls } from "../walk-calls.ts";
import type { AttackCase, AttackReport, AttackTarget, Setting } from "./attack.ts";
import { Attacker } from "./attacker.ts";
import { HostTarget } from "./host-target.ts";
import { Preview1Target } from "./preview1-target.ts";
import { Wasi02Target } from "./wasi02-target.ts";
import { WeakHost } from "./weak-host.ts";
import type { World } from "./world.ts";

/** Implementations of the file calls by name; undefined where this system has not got one. */
export const implementations: Readonly<Record<string, () => FileCalls | undefined>> = {
  openat2: createNativeCalls,
  walk: () => createWalkCalls(),
  "walk that owns its process": () => createWalkCalls({ ownsProcess: true }),
  "walk without /proc": () => createWalkCalls({ procPath: false }),
};

/** Ways for a guest to make its calls: a later ABI adds its target here. */
export const abis: Readonly<Record<string, (calls: FileCalls, world: World) => AttackTarget>> = {
  host: (calls, world) => new HostTarget(calls, world),
  preview1: (calls, world) => new Preview1Target(calls, world, "wasi_snapshot_preview1"),
  "preview1 unstable": (calls, world) => new Preview1Target(calls, world, "wasi_unstable"),
  "wasi 0.2": (calls, world) => new Wasi02Target(calls, world),
};

/** An implementation by way of an ABI. */
export type HostSetting = Exclude<Setting, "weak">;

/** All settings of this system but for the weak one. */
export function settings(): HostSetting[] {
  const present = Object.keys(implementations).filter((name) => implementations[name]?.() !== undefined);
  return present.flatMap((implementation) => Object.keys(abis).map((abi) => ({ implementation, abi })));
}

/** Issues an attack in this thread. */
export async function issue(attack: AttackCase, setting: Setting, world: World): Promise<AttackReport> {
  const attacker = new Attacker(makeTarget(attack, setting, world), world, setting);
  try {
    await attack.attempt(attacker, world);
  } catch (error) {
    attacker.report.crash = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  attacker.target.dispose();
  return attacker.report;
}

/** A fresh guest of a setting. */
export function makeTarget(attack: AttackCase, setting: Setting, world: World): AttackTarget {
  if (setting === "weak") return new WeakHost(world, attack.weakness ?? "prefix");
  const calls = implementations[setting.implementation]?.();
  const make = abis[setting.abi];
  if (calls === undefined || make === undefined) throw new TypeError(`No setting ${JSON.stringify(setting)}`);
  return make(calls, world);
}
