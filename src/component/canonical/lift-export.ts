import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { explainArguments } from "./explain.ts";
import { flattenFunction } from "./layout.ts";
import { flatSource, LiftWriter, memoryAt } from "./lift-code.ts";
import { type LowerCode, LowerWriter } from "./lower-code.ts";
import { areaCheck, type CoreFunction } from "./lower-import.ts";
import { Program } from "./program.ts";
import type { CanonicalRuntime, CanonicalShape } from "./runtime.ts";

/**
 * Makes the function that JavaScript calls for a core function of a guest; `name` is for messages. In mode `async` the core
 * function answers a promise, and so does what is made.
 */
export type ExportMaker = (
  runtime: CanonicalRuntime,
  core: CoreFunction,
  name: string,
  postReturn?: CoreFunction,
) => (...values: unknown[]) => unknown;

/**
 * Generates the code that lifts a core function (`canon lift`): it checks and lowers the arguments, calls, lifts the result and
 * lets the guest free it. The error of a `result` is thrown as a ComponentError.
 */
export function makeExport(type: ComponentFunctionType, shape: CanonicalShape): ExportMaker {
  const program = new Program(type, shape);
  const flat = flattenFunction(type, { direction: "lift", pointer: program.layout.pointer });
  const values = type.params.map((_, at) => `v${at}`);
  const { read, write, cores, variables } = lowerArguments(type, { program, spills: flat.spillsParams, values });
  const isAsync = shape.mode === "async";
  const rest = "rt, V, t, postReturn";
  const code = `
    function finish(${rest}, r) {
      ${liftResult(type.result, { program, spills: flat.spillsResult }).join("\n")}
    }
    return (rt, core, name, postReturn) => {
      const V = rt.views;
      return function (${values.join(", ")}) {
        let t; ${variables}
        ${values.length === 0 ? "t = rt.enterCall();" : guarded([...read, "t = rt.enterCall();", ...write], values)}
        t.started = true;
        const r = core(${cores.join(", ")});
        ${isAsync ? `return r.then((r) => finish(${rest}, r));` : `return finish(${rest}, r);`}
      };
    };`;
  const built = program.build(code, {
    explain: (name: string, given: readonly unknown[]) => explainArguments(type, name, given),
  });
  return built as ExportMaker;
}

/** Code whose mismatches become errors that name the argument. */
function guarded(lines: readonly string[], values: readonly string[]): string {
  return `try {
    ${lines.join("\n")}
  } catch (e) {
    if (e === mismatch) throw explain(name, [${values.join(", ")}]);
    throw e;
  }`;
}

interface ArgumentCode extends LowerCode {
  readonly cores: readonly string[];
  readonly variables: string;
}

/** Everything is read and checked before the guest's allocator is called for the first time. */
function lowerArguments(
  type: ComponentFunctionType,
  { program, spills, values }: { program: Program; spills: boolean; values: readonly string[] },
): ArgumentCode {
  const writer = new LowerWriter(program);
  const code: LowerCode = { read: [], write: ["V.fresh();"] };
  const types = type.params.map((param) => param.type);
  if (!spills) {
    const cores = types.flatMap((each, at) => writer.lower(each, values[at] ?? "", { to: { kind: "flat" }, code }));
    return { ...code, cores, variables: writer.takeVariables() };
  }
  const { layout, is64 } = program;
  const area: ComponentValueType = { kind: "tuple", types };
  const offsets = layout.offsetsOf(types);
  code.write.push(`area = allocate(rt, ${layout.alignmentOf(area)}, ${layout.sizeOf(area)});`);
  types.forEach((each, at) => {
    writer.lower(each, values[at] ?? "", { to: { kind: "memory", base: "area", offset: offsets[at] ?? 0 }, code });
  });
  return { ...code, cores: [is64 ? "BigInt(area)" : "area"], variables: `let area; ${writer.takeVariables()}` };
}

/** The statements that lift what the core function answered, `r`, and end the call. */
function liftResult(
  result: ComponentValueType | undefined,
  { program, spills }: { program: Program; spills: boolean },
): string[] {
  if (result === undefined) return ["if (postReturn !== undefined) postReturn();", "rt.leaveCall(t);"];
  const out = ["V.fresh(); V.left = V.liftBudget;"];
  if (spills) out.push(...areaCheck("area", "r", result, program));
  const types = program.layout.flatten(result) ?? [];
  const from = spills ? memoryAt("area") : flatSource(["r"], types);
  const value = new LiftWriter(program).lift(result, from, out, { isRoot: true });
  out.push(
    `if (postReturn !== undefined) postReturn(${types.length === 0 && !spills ? "" : "r"});`,
    "rt.leaveCall(t);",
  );
  if (result.kind !== "result") return [...out, `return ${value};`];
  return [...out, `if (${value}.tag === "err") throw new ComponentError(${value}.val);`, `return ${value}.val;`];
}
