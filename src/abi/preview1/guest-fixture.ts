import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { compileOwnGuest } from "../../../guests/toolchain.ts";
import { defaultGrants, type Grants } from "../../capabilities/index.ts";
import { type HostInstance, HostWorkload, type StdioChannels } from "../../host/index.ts";
import { planCalls } from "../bind.ts";
import { type GuestOutcome, Preview1Context } from "../preview1-context.ts";
import { preview1 } from "./index.ts";

/** `(module (func (export "trap") unreachable))`. */
const trapModule = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 0x74, 0x72, 0x61, 0x70, 0, 0, 0x0a,
  5, 1, 3, 0, 0x00, 0x0b,
]);

/** Never returns: a trap that Wasm executes. */
export function trap(): never {
  const { trap: entry } = new WebAssembly.Instance(new WebAssembly.Module(trapModule)).exports;
  (entry as () => void)();
  assert.fail("a trap returned");
}

/** The error object of a trap. */
export function trapError(): WebAssembly.RuntimeError {
  try {
    return trap();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return error;
    throw error;
  }
}

/** What a guest is started with. */
export interface StartOptions {
  readonly args?: readonly string[];
  readonly grants?: Partial<Grants>;
  readonly stdio?: StdioChannels;
  /** What stands in for the host's wait for the first of several things. */
  readonly poll?: HostInstance["poll"];
}

/** A C guest of `guests/` bound async. */
export class AsyncGuest {
  readonly context: Preview1Context;
  outcome: GuestOutcome | undefined;
  /** What `_start` came to: undefined, or what it threw. */
  readonly ended: Promise<unknown>;
  readonly instance: WebAssembly.Instance;

  constructor(module: WebAssembly.Module, { args = [], grants, stdio = {}, poll }: StartOptions = {}) {
    const workload = new HostWorkload({ ...defaultGrants, ...grants }, { waits: "suspend" });
    const host = workload.createInstance({ stdio });
    if (poll !== undefined) host.poll = poll;
    const end = (outcome: GuestOutcome): never => {
      this.outcome = outcome;
      return trap();
    };
    this.context = new Preview1Context({ host, args: ["guest", ...args], end });
    const names = WebAssembly.Module.imports(module).map(({ name }) => name);
    const rows = names.map((name) => [name, preview1[name] ?? assert.fail(name)] as const);
    const bound = planCalls(rows, { mode: "async" })(this.context);
    const imports = Object.fromEntries(names.map((name, index) => [name, bound[index] ?? assert.fail(name)]));
    this.instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports });
    const { memory, _start } = this.instance.exports;
    this.context.memory.attach(memory as WebAssembly.Memory);
    this.ended = WebAssembly.promising(_start as () => void)()
      .then(
        () => undefined,
        (error: unknown) => error,
      )
      .finally(() => host.close());
  }
}

/** Compiles a guest of `guests/`. */
export async function moduleOf(name: string): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(readFileSync(await compileOwnGuest(name)));
}
