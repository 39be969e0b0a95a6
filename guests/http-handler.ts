import {
  at,
  ComponentWriter,
  declare,
  extern,
  functionOf,
  instanceType,
  sort,
  valueType,
} from "../src/wasm/component/component-fixture.ts";
import {
  type Bytes,
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

/** Gives up the request, and answers with a new response of new fields. */
const answering: Bytes = [0x20, 0, 0x10, 3, 0x20, 1, 0x41, 0, 0x10, 0, 0x10, 1, 0x10, 2];

/** The types and imports of such a module: the calls are its functions 0 to 3, and type 4 is that of `handle`. */
export const handlerCalls: readonly Bytes[] = [
  types(
    functionType([], [i32]),
    functionType([i32], [i32]),
    functionType([i32, i32, i32], []),
    functionType([i32], []),
    functionType([i32, i32], []),
  ),
  imports(
    importOf("host", "fields", [0, 0]),
    importOf("host", "response", [0, 1]),
    importOf("host", "set", [0, 2]),
    importOf("host", "drop", [0, 3]),
  ),
];

const coreOf = (body: Bytes, pages: number): Uint8Array<ArrayBuffer> =>
  moduleOf(...handlerCalls, functions(4), memories([0, pages]), exports(exportOf("handle", 0, 4)), code(body));

/**
 * A component that exports `wasi:http/incoming-handler`, and answers each request with an empty response; `body` is other code for
 * its function of (request, outparam), which has a memory of `pages` of 64 KiB and may call `fields` (0), `response` (1), `set` (2) and `drop` for the request (3).
 */
export function handlerComponent(body: Bytes = answering, pages: number = 1): Uint8Array<ArrayBuffer> {
  return handlerAround(coreOf(body, pages));
}

/** Such a component around a core module that exports `handle` and imports these four calls from `host`. */
export function handlerAround(core: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const type = writer.type(
    instanceType(
      declare.export("fields", extern.resource),
      declare.export("incoming-request", extern.resource),
      declare.export("outgoing-response", extern.resource),
      declare.export("response-outparam", extern.resource),
      declare.type(valueType.own(0)),
      declare.type(valueType.own(2)),
      declare.type(valueType.own(3)),
      declare.type(functionOf([], [4])),
      declare.export("[constructor]fields", extern.function(7)),
      declare.type(functionOf([["headers", [4]]], [5])),
      declare.export("[constructor]outgoing-response", extern.function(8)),
      declare.type(valueType.result([5], [0x7d])),
      declare.type(
        functionOf([
          ["param", [6]],
          ["response", [9]],
        ]),
      ),
      declare.export("[static]response-outparam.set", extern.function(10)),
    ),
  );
  const host = writer.import("instance", "wasi:http/types@0.2.0", extern.instance(type));
  const request = writer.alias("type", host, "incoming-request");
  const outparam = writer.alias("type", host, "response-outparam");
  const lowered = (name: string): readonly number[] => at([0x00], writer.lower(writer.alias("function", host, name)));
  const calls = writer.coreExports(
    ["fields", lowered("[constructor]fields")],
    ["response", lowered("[constructor]outgoing-response")],
    ["set", lowered("[static]response-outparam.set")],
    ["drop", at([0x00], writer.builtin([0x03, request]))],
  );
  const main = writer.coreInstance(writer.coreModule(core), ["host", calls]);
  const own = [writer.type(valueType.own(request)), writer.type(valueType.own(outparam))];
  const handle = functionOf([
    ["request", [own[0] ?? 0]],
    ["response-out", [own[1] ?? 0]],
  ]);
  const lifted = writer.lift(writer.aliasCore("coreFunction", main, "handle"), writer.type(handle));
  const instance = writer.instanceOf(["handle", at(sort.function, lifted)]);
  writer.export("instance", "wasi:http/incoming-handler@0.2.0", { index: instance });
  return writer.finish();
}
