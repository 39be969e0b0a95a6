import { SampanError } from "../src/base/index.ts";
import {
  analyzeCode,
  readModule,
  readModuleImports,
  type rewrite,
  type RewriteOptions,
  type Rewritten,
} from "../src/wasm/index.ts";
import { encode } from "./generate/encode.ts";
import type { Plan } from "./generate/plan.ts";
import { Random } from "./random.ts";
import { mappedBy, sameOffset, Session, type Subject, TooDeep } from "./session.ts";
import { bodyStarts, hintFault, structuralFault } from "./structure.ts";

/** The rewriter under test: the project's own, or one with a planted bug. */
export type Rewriter = typeof rewrite;

/** What is wrong, and of which sort: cutting a module down keeps the sort. */
export interface Finding {
  readonly sort: string;
  readonly detail: string;
}

/** What the rewriter is asked for, by the seed. */
export function optionsOf(seed: number, functions: number): RewriteOptions {
  const random = new Random(seed ^ 0x5eed);
  const limited = random.chance(0.3);
  const exported = Array.from({ length: random.below(4) }, () => random.below(functions));
  return {
    ...(limited && random.chance(0.7) ? { maxPages: random.oneOf([0, 1, 2, 3, 5, 100]) } : {}),
    ...(limited && random.chance(0.7) ? { maxElements: random.oneOf([3, 8, 10, 14, 1000]) } : {}),
    ...(random.chance(0.65) ? { checks: true } : {}),
    ...(random.chance(0.65) ? { restore: true } : {}),
    ...(random.chance(0.3) ? { startAsExport: true } : {}),
    ...(random.chance(0.4) && functions > 0 ? { exportFunctions: exported } : {}),
  };
}

