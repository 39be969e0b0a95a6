import { SampanError } from "../src/base/index.ts";
import {
  at,
  ComponentWriter,
  componentWith,
  coreModuleWith,
  declare,
  extern,
  functionOf,
  instanceType,
  option,
  primitive,
  sort,
  typeAt,
  valueType,
} from "../src/wasm/component/component-fixture.ts";
import { type ComponentDefinition, decodeComponent } from "../src/wasm/component/index.ts";
import type { Bytes } from "../src/wasm/module-fixture.ts";
import { u32 } from "../src/wasm/module-fixture.ts";
import type { Finding } from "./oracle.ts";
import type { Random } from "./random.ts";
import { Random as Numbers } from "./random.ts";

/** Share of inputs that are damaged after they are written. */
const damagedShare = 0.6;

/** What came of one component. */
export interface TriedComponent {
  readonly seed: number;
  readonly bytes: Uint8Array;
  readonly isAccepted: boolean;
  readonly finding: Finding | undefined;
}

/** What decodes components; tests plant faults in one. */
export type Decoder = (bytes: Uint8Array) => ComponentDefinition;

/** Decodes the component of a seed, which is valid unless it is one of those that are damaged. */
export function tryComponent(seed: number, decode: Decoder = decodeComponent): TriedComponent {
  const random = new Numbers(seed);
  const isDamaged = random.chance(damagedShare);
  const whole = generateComponent(random);
  const bytes = isDamaged ? damage(whole, random) : whole;
  try {
    const definition = decode(bytes);
    return { seed, bytes, isAccepted: true, finding: judgeDefinition(definition, bytes) };
  } catch (error) {
    return { seed, bytes, isAccepted: false, finding: judgeError(error, isDamaged) };
  }
}

function judgeError(error: unknown, isDamaged: boolean): Finding | undefined {
  const expected = ["WASM_MALFORMED", "COMPONENT_INVALID", "COMPONENT_FEATURE", "WASM_FEATURE"];
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (!(error instanceof SampanError) || !expected.includes(error.code)) {
    return { sort: "a component ends in an error that is not in the catalog", detail: text };
  }
  return isDamaged ? undefined : { sort: "a valid component is refused", detail: text };
}

/** What holds of every component that is accepted: what it says of places lies inside it, and its indices are there. */
function judgeDefinition(definition: ComponentDefinition, bytes: Uint8Array): Finding | undefined {
  const counts = new Map<string, number>();
  for (const one of definition.definitions) {
    if (one.kind === "core-module" && one.bytes.buffer !== bytes.buffer) {
      return { sort: "a core module is a copy", detail: `${one.bytes.length} bytes` };
    }
    if (one.kind === "component") {
      const inner = judgeDefinition(one.component, bytes);
      if (inner !== undefined) return inner;
    }
    if (one.kind === "export" && one.index >= (counts.get(one.sort) ?? 0)) {
      return { sort: "an export names what is not there", detail: `${one.sort} ${one.index}` };
    }
    const pushed = sortOf(one);
    if (pushed !== undefined) counts.set(pushed, (counts.get(pushed) ?? 0) + 1);
  }
  return undefined;
}

/** The space that a definition pushes on. */
function sortOf(definition: ComponentDefinition["definitions"][number]): string | undefined {
  switch (definition.kind) {
    case "start":
      return undefined;
    case "lift":
      return "function";
    case "lower":
    case "resource-new":
    case "resource-drop":
    case "resource-rep":
    case "builtin":
      return "core-function";
    case "import":
      return definition.type.kind;
    case "export":
    case "alias-export":
    case "alias-core-export":
    case "alias-outer":
      return definition.sort;
    case "core-instance-instantiate":
    case "core-instance-exports":
      return "core-instance";
    case "instance-instantiate":
    case "instance-exports":
      return "instance";
    case "component":
    case "core-module":
    case "core-type":
    case "type":
    case "value":
      return definition.kind;
  }
}

