import { readFileSync } from "node:fs";
import {
  at,
  ComponentWriter,
  extern,
  functionOf,
  option,
  primitive,
  sort,
  typeAt,
  valueType,
} from "../src/wasm/component/component-fixture.ts";
import type { Bytes } from "../src/wasm/module-fixture.ts";
import { compileOwnGuest } from "./toolchain.ts";

const { f64, string, u32, u64 } = primitive;

/**
 * A component around `shop-core.c` that imports nothing: it exports `demo:shop/orders@0.2.0` with the record `line`, the variant
 * `state`, `total(list<line>) -> result<f64, string>` and `pay(state, u64) -> state`.
 */
export async function shopComponent(): Promise<Uint8Array<ArrayBuffer>> {
  const writer = new ComponentWriter();
  const core = writer.coreInstance(writer.coreModule(readFileSync(await compileOwnGuest("shop-core"))));
  const memory = option.memory(writer.aliasCore("coreMemory", core, "memory"));
  const realloc = option.realloc(writer.aliasCore("coreFunction", core, "realloc"));
  const free = option.postReturn(writer.aliasCore("coreFunction", core, "free-all"));
  const [line, state] = [writer.type(lineOf(writer)), writer.type(stateType)];
  const lifted = functionsOf(writer, line, state).map(([name, type]) =>
    writer.lift(writer.aliasCore("coreFunction", core, name), writer.type(type), memory, realloc, free),
  );
  const instance = writer.instance(
    writer.component(interfaceComponent()),
    ["given-line", at(sort.type, line)],
    ["given-state", at(sort.type, state)],
    ...lifted.map((index, place) => [`given-${place}`, at(sort.function, index)] as const),
  );
  writer.export("instance", "demo:shop/orders@0.2.0", { index: instance });
  return writer.finish();
}

/** What takes types and functions, and exports them by their names. */
function interfaceComponent(): Uint8Array<ArrayBuffer> {
  const inner = new ComponentWriter();
  const given = [inner.type(lineOf(inner)), inner.type(stateType)].map((type, place) =>
    inner.import("type", place === 0 ? "given-line" : "given-state", extern.typeEqual(type)),
  );
  const [givenLine = 0, givenState = 0] = given;
  const functions = functionsOf(inner, givenLine, givenState).map(([, type], place) =>
    inner.import("function", `given-${place}`, extern.function(inner.type(type))),
  );
  const line = inner.export("type", "line", { index: givenLine });
  const state = inner.export("type", "state", { index: givenState });
  for (const [place, [name, type]] of functionsOf(inner, line, state).entries())
    inner.export("function", name, { index: functions[place] ?? 0, type: extern.function(inner.type(type)) });
  return inner.finish();
}

const stateType = valueType.variant(["open", undefined], ["paid", u64], ["refused", string]);

function lineOf(writer: ComponentWriter): Bytes {
  const price = typeAt(writer.type(valueType.option(f64)));
  return valueType.record(["name", string], ["count", u32], ["price", price]);
}

/** The functions' types by their names, with the types that they speak of. */
function functionsOf(writer: ComponentWriter, line: number, state: number): (readonly [string, Bytes])[] {
  const lines = typeAt(writer.type(valueType.list(typeAt(line))));
  const sum = typeAt(writer.type(valueType.result(f64, string)));
  const payment: [string, Bytes][] = [
    ["state", typeAt(state)],
    ["cents", u64],
  ];
  return [
    ["total", functionOf([["lines", lines]], sum)],
    ["pay", functionOf(payment, typeAt(state))],
  ];
}
