import { SampanError } from "../../base/index.ts";
import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { explainResult } from "./explain.ts";
import { flattenFunction, type FlatType } from "./layout.ts";
import { flatSource, LiftWriter, memoryAt } from "./lift-code.ts";
import { type LowerCode, LowerWriter, type Target } from "./lower-code.ts";
import { Program } from "./program.ts";
import type { CanonicalRuntime, CanonicalShape } from "./runtime.ts";

/** A host function as components call it: it takes and answers JavaScript values. */
export type HostFunction = (...values: never[]) => unknown;

/** Makes the core function that a guest imports for a host function; `name` is for messages. */
export type ImportMaker = (runtime: CanonicalRuntime, host: HostFunction, name: string) => CoreFunction;

/** A function as core Wasm calls it, or as it is called. */
export type CoreFunction = (...cores: never[]) => unknown;

/**
 * Generates the code that lowers a host function for a guest (`canon lower`): it lifts the core parameters, calls, and lowers
 * the answer. In mode `async` a promise is waited for, and what is no promise is lowered at once.
 */
export function makeImport(type: ComponentFunctionType, shape: CanonicalShape): ImportMaker {
  const program = new Program(type, shape);
  const isAsync = shape.mode === "async";
  const flat = flattenFunction(type, { direction: "lower", pointer: program.layout.pointer });
  const cores = flat.params.map((_, at) => `a${at}`);
  const area = flat.spillsResult ? cores.at(-1) : undefined;
  const lifted: string[] = [];
  const values = liftParams(type, { program, spills: flat.spillsParams, cores, types: flat.params, out: lifted });
  const answer = lowerAnswer(type.result, { program, area });
  const rest = ["rt", "V", "name", "t", ...(area === undefined ? [] : [area])].join(", ");
  const isResult = type.result?.kind === "result";
  const caught = isResult
    ? `if (!(e instanceof ComponentError)) return rt.fail(e); r = { tag: "err", val: e.payload };`
    : "return rt.fail(e);";
  const code = `
    function finish(${rest}, r) {
      ${answer}
    }
    ${isAsync ? later(rest, { isResult, caught }) : ""}
    return (rt, host, name) => {
      const V = rt.views;
      return function (${cores.join(", ")}) {
        const t = rt.enterCall();
        V.fresh(); V.left = V.liftBudget;
        ${lifted.join("\n")}
        let r;
        try { r = host(${values.join(", ")}); } catch (e) { ${caught} return finish(${rest}, r); }
        ${isAsync ? `if (typeof r === "object" && isPromise(r)) return wait(${rest}, r);` : refusal(type.result)}
        ${isResult ? `r = { tag: "ok", val: r };` : ""}
        return finish(${rest}, r);
      };
    };`;
  const built = program.build(code, {
    explain: (name: string, value: unknown) => explainResult(type, name, value),
    refuse: (rt: CanonicalRuntime, name: string, answered: Promise<unknown>) => {
      answered.catch(() => {});
      rt.fail(
        new SampanError(
          "COMPONENT_VALUE",
          `${name}(): the host function answered a promise, wanted a value`,
          promiseHint,
        ),
      );
    },
  });
  return built as ImportMaker;
}

const promiseHint = { hint: "Bind the instance async to let it wait for host functions" };

/** A host function that answers a promise where its instance cannot wait: scalars are told by their type, too. */
function refusal(result: ComponentValueType | undefined): string {
  const isScalar =
    result !== undefined && !["record", "flags", "result", "own", "borrow", "list", "option"].includes(result.kind);
  return isScalar ? "" : `if (typeof r === "object" && isPromise(r)) refuse(rt, name, r);`;
}

/** What a promise comes to. It stands apart: closures in the function that is called would cost each call. */
function later(rest: string, { isResult, caught }: { isResult: boolean; caught: string }): string {
  return `function wait(${rest}, promise) {
    return promise.then(
      (r) => finish(${rest}, ${isResult ? `{ tag: "ok", val: r }` : "r"}),
      (e) => { let r; ${caught} return finish(${rest}, r); });
  }`;
}

interface ParamsOptions {
  readonly program: Program;
  readonly spills: boolean;
  readonly cores: readonly string[];
  readonly types: readonly FlatType[];
  readonly out: string[];
}

/** Lifts the parameters and answers their expressions (Canonical ABI, lift_flat_values). */
function liftParams(type: ComponentFunctionType, { program, spills, cores, types, out }: ParamsOptions): string[] {
  const writer = new LiftWriter(program);
  const params = type.params.map((param) => param.type);
  if (!spills) {
    const source = flatSource(cores, types);
    return params.map((param) => writer.lift(param, source, out));
  }
  const area: ComponentValueType = { kind: "tuple", types: params };
  const offsets = program.layout.offsetsOf(params);
  out.push(...areaCheck("area", cores[0] ?? "", area, program));
  return params.map((param, at) => writer.lift(param, { kind: "memory", base: "area", offset: offsets[at] ?? 0 }, out));
}

/** Code that names a pointer and checks what lies there before any of it is touched. */
export function areaCheck(name: string, core: string, type: ComponentValueType, program: Program): string[] {
  const { layout, is64 } = program;
  return [
    `const ${name} = ${is64 ? `pointer64(${core})` : `${core} >>> 0`};`,
    `checkArea(rt, ${name}, ${layout.alignmentOf(type)}, ${layout.sizeOf(type)});`,
  ];
}

/** The body of the function that lowers what the host answered, `r` (Canonical ABI, lower_flat_values). */
function lowerAnswer(
  result: ComponentValueType | undefined,
  { program, area }: { program: Program; area: string | undefined },
): string {
  if (result === undefined) return "rt.leaveCall(t);";
  const writer = new LowerWriter(program);
  const code: LowerCode = { read: [], write: [] };
  const to: Target = area === undefined ? { kind: "flat" } : (memoryAt("area") as Target);
  const cores = writer.lower(result, "r", { to, code, isRoot: true });
  return `
    ${writer.takeVariables()}
    try {
      ${code.read.join("\n")}
      ${area === undefined ? "" : ["V.fresh();", ...areaCheck("area", area, result, program)].join("\n")}
      ${code.write.join("\n")}
    } catch (e) {
      if (e === mismatch) rt.fail(explain(name, r));
      if (e instanceof WebAssembly.RuntimeError) throw e;
      rt.fail(e);
    }
    rt.leaveCall(t);
    ${cores.length === 0 ? "" : `return ${cores[0]};`}`;
}