/** Damages the bytes behind the preamble in one of the ways that readers stumble over. */
function damage(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const place = (): number => 8 + random.below(bytes.length - 8);
  switch (random.below(4)) {
    case 0:
      return bytes.slice(0, place());
    case 1: {
      const from = place();
      const added = Array.from({ length: random.below(4) }, () => random.below(256));
      return Uint8Array.from([...bytes.subarray(0, from), ...added, ...bytes.subarray(from + random.below(4))]);
    }
    default: {
      const changed = bytes.slice();
      for (let count = random.between(1, 3); count > 0; count -= 1) {
        const index = place();
        const byte = changed[index] ?? 0;
        // One more or less names the neighbour of what was named, which is valid more often than any other byte.
        changed[index] = random.chance(0.6) ? byte + random.oneOf([1, -1]) : random.below(256);
      }
      return changed;
    }
  }
}

/** A component that is valid by construction. */
export function generateComponent(random: Random, depth = 0): Uint8Array<ArrayBuffer> {
  return new Generator(random, depth).run();
}

const steps = ["value", "function", "resource", "core", "nested", "instance", "builtin", "outer"] as const;

class Generator {
  readonly #random: Random;
  readonly #depth: number;
  readonly #writer = new ComponentWriter();
  /** Value types that functions of imports and exports may mention, as `valtype`s. */
  readonly #values: Bytes[] = Object.values(primitive).filter((type) => type !== primitive.errorContext);
  /** Of these, those that are not a handle, and so may be an element of anything. */
  readonly #resources: number[] = [];
  #names = 0;

  constructor(random: Random, depth: number) {
    this.#random = random;
    this.#depth = depth;
  }

  run(): Uint8Array<ArrayBuffer> {
    for (let count = this.#random.between(2, 14); count > 0; count -= 1) this.#step(this.#random.oneOf(steps));
    return this.#writer.finish();
  }

  #step(step: (typeof steps)[number]): void {
    switch (step) {
      case "value":
        this.#addValue();
        return;
      case "function":
        this.#writer.import("function", this.#name("f"), extern.function(this.#functionType()));
        return;
      case "resource":
        this.#addResource();
        return;
      case "core":
        this.#addCore();
        return;
      case "nested":
        this.#addNested();
        return;
      case "instance":
        this.#addInstance();
        return;
      case "builtin":
        this.#writer.builtin([this.#random.oneOf([0x24, 0x25, 0x05, 0x0d, 0x1f, 0x22, 0x23, 0x26, 0x28])]);
        return;
      case "outer":
        if (this.#writer.count("component") > 0) this.#writer.aliasOuter("component", 0, 0);
        return;
    }
  }

  #name(prefix: string): string {
    this.#names += 1;
    return `${prefix}-${this.#names}`;
  }

