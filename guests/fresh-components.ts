import {
  at,
  ComponentWriter,
  declare,
  extern,
  functionOf,
  instanceType,
  primitive,
} from "../src/wasm/component/component-fixture.ts";
import {
  type Bytes,
  code,
  exportOf,
  exports,
  functions,
  functionType,
  importOf,
  imports,
  memories,
  moduleOf,
  section,
  types,
  u32,
  vector,
} from "../src/wasm/module-fixture.ts";
import { sectionId } from "../src/wasm/sections.ts";
import type { RestoreStep } from "../src/wasm/index.ts";
import type { FreshStep } from "../src/engine/fresh-state/reset-memory.ts";
import {
  constant,
  f32,
  f64,
  i32,
  i64,
  stateModule,
  type StateSource,
} from "../src/engine/fresh-state/state-fixture.ts";
import { stateKinds } from "../src/engine/fresh-state/state-kinds-fixture.ts";

/**
 * State that a component may leave behind: its export `mutate` changes it, `read` answers what shows it, and putting it back
 * depends on one step.
 */
export interface ComponentState {
  readonly bytes: () => Uint8Array<ArrayBuffer>;
  readonly step: RestoreStep | FreshStep;
  /** Whether an instance in which it changed is thrown away. */
  readonly isThrownAway?: boolean | undefined;
}

const typeOf: Readonly<Record<number, Bytes>> = {
  [i32]: primitive.u32,
  [i64]: primitive.s64,
  [f32]: primitive.f32,
  [f64]: primitive.f64,
};
const drop = 0x1a;
const load = (offset: number): number[] => [...constant(offset), 0x2d, 0, 0];
const store = (offset: number, value: number): number[] => [...constant(offset), ...constant(value), 0x3a, 0, 0];
const grow = [...constant(1), 0x40, 0];

/** Exports `mutate` and `read` of a core instance. */
function liftBoth(writer: ComponentWriter, core: number, result: number = i32): Uint8Array<ArrayBuffer> {
  const mutate = writer.lift(writer.aliasCore("coreFunction", core, "mutate"), writer.type(functionOf([])));
  writer.export("function", "mutate", { index: mutate });
  const type = writer.type(functionOf([], typeOf[result] ?? primitive.u32));
  writer.export("function", "read", { index: writer.lift(writer.aliasCore("coreFunction", core, "read"), type) });
  return writer.finish();
}

function around(source: StateSource): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const { read } = source.functions;
  return liftBoth(writer, writer.coreInstance(writer.coreModule(stateModule(source))), read?.results?.[0]);
}

/** A module that has a memory, a table and a global, and only exports them; its element 1 is a function that answers 7. */
const owner = moduleOf(
  types(functionType([], [i32])),
  functions(0),
  section(sectionId.table, vector([0x70, 0, 2])),
  memories([0, 1]),
  section(sectionId.global, vector([i32, 1, ...constant(1), 0x0b])),
  exports(exportOf("memory", 2, 0), exportOf("table", 1, 0), exportOf("global", 3, 0), exportOf("seven", 0, 0)),
  section(sectionId.element, vector([0, ...constant(0), 0x0b, ...vector(u32(0), u32(0))])),
  code(constant(7)),
);

/** A component of two modules, of which the second changes and reads what the first has. */
function shared(mutate: Bytes, read: Bytes): Uint8Array<ArrayBuffer> {
  const user = moduleOf(
    types(functionType([], [i32]), functionType([], [])),
    imports(
      importOf("owner", "memory", [2, 0, 1]),
      importOf("owner", "table", [1, 0x70, 0, 2]),
      importOf("owner", "global", [3, i32, 1]),
    ),
    functions(1, 0),
    exports(exportOf("mutate", 0, 0), exportOf("read", 0, 1)),
    code(mutate, read),
  );
  const writer = new ComponentWriter();
  const first = writer.coreInstance(writer.coreModule(owner));
  return liftBoth(writer, writer.coreInstance(writer.coreModule(user), ["owner", first]));
}

/** `mutate` and `read` around one function () → i32 or i64 that is given to the core module: the first forgets what it answers. */
function calling(writer: ComponentWriter, core: number, result: number = i32): Uint8Array<ArrayBuffer> {
  const module = moduleOf(
    types(functionType([], [result]), functionType([], [])),
    imports(importOf("host", "ask", [0, 0])),
    functions(1, 0),
    exports(exportOf("mutate", 0, 1), exportOf("read", 0, 2)),
    code([0x10, 0, drop], [0x10, 0]),
  );
  const given = writer.coreExports(["ask", at([0x00], core)]);
  return liftBoth(writer, writer.coreInstance(writer.coreModule(module), ["host", given]), result);
}