/** Runs something of the project's and tells what it threw that the catalog does not hold. */
export function uncatalogued(what: string, run: () => unknown): Finding | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof SampanError) return undefined;
    return { sort: `${what} throws`, detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** Bytes that V8 refuses end in a catalogued error or a success, those that it takes are read and rewritten. */
export function judgeBytes(
  bytes: Uint8Array<ArrayBuffer>,
  options: RewriteOptions,
  rewriter: Rewriter,
): Finding | undefined {
  if (WebAssembly.validate(bytes)) return judgeAccepted(bytes, options, rewriter);
  return (
    uncatalogued("readModule", () => readModule(bytes)) ??
    uncatalogued("readModuleImports", () => readModuleImports(bytes)) ??
    uncatalogued("analyzeCode", () => analyzeCode(bytes)) ??
    uncatalogued("rewrite", () => rewriter(bytes, withoutFunctions(options)))
  );
}

/** Which functions a damaged module has is not known. */
function withoutFunctions({ exportFunctions: _none, ...rest }: RewriteOptions): RewriteOptions {
  return rest;
}

function judgeAccepted(
  bytes: Uint8Array<ArrayBuffer>,
  options: RewriteOptions,
  rewriter: Rewriter,
): Finding | undefined {
  const unread = readFinding(bytes);
  if (unread !== undefined) return unread;
  try {
    const rewritten = rewriter(bytes, withoutFunctions(options));
    return rejection(rewritten.bytes) ?? faultOf(bytes, rewritten);
  } catch (error) {
    if (error instanceof SampanError && error.code.startsWith("LIMIT_")) return undefined;
    return {
      sort: "a valid module is not rewritten",
      detail: error instanceof Error ? (error.stack ?? "") : String(error),
    };
  }
}

/** What V8 takes is read. */
function readFinding(bytes: Uint8Array<ArrayBuffer>): Finding | undefined {
  try {
    readModule(bytes);
    analyzeCode(bytes);
    return undefined;
  } catch (error) {
    return { sort: "a valid module is not read", detail: String(error) };
  }
}

function rejection(bytes: Uint8Array<ArrayBuffer>): Finding | undefined {
  try {
    void new WebAssembly.Module(bytes);
    return undefined;
  } catch (error) {
    return { sort: "the rewritten module is refused", detail: String(error) };
  }
}

function faultOf(bytes: Uint8Array<ArrayBuffer>, rewritten: Rewritten): Finding | undefined {
  return asFinding(structuralFault(bytes, rewritten));
}

function asFinding(fault: string | undefined): Finding | undefined {
  return fault === undefined ? undefined : { sort: `structure: ${fault.replaceAll(/\d+/g, "N")}`, detail: fault };
}

/** Rewrites a generated module and compares how both behave. */
export function judgePlan(plan: Plan, seed: number, rewriter: Rewriter): Finding | undefined {
  const bytes = encode(plan);
  const options = optionsOf(seed, plan.functions.length);
  if (!WebAssembly.validate(bytes)) return judgeBytes(bytes, options, rewriter);
  const kept = bytes.slice();
  const unread = readFinding(bytes);
  if (unread !== undefined) return unread;
  let rewritten: Rewritten;
  try {
    rewritten = rewriter(bytes, options);
  } catch (error) {
    return limitFinding(plan, options, error);
  }
  if (!Buffer.from(bytes).equals(Buffer.from(kept))) return { sort: "the original is changed", detail: "" };
  const asked = ["maxPages", "maxElements", "checks", "restore", "startAsExport", "exportFunctions"] as const;
  if (asked.every((option) => options[option] === undefined) && rewritten.bytes !== bytes) {
    return { sort: "bytes are copied for nothing", detail: "" };
  }
  if (isAbove(plan.memories, options.maxPages) || isAbove(plan.tables, options.maxElements)) {
    return { sort: "a limit is not refused", detail: "" };
  }
  const faultyOptions =
    rejection(rewritten.bytes) ?? faultOf(bytes, rewritten) ?? asFinding(hintFault(bytes, rewritten));
  if (faultyOptions !== undefined) return faultyOptions;
  try {
    return compare({ plan, seed, options, bytes, rewritten });
  } catch (error) {
    if (error instanceof TooDeep) return undefined;
    throw error;
  }
}

/** Whether one of the memories or tables begins beyond a limit. */
function isAbove(items: readonly { readonly min: number }[], max: number | undefined): boolean {
  return max !== undefined && items.some(({ min }) => min > max);
}

/** A limit is refused where something begins beyond it, and nowhere else. */
function limitFinding(plan: Plan, { maxPages, maxElements }: RewriteOptions, error: unknown): Finding | undefined {
  const code = error instanceof SampanError ? error.code : "";
  if (code === "LIMIT_MEMORY" && isAbove(plan.memories, maxPages)) return undefined;
  if (code === "LIMIT_TABLE" && isAbove(plan.tables, maxElements)) return undefined;
  return { sort: "rewrite throws", detail: error instanceof Error ? (error.stack ?? "") : String(error) };
}

interface Case {
  readonly plan: Plan;
  readonly seed: number;
  readonly options: RewriteOptions;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly rewritten: Rewritten;
}

const rounds = 12;

function compare({ plan, seed, options, bytes, rewritten }: Case): Finding | undefined {
  const missing = missingRestore(plan, options, rewritten);
  if (missing !== undefined) return missing;
  const { reference, maxima } = referenceOf(plan, options, bytes);
  const { layout } = rewritten;
  const subject: Subject = {
    module: new WebAssembly.Module(rewritten.bytes),
    original: mappedBy(rewritten.offsets),
    layout,
  };
  const original = new Session({ plan, seed, maxima }, reference);
  const ours = new Session({ plan, seed, maxima }, subject);
  const [first, second] = [original.start(), ours.start()];
  if (first.outcome !== second.outcome) return differing("start", first.outcome, second.outcome);
  if (!first.isAlive) return undefined;
  original.save();
  ours.save();
  const alarm = new Random(seed ^ 0xa1a);
  const hasAlarm = layout.checks !== undefined && alarm.chance(0.6);
  const seen: string[] = [];
  const before = sizesOf(ours);
  for (let number = 0; number < rounds; number += 1) {
    const calls = hasAlarm ? alarm.oneOf([1, 2, 5, 300]) : 0;
    const ticks = ours.ticks();
    ours.engine?.alarm(calls);
    const wanted = `${original.call(number)}\n${original.state()}`;
    const got = `${ours.call(number)}\n`;
    const hooked = hookFinding(ours, plan, { calls, ticks: (ours.ticks() - ticks) | 0 });
    ours.engine?.alarm(0);
    const found = differing("call", wanted, got + ours.state()) ?? hooked ?? memoriesDiffer("call", original, ours);
    if (found !== undefined) return found;
    seen.push(wanted);
  }
  return compareRestored({ plan, original, ours, seen, before, layout });
}

interface Restored {
  readonly plan: Plan;
  readonly original: Session;
  readonly ours: Session;
  readonly seen: readonly string[];
  readonly before: readonly number[];
  readonly layout: Rewritten["layout"];
}

/** After what was saved is put back, the same calls do the same again. */
function compareRestored({ plan, original, ours, seen, before, layout }: Restored): Finding | undefined {
  if (layout.restore === undefined) return undefined;
  const hasGrown = sizesOf(ours).map((size, index) => size > (before[index] ?? 0));
  const tablesGrew = hasGrown.slice(0, plan.tables.length).includes(true);
  const isBack = ours.restore();
  if (!isBack) return tablesGrew ? undefined : { sort: "restore gives up", detail: "no table has grown" };
  if (tablesGrew) return { sort: "restore does not give up", detail: "a table has grown" };
  // What lies past the size that a guest sees can be reached while the memory itself is larger.
  const hasReached = seen.some((outcome) => outcome.includes("memory access out of bounds"));
  if (hasGrown.includes(true) && hasReached) return undefined;
  for (const [number, wanted] of seen.entries()) {
    const got = `${ours.call(number)}\n${ours.state()}`;
    const found = differing("call after restore", wanted, got);
    if (found !== undefined) return found;
  }
  return memoriesDiffer("calls after restore", original, ours);
}

function sizesOf(session: Session): number[] {
  return [...session.tableSizes(), ...session.memories().map(({ length }) => length)];
}

/** Restore is refused for reasons alone that the module gives. */
function missingRestore(plan: Plan, { restore }: RewriteOptions, { layout }: Rewritten): Finding | undefined {
  if (restore !== true || layout.restore !== undefined) return undefined;
  const { unrestorable } = layout;
  const isShared = plan.memories.some(({ shared }) => shared);
  const isImported = [...plan.memories, ...plan.tables, ...plan.globals].some(({ imported }) => imported);
  const has = {
    "shared-memory": isShared,
    "gc-types": plan.features.has("gc") || plan.features.has("references"),
    "exception-references": plan.features.has("exceptions"),
    "imported-state": isImported,
  };
  if (unrestorable !== undefined && has[unrestorable]) return undefined;
  return { sort: `no restore function: ${unrestorable}`, detail: "" };
}

/** After how many ticks the alarm is set, 0 for none, and how many there were. */
interface Expected {
  readonly calls: number;
  readonly ticks: number;
}

/** A guest that waits in a shared memory looks up between two pieces of its wait, alarm or none (`rewrite/atomic-waits.ts`). */
function hookFinding({ engine }: Session, plan: Plan, { calls, ticks }: Expected): Finding | undefined {
  if (engine === undefined) return undefined;
  if (engine.wrongIds > 0) return { sort: "the hook gets a wrong id", detail: "" };
  const mayWait = plan.memories.some(({ shared }) => shared);
  if (calls === 0 && engine.hooks > 0 && !mayWait) return { sort: "the hook is called without an alarm", detail: "" };
  const least = Math.min(calls, ticks);
  if (engine.hooks >= least) return undefined;
  return { sort: "a check is missing", detail: `${engine.hooks} calls of the hook, at least ${least} wanted` };
}

/** The original itself, or with maxima the same module with the maxima in it; offsets are the original's. */
function referenceOf(plan: Plan, { maxPages, maxElements }: RewriteOptions, bytes: Uint8Array<ArrayBuffer>) {
  const maxima = { maxPages, maxElements };
  if (maxPages === undefined && maxElements === undefined) {
    return { reference: { module: new WebAssembly.Module(bytes), original: sameOffset }, maxima };
  }
  const limited = encode(plan, maxima);
  const shift = (bodyStarts(limited)[0] ?? 0) - (bodyStarts(bytes)[0] ?? 0);
  return {
    reference: { module: new WebAssembly.Module(limited), original: (offset: number) => offset - shift },
    maxima,
  };
}

function differing(when: string, wanted: string, got: string): Finding | undefined {
  if (wanted === got) return undefined;
  const [left, right] = [wanted.split("\n"), got.split("\n")];
  const at = left.findIndex((line, index) => line !== right[index]);
  return {
    sort: `${when} differs: ${kindOf(left[at])}, ${kindOf(right[at])}`,
    detail: `wanted ${left[at] ?? "nothing more"}\n   got ${right[at] ?? "nothing more"}`,
  };
}

/** What a line of an outcome is of, without what differs from module to module. */
function kindOf(line: string | undefined): string {
  if (line === undefined) return "nothing";
  const trap = /(\w*Error: [a-z ]+)/.exec(line)?.[1];
  if (trap !== undefined) return trap.trim();
  if (line.startsWith("import ")) return "an import";
  return line.includes("throws") ? "an exception" : /^\w+=/.test(line) ? "state" : "a result";
}

function memoriesDiffer(when: string, original: Session, ours: Session): Finding | undefined {
  const others = ours.memories();
  for (const [index, bytes] of original.memories().entries()) {
    const other = others[index] ?? new Uint8Array();
    if (bytes.length !== other.length) {
      return {
        sort: `memory size after ${when} differs`,
        detail: `memory ${index}: wanted ${bytes.length}, got ${other.length}`,
      };
    }
    if (Buffer.compare(bytes, other) === 0) continue;
    const at = bytes.findIndex((byte, position) => byte !== other[position]);
    return {
      sort: `memory after ${when} differs`,
      detail: `memory ${index} at ${at}: wanted ${bytes[at]}, got ${other[at]}`,
    };
  }
  return undefined;
}