  #part(): Bytes {
    return this.#random.pick(this.#values) ?? primitive.u8;
  }

  /** Defines a value type and names it, so that all later functions may mention it. */
  #addValue(): void {
    const index = this.#writer.type(this.#valueType());
    this.#values.push(typeAt(this.#writer.import("type", this.#name("t"), extern.typeEqual(index))));
  }

  #valueType(): Bytes {
    const part = (): Bytes => this.#part();
    const labels = (): [string, ...string[]] => ["a", ...["b", "c-2", "D"].slice(0, this.#random.below(4))];
    switch (this.#random.below(12)) {
      case 0:
        return valueType.record(...labels().map((label) => [label, part()] as const));
      case 1:
        return valueType.variant(
          ...labels().map((label) => [label, this.#random.chance(0.5) ? part() : undefined] as const),
        );
      case 2:
        return valueType.list(part(), this.#random.chance(0.3) ? this.#random.between(1, 20) : undefined);
      case 3:
        return valueType.tuple(...labels().map(part));
      case 4:
        return valueType.flags(...labels());
      case 5:
        return valueType.enum(...labels());
      case 6:
        return valueType.option(part());
      case 7:
        return valueType.result(part(), this.#random.chance(0.5) ? part() : undefined);
      case 8:
        return valueType.future(part());
      case 9:
        return valueType.map(primitive.string, part());
      case 10:
        return valueType.stream(primitive.u8);
      default:
        return valueType.list(part());
    }
  }

  #functionType(): number {
    const params = Array.from({ length: this.#random.below(4) }, (_, index) => [`p${index}`, this.#part()] as const);
    const result = this.#random.chance(0.6) ? this.#part() : undefined;
    return this.#writer.type(functionOf(params, result, this.#random.chance(0.2) ? 0x43 : 0x40));
  }

  #addResource(): void {
    const title = this.#name("r");
    const index = this.#writer.import("type", title, extern.resource);
    this.#resources.push(index);
    const own = typeAt(this.#writer.type(valueType.own(index)));
    this.#values.push(own);
    const borrow = typeAt(this.#writer.type(valueType.borrow(index)));
    const method = this.#writer.type(functionOf([["self", borrow]], primitive.u32));
    this.#writer.import("function", `[method]${title}.get`, extern.function(method));
    this.#writer.import("function", `[constructor]${title}`, extern.function(this.#writer.type(functionOf([], own))));
    this.#writer.builtin([0x03, ...u32(index)]);
  }

  /** A core module, instantiated, of which a function is lifted and exported and lowered again. */
  #addCore(): void {
    const writer = this.#writer;
    const module = writer.coreModule(coreModuleWith({ add: [[0x7f, 0x7f], [0x7f]], text: [[0x7f, 0x7f], []] }));
    const instance = writer.coreInstance(module);
    const memory = writer.aliasCore("coreMemory", instance, "memory");
    const realloc = writer.aliasCore("coreFunction", instance, "realloc");
    const options = [option.memory(memory), option.realloc(realloc)];
    const isText = this.#random.chance(0.5);
    const core = writer.aliasCore("coreFunction", instance, isText ? "text" : "add");
    const type = isText
      ? functionOf([["text", primitive.string]])
      : functionOf(
          [
            ["a", this.#random.pick<Bytes>([primitive.u32, primitive.s8, primitive.char]) ?? primitive.u8],
            ["b", primitive.bool],
          ],
          primitive.u32,
        );
    const lifted = writer.lift(core, writer.type(type), ...(isText ? options : []));
    writer.lower(writer.export("function", this.#name("e"), { index: lifted }), ...options);
    if (this.#random.chance(0.3)) writer.coreExports(["f", [0x00, ...u32(core)]]);
  }

  /** A component inside, and an instance of it with what it imports. */
  #addNested(): void {
    const writer = this.#writer;
    if (this.#depth < 2 && this.#random.chance(0.4)) {
      writer.component(generateComponent(this.#random, this.#depth + 1));
      return;
    }
    const inner = componentWith((nested) => {
      const resource = nested.import("type", "r", extern.resource);
      const own = typeAt(nested.type(valueType.own(resource)));
      const func = nested.import("function", "f", extern.function(nested.type(functionOf([["x", own]]))));
      nested.export("function", "g", { index: func });
      nested.export("type", "s", { index: nested.resource() });
    });
    const component = writer.component(inner);
    const resource = this.#resources[0] ?? writer.import("type", this.#name("r"), extern.resource);
    const own = typeAt(writer.type(valueType.own(resource)));
    const func = writer.import("function", this.#name("f"), extern.function(writer.type(functionOf([["x", own]]))));
    const instance = writer.instance(component, ["r", at(sort.type, resource)], ["f", at(sort.function, func)]);
    const alias = writer.alias("function", instance, "g");
    writer.export("function", this.#name("e"), { index: alias });
    const type = writer.export("type", this.#name("s"), { index: writer.alias("type", instance, "s") });
    writer.builtin([0x03, ...u32(type)]);
  }

  /** An instance of an interface that is imported, and a bag of exports. */
  #addInstance(): void {
    const writer = this.#writer;
    const type = writer.type(
      instanceType(
        declare.export("r", extern.resource),
        declare.type(valueType.record(["x", primitive.u32])),
        declare.export("t", extern.typeEqual(1)),
        declare.type(valueType.borrow(0)),
        declare.type(
          functionOf(
            [
              ["self", typeAt(3)],
              ["y", typeAt(2)],
            ],
            primitive.string,
          ),
        ),
        declare.export("[method]r.f", extern.function(4)),
      ),
    );
    const instance = writer.import("instance", `a:b/${this.#name("i")}@0.2.${this.#names}`, extern.instance(type));
    this.#resources.push(writer.alias("type", instance, "r"));
    const func = writer.alias("function", instance, "[method]r.f");
    const bag = writer.instanceOf(["f", at(sort.function, func)], ["i", at(sort.instance, instance)]);
    if (this.#random.chance(0.5)) writer.export("instance", this.#name("e"), { index: bag });
  }
}
