import { fuse, type FuseParts } from "../src/component/adapters/fused-fixture.ts";
import { ModuleWriter } from "../src/component/adapters/module-writer.ts";
import type { ComponentFunctionType, ComponentValueType } from "../src/wasm/component/index.ts";
import type { Row } from "./measure.ts";

type CoreFunction = WebAssembly.ExportValue & ((...cores: number[]) => number | undefined);
const [times, rounds] = [200_000, 15];
const length = 1024;
/** Where the texts lie. */
const [from, to] = [2048, 4096];

/** Calls from one component to another beside calls of core code and copies; the loops are core code. */
export function fusedRows(): Row[] {
  const number = { kind: "u32" } as const;
  const sum = fuse(typeOf([number, number], number), { encodings: ["utf8", "utf8"], callee: () => second });
  const [fused, core] = inTurn(loop(sum.core, [1, 2], true), loop(second, [1, 2], true));
  return [
    {
      what: "a call from one component to another, two u32",
      unit: "ns",
      value: fused,
      floor: core,
      floorName: "a core call",
      goal: { ratio: 5 },
    },
    ...(["utf8", "utf16", "latin1+utf16"] as const).map((encoding) => textRow([encoding, encoding])),
    textRow(["utf8", "utf16"]),
    textRow(["utf16", "utf8"]),
  ];
}

function textRow(encodings: FuseParts["encodings"]): Row {
  const realloc = coreFunction(4, () => to);
  const echo = fuse(typeOf([{ kind: "string" }]), { encodings, callee: () => nothing, realloc });
  const isWide = encodings[0] === "utf16";
  const bytes = new Uint8Array(echo.caller.memory.buffer, from, length);
  bytes.forEach((_, at) => (bytes[at] = isWide && at % 2 === 1 ? 0 : 0x61));
  const [fused, copies] = inTurn(
    loop(echo.core, [from, isWide ? length / 2 : length], false),
    loop(twoCopies(echo.caller.memory, echo.callee.memory), [from, to], false),
  );
  return {
    what: `a string of 1 KiB from one component to another, ${encodings.join(" to ")}`,
    unit: "ns",
    value: fused,
    floor: copies,
    floorName: "two plain copies",
    goal: { ratio: 2 },
  };
}

function typeOf(params: readonly ComponentValueType[], result?: ComponentValueType): ComponentFunctionType {
  const named = params.map((type, at) => ({ name: `p${at}`, type }));
  return { kind: "function", params: named, result, isAsync: false };
}

/** A core function of i32s that answers one of them, or a constant. */
function coreFunction(count: number, answer?: () => number): CoreFunction {
  const writer = new ModuleWriter();
  const params = Array.from({ length: count }, () => "i32" as const);
  const index = writer.functionOf("f", { params, results: answer === undefined ? [] : ["i32"] }, (code) => {
    if (answer !== undefined) code.do(answer());
  });
  return instanceOf(writer.finish(index));
}

const second = coreFunction(2, () => 2);
const nothing = coreFunction(2);

function twoCopies(one: WebAssembly.Memory, other: WebAssembly.Memory): CoreFunction {
  const writer = new ModuleWriter();
  const memories = [writer.importMemory("one"), writer.importMemory("other")] as const;
  const index = writer.functionOf("copies", { params: ["i32", "i32"], results: [] }, (code) => {
    for (let copy = 0; copy < 2; copy++)
      code.do(...code.params.toReversed(), length).memoryCopy(memories[1], memories[0]);
  });
  return instanceOf(writer.finish(index), { one, other });
}

/** Core code that calls a function over and over with the same core values. */
function loop(target: WebAssembly.ExportValue, cores: readonly number[], answers: boolean): (times: number) => void {
  const writer = new ModuleWriter();
  const params = cores.map(() => "i32" as const);
  const called = writer.importFunction("f", { params, results: answers ? ["i32"] : [] });
  const index = writer.functionOf("loop", { params: ["i32"], results: [] }, (code) => {
    const [left] = code.params;
    if (left === undefined) return;
    code.loop((again) => {
      code.do(...cores).call(called);
      if (answers) code.do("drop");
      code.do(left, 1, "i32.sub").tee(left).brIf(again);
    });
  });
  return instanceOf(writer.finish(index), { f: target });
}

function instanceOf(bytes: Uint8Array<ArrayBuffer>, given: WebAssembly.ModuleImports = {}): CoreFunction {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { "": given }).exports["call"] as CoreFunction;
}

/** Nanoseconds of a call of each, the best of several rounds in turn. */
function inTurn(...runs: readonly [(times: number) => void, (times: number) => void]): [number, number] {
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < rounds; round++) {
    for (const [at, run] of runs.entries()) {
      const start = performance.now();
      run(times);
      best[at as 0 | 1] = Math.min(best[at as 0 | 1], ((performance.now() - start) * 1e6) / times);
    }
  }
  return best;
}
