import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { defaultGrants, type Grants } from "../../capabilities/index.ts";
import { type HostInstance, type HostOptions, HostWorkload } from "../../host/index.ts";
import { createWasi02, Wasi02Context } from "./index.ts";

/** The error case of a call's result. */
export class Answered extends Error {
  readonly payload: unknown;
  constructor(payload: unknown) {
    super(
      `answered ${typeof payload === "string" ? payload : ((payload as { tag?: string } | undefined)?.tag ?? "an error")}`,
    );
    this.payload = payload;
  }
}

export interface Wasi02Fixture {
  readonly context: Wasi02Context;
  readonly host: HostInstance;
  /** A fresh host folder, granted as `/data`. */
  readonly folder: string;
  /** Calls `interface#function`, its package's version left out. */
  readonly call: (name: string, ...values: readonly unknown[]) => unknown;
  /** The granted folder's descriptor. */
  readonly root: unknown;
}

export interface FixtureOptions {
  readonly grants?: Partial<Grants>;
  readonly host?: HostOptions;
  readonly features?: readonly string[];
  readonly access?: "read-only" | "read-write";
  readonly trace?: (line: string) => void;
}

/** An instance of WASI 0.2 by itself, with one granted folder; it goes with the test. */
export function createFixture({ grants, host: options, features, access, trace }: FixtureOptions = {}): Wasi02Fixture {
  const folder = mkdtempSync(join(tmpdir(), "sampan-wasi02-"));
  const files = [{ host: folder, guest: "/data", access: access ?? "read-write" }] as const;
  const workload = new HostWorkload({ ...defaultGrants, files, ...grants }, options);
  const host = workload.createInstance();
  const context = new Wasi02Context({
    args: ["program", "first"],
    makeError: (payload) => new Answered(payload),
    features: new Set(features),
    trace,
  });
  context.attach(host, { suspends: options?.waits === "suspend" });
  const provide = createWasi02({ context });
  after(() => {
    host.close();
    workload.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const call = (name: string, ...values: readonly unknown[]): unknown => {
    const [itsInterface = "", function_ = ""] = name.split("#");
    const found = provide(`wasi:${itsInterface}@0.2.3`, function_);
    if (found === undefined) throw new TypeError(`No function "${name}"`);
    return (found.call as (...given: readonly unknown[]) => unknown)(...values);
  };
  const fixture: Wasi02Fixture = {
    context,
    host,
    folder,
    call,
    get root() {
      return (call("filesystem/preopens#get-directories") as [unknown, string][])[0]?.[0];
    },
  };
  return fixture;
}
