import { Preview1Context } from "../../abi/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import { GuestEnd, HostWorkload } from "../../host/index.ts";
import type { ImportInfo } from "../../wasm/index.ts";
import { ImportPlan, type PlannedImport } from "../import-plan.ts";
import type { GuestData } from "./protocol.ts";

type CoreFunction = (...args: (number | bigint)[]) => number;

/** Bytes of one subscription of a poll, and where its type lies, by the module that poll_oneoff is imported from. */
const subscriptionSizes: Readonly<Record<string, number>> = { wasi_snapshot_preview1: 48, wasi_unstable: 56 };
const subscriptionType = 8;
const clockType = 0;

/**
 * Of a module's imports those that each thread answers by itself, without a way to the thread that has the host: they need
 * nothing that threads share. What is refused, or watched, or drawn from a seed, is the host's to answer.
 */
export function localImports(
  imports: readonly ImportInfo[],
  grants: Grants,
  { isWatched }: { readonly isWatched: boolean },
): ImportInfo[] {
  if (isWatched) return [];
  const clocks = grants.clock.kind === "none" ? [] : ["clock_time_get", "clock_res_get", "poll_oneoff"];
  const names = new Set(["sched_yield", ...clocks, ...(grants.random.kind === "system" ? ["random_get"] : [])]);
  return imports.filter(
    ({ module, name, kind }) => kind === "function" && Object.hasOwn(subscriptionSizes, module) && names.has(name),
  );
}

/** Binds {@link localImports}; a poll that is for more than clocks goes to `forwarded`. */
export function bindLocal(
  { local, grants, memories }: Pick<GuestData, "local" | "grants" | "memories">,
  forwarded: (planned: PlannedImport) => WebAssembly.ImportValue | undefined,
): (PlannedImport & { readonly answer: WebAssembly.ImportValue })[] {
  const memory = memories[0]?.memory;
  if (local.length === 0 || memory === undefined) return [];
  const { workdir: _none, ...rest } = grants;
  const workload = new HostWorkload({ ...rest, files: [], stdio: [] });
  const context = new Preview1Context({
    host: workload.createInstance(),
    args: [],
    end: (outcome) => {
      throw outcome.kind === "bug" ? outcome.error : new GuestEnd(outcome);
    },
  });
  context.memory.attach(memory);
  const bound = new ImportPlan(local, "").bind(context, {
    mode: "sync",
    fail: (outcome) => {
      throw outcome.kind === "bug" ? outcome.error : new GuestEnd(outcome);
    },
  });
  return local.flatMap(({ module, name }) => {
    const here = bound[module]?.[name];
    if (here === undefined) return [];
    const there = forwarded({ module, name });
    if (name !== "poll_oneoff") return [{ module, name, answer: here }];
    const waitsOnClocks = (at: number, count: number): boolean => {
      const size = subscriptionSizes[module] ?? 0;
      const bytes = new Uint8Array(memory.buffer);
      // What lies outside is told by the call itself.
      for (let index = 0; index < count; index++) {
        if (bytes[at + index * size + subscriptionType] !== clockType) return false;
      }
      return true;
    };
    const answer: CoreFunction = (...args) => {
      const at = Number(args[0]) >>> 0;
      const count = Number(args[2]) >>> 0;
      const chosen = (waitsOnClocks(at, count) ? here : there) as CoreFunction;
      return chosen(...args);
    };
    return [{ module, name, answer }];
  });
}
