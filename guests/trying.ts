import {
  at,
  componentWith,
  extern,
  functionOf,
  option,
  primitive,
  typeAt,
  valueType,
} from "../src/wasm/component/component-fixture.ts";
import {
  code,
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  importOf,
  imports,
  memories,
  moduleOf,
  types,
} from "../src/wasm/module-fixture.ts";

/** A component whose `go` calls the imported `try-it: func(at: u32) -> result<u32, u32>`, and adds 1000 to an error. */
export function tryingComponent(): Uint8Array<ArrayBuffer> {
  return componentWith((writer) => {
    const { u32 } = primitive;
    const tries = writer.type(functionOf([["at", u32]], typeAt(writer.type(valueType.result(u32, u32)))));
    const function_ = writer.import("function", "try-it", extern.function(tries));
    const memory = writer.coreInstance(
      writer.coreModule(moduleOf(memories([0, 1]), exports(exportOf("memory", 2, 0)))),
    );
    const lowered = writer.lower(function_, option.memory(writer.aliasCore("coreMemory", memory, "memory")));
    const host = writer.coreExports(["f", at([0x00], lowered)]);
    // `f(at, 16); return mem[20] + mem8[16] * 1000`.
    const body = [0x20, 0, 0x41, 16, 0x10, 0, 0x41, 20, 0x28, 2, 0, 0x41, 16, 0x2d, 0, 0, 0x41, 0xe8, 7, 0x6c, 0x6a];
    const module = moduleOf(
      types(functionType([i32, i32], []), functionType([i32], [i32])),
      imports(importOf("host", "f", [0, 0]), importOf("env", "memory", [2, 0, 1])),
      functions(1),
      exports(exportOf("go", 0, 1)),
      code(body),
    );
    const core = writer.coreInstance(writer.coreModule(module), ["host", host], ["env", memory]);
    const go = writer.type(functionOf([["at", u32]], u32));
    writer.export("function", "go", { index: writer.lift(writer.aliasCore("coreFunction", core, "go"), go) });
  });
}
