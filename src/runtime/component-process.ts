import { SampanError } from "../base/index.ts";
import { type Engine, grantsOf } from "../engine/index.ts";
import type { WasmWorkload } from "./engine-runner.ts";
import { type Ending, endingOfThrown, type Process, type ProcessIo, type TrapFrame } from "./process.ts";
import { type SignalName, signalNumber } from "./signals.ts";

/** A component as it was read. */
export interface LoadedComponent {
  readonly kind: "component";
  readonly name: string;
  /** Its path. */
  readonly file: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Starts a command that is a component (`wasi:cli/run`), in a thread of its own where it asks for no process: one that waits
 * does not hold others up, and one that spins can be ended.
 *
 * @throws GUEST_EXPORT_MISSING where it is no command, and what instantiating it throws
 */
export async function startComponent(
  engine: Engine,
  { name, bytes, file }: LoadedComponent,
  { workload, io }: { readonly workload: WasmWorkload; readonly io: Required<ProcessIo> },
): Promise<Process> {
  const { args = [name], grants, limits = {}, network, cordon } = workload;
  const data = { name, kind: "component", bytes, file, grants: await grantsOf(grants), limits, args } as const;
  const stdio = io.stdin === undefined ? { stdout: io.stdout, stderr: io.stderr } : { ...io, stdin: io.stdin };
  const placed = await engine.placeElsewhere(
    { data: { ...data, features: [], mode: "async" }, live: { imports: {}, stdio, network } },
    cordon === "process" ? "process" : "thread",
  );
  const command = placed.functions.find((each) => /^wasi:cli\/run(?:@[^#]*)?#run$/.test(each));
  if (command === undefined) {
    await placed.close();
    const isServed = placed.functions.some((each) => each.startsWith("wasi:http/incoming-handler@"));
    throw new SampanError(
      "GUEST_EXPORT_MISSING",
      `Cannot run "${name}": it has no "wasi:cli/run", so it is no program`,
      {
        hint: isServed
          ? `it answers HTTP requests: sampan serve ${name}`
          : `see what it exports with sampan inspect ${name}`,
      },
    );
  }
  let signal: number | undefined;
  const run = async (): Promise<Ending> => {
    try {
      await placed.invoke(command);
      return { kind: "exit", code: 0 };
    } catch (error) {
      return signal === undefined ? endingOf(error) : { kind: "signal", signal };
    } finally {
      await placed.close();
    }
  };
  const end = (by: SignalName): void => {
    signal ??= signalNumber(by);
    placed.kill();
  };
  return { exited: run(), end };
}

/** How a command ended that did not return what is right. */
function endingOf(error: unknown): Ending {
  // What `run` answers with an error is thrown, and no error of the catalog.
  if (error instanceof Error && "payload" in error) return { kind: "exit", code: 1 };
  if (!(error instanceof SampanError)) return endingOfThrown(error);
  const { code, data } = error;
  if (code === "GUEST_EXITED") {
    const { code: status, signal } = data as { readonly code: number; readonly signal?: number };
    return signal === undefined ? { kind: "exit", code: status } : { kind: "signal", signal };
  }
  if (code !== "GUEST_TRAPPED") return endingOfThrown(error);
  return { kind: "trap", message: error.message, backtrace: (data?.["backtrace"] ?? []) as readonly TrapFrame[] };
}