/** Answers the number of a handle that it makes and leaves behind. */
function handleLeaver(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const resource = writer.resource();
  const maker = moduleOf(
    types(functionType([i32], [i32]), functionType([], [i32])),
    imports(importOf("own", "new", [0, 0])),
    functions(1),
    exports(exportOf("make", 0, 1)),
    code([...constant(7), 0x10, 0]),
  );
  const given = writer.coreExports(["new", at([0x00], writer.builtin([0x02, ...u32(resource)]))]);
  const core = writer.coreInstance(writer.coreModule(maker), ["own", given]);
  return calling(writer, writer.aliasCore("coreFunction", core, "make"));
}

/** The core function of an imported function of an interface. */
function hostFunction(
  writer: ComponentWriter,
  itsInterface: string,
  name: string,
  ...declared: readonly Bytes[]
): number {
  const host = writer.import("instance", itsInterface, extern.instance(writer.type(instanceType(...declared))));
  return writer.lower(writer.alias("function", host, name));
}

function randomCaller(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const name = "get-random-u64";
  const core = hostFunction(
    writer,
    "wasi:random/random@0.2.0",
    name,
    declare.type(functionOf([], primitive.u64)),
    declare.export(name, extern.function(0)),
  );
  return calling(writer, core, i64);
}

/** Kinds of state by their names: those of a single core module, and those that only a component has. */
export const componentStates: Readonly<Record<string, ComponentState>> = {
  ...Object.fromEntries(
    Object.entries(stateKinds)
      .filter(([, { imports: imported, args }]) => imported === undefined && args === undefined)
      .map(([name, kind]) => {
        const { step, isThrownAway } = kind;
        return [name, { step, isThrownAway, bytes: () => around(kind) }];
      }),
  ),
  "another module's memory": { step: "memory", bytes: () => shared(store(9, 77), load(9)) },
  "the size of another module's memory": { step: "pages", bytes: () => shared([...grow, drop], [0x3f, 0]) },
  "what another module's memory grew by": {
    step: "zeroing",
    bytes: () => shared([...grow, drop, ...store(65_536 + 5, 9)], [...grow, drop, ...load(65_536 + 5)]),
  },
  "another module's table": {
    step: "tables",
    bytes: () => shared([...constant(1), 0xd0, 0x70, 0x26, 0], [...constant(1), 0x25, 0, 0xd1]),
  },
  "another module's global": { step: "globals", bytes: () => shared([...constant(2), 0x24, 0], [0x23, 0]) },
  "a handle to a resource of its own": { step: "host", bytes: handleLeaver },
  "the host's stream of random numbers": { step: "host", bytes: randomCaller },
};

/** Reads a number in its start function by a call of the host's, and exports `read`, which answers it. */
export function startingComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const tick = writer.import("function", "tick", extern.function(writer.type(functionOf([], primitive.u32))));
  const given = writer.coreExports(["ask", at([0x00], writer.lower(tick))]);
  return started(writer, { calls: [0x10, 0], given });
}

/** The same, with a number that it counts up from by itself. */
export function countingComponent(): Uint8Array<ArrayBuffer> {
  return started(new ComponentWriter(), { calls: [0x23, 0, ...constant(5), 0x6a] });
}

function started(
  writer: ComponentWriter,
  { calls, given }: { readonly calls: Bytes; readonly given?: number },
): Uint8Array<ArrayBuffer> {
  const base = given === undefined ? 0 : 1;
  const module = moduleOf(
    types(functionType([], [i32]), functionType([], [])),
    ...(given === undefined ? [] : [imports(importOf("host", "ask", [0, 0]))]),
    functions(1, 0, 1),
    memories([0, 1]),
    section(sectionId.global, vector([i32, 1, ...constant(0), 0x0b])),
    exports(exportOf("read", 0, base + 1), exportOf("mutate", 0, base + 2)),
    section(sectionId.start, u32(base)),
    code([...calls, 0x24, 0], [0x23, 0], [...constant(99), 0x24, 0]),
  );
  const args = given === undefined ? [] : [["host", given] as const];
  return liftBoth(writer, writer.coreInstance(writer.coreModule(module), ...args));
}

/** Exports `read`, which answers what the imported `wait` answers in the end, and `mutate`, which traps. */
export function askingComponent(): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  const wait = writer.import("function", "wait", extern.function(writer.type(functionOf([], primitive.u32))));
  const given = writer.coreExports(["ask", at([0x00], writer.lower(wait))]);
  const module = moduleOf(
    types(functionType([], [i32]), functionType([], [])),
    imports(importOf("host", "ask", [0, 0])),
    functions(1, 0),
    memories([0, 1]),
    exports(exportOf("mutate", 0, 1), exportOf("read", 0, 2)),
    code([0x00], [0x10, 0]),
  );
  return liftBoth(writer, writer.coreInstance(writer.coreModule(module), ["host", given]));
}
