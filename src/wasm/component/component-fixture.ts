import {
  type Bytes,
  code,
  componentPreamble,
  exportOf,
  exports as coreExports,
  functions,
  functionType,
  i32,
  memories,
  moduleOf,
  name,
  section,
  types as coreTypes,
  u32,
  vector,
} from "../module-fixture.ts";

/** The primitive types by name, as `valtype` writes them. */
export const primitive = {
  bool: [0x7f],
  s8: [0x7e],
  u8: [0x7d],
  s16: [0x7c],
  u16: [0x7b],
  s32: [0x7a],
  u32: [0x79],
  s64: [0x78],
  u64: [0x77],
  f32: [0x76],
  f64: [0x75],
  char: [0x74],
  string: [0x73],
  errorContext: [0x64],
} as const satisfies Record<string, Bytes>;

const optional = (bytes: Bytes | undefined): Bytes => (bytes === undefined ? [0] : [1, ...bytes]);
const labelled = ([label, type]: readonly [string, Bytes]): Bytes => [...name(label), ...type];

/** A value type's definition, by its constructor; the parts are `valtype`s. */
export const valueType = {
  record: (...fields: readonly (readonly [string, Bytes])[]): Bytes => [0x72, ...vector(...fields.map(labelled))],
  variant: (...cases: readonly (readonly [string, Bytes | undefined])[]): Bytes => [
    0x71,
    ...vector(...cases.map(([label, type]) => [...name(label), ...optional(type), 0])),
  ],
  list: (element: Bytes, length?: number): Bytes =>
    length === undefined ? [0x70, ...element] : [0x67, ...element, ...u32(length)],
  tuple: (...parts: readonly Bytes[]): Bytes => [0x6f, ...vector(...parts)],
  flags: (...labels: readonly string[]): Bytes => [0x6e, ...vector(...labels.map(name))],
  enum: (...labels: readonly string[]): Bytes => [0x6d, ...vector(...labels.map(name))],
  option: (type: Bytes): Bytes => [0x6b, ...type],
  result: (ok?: Bytes, error?: Bytes): Bytes => [0x6a, ...optional(ok), ...optional(error)],
  own: (resource: number): Bytes => [0x69, ...u32(resource)],
  borrow: (resource: number): Bytes => [0x68, ...u32(resource)],
  stream: (element?: Bytes): Bytes => [0x66, ...optional(element)],
  future: (element?: Bytes): Bytes => [0x65, ...optional(element)],
  map: (key: Bytes, value: Bytes): Bytes => [0x63, ...key, ...value],
};

/** A type by its index, as `valtype` writes it: a signed integer. */
export function typeAt(index: number): Bytes {
  const bytes = [...u32(index)];
  const last = bytes.pop() ?? 0;
  return last < 0x40 ? [...bytes, last] : [...bytes, last | 0x80, 0];
}

/** A function type of labelled parameters. */
export function functionOf(params: readonly (readonly [string, Bytes])[], result?: Bytes, form = 0x40): Bytes {
  return [form, ...vector(...params.map(labelled)), ...(result === undefined ? [1, 0] : [0, ...result])];
}

/** What an import or export is, as `externtype` writes it. */
export const extern = {
  module: (coreType: number): Bytes => [0x00, 0x11, ...u32(coreType)],
  function: (type: number): Bytes => [0x01, ...u32(type)],
  typeEqual: (type: number): Bytes => [0x03, 0x00, ...u32(type)],
  resource: [0x03, 0x01],
  component: (type: number): Bytes => [0x04, ...u32(type)],
  instance: (type: number): Bytes => [0x05, ...u32(type)],
} as const;

/** The bytes of sorts. */
export const sort = {
  coreFunction: [0x00, 0x00],
  coreMemory: [0x00, 0x02],
  coreType: [0x00, 0x10],
  coreModule: [0x00, 0x11],
  function: [0x01],
  type: [0x03],
  component: [0x04],
  instance: [0x05],
} as const satisfies Record<string, Bytes>;

/** A declaration inside a component type or instance type. */
export const declare = {
  type: (type: Bytes): Bytes => [0x01, ...type],
  alias: (alias: Bytes): Bytes => [0x02, ...alias],
  import: (title: string, type: Bytes): Bytes => [0x03, 0x00, ...name(title), ...type],
  export: (title: string, type: Bytes): Bytes => [0x04, 0x00, ...name(title), ...type],
};

/** The type of an instance, or of a component, with the declarations. */
export const instanceType = (...declarations: readonly Bytes[]): Bytes => [0x42, ...vector(...declarations)];
export const componentType = (...declarations: readonly Bytes[]): Bytes => [0x41, ...vector(...declarations)];

/** A definition by its sort and index. */
export const at = (of: Bytes, index: number): Bytes => [...of, ...u32(index)];

/** The options of canonical definitions. */
export const option = {
  utf8: [0x00],
  utf16: [0x01],
  memory: (index: number): Bytes => [0x03, ...u32(index)],
  realloc: (index: number): Bytes => [0x04, ...u32(index)],
  postReturn: (index: number): Bytes => [0x05, ...u32(index)],
  async: [0x06],
  callback: (index: number): Bytes => [0x07, ...u32(index)],
} as const;

/** Which sections stand for which definitions. */
const sectionOf = { coreInstance: 2, coreType: 3, instance: 5, alias: 6, type: 7, canon: 8, import: 10, export: 11 };

/** Writes a component one definition at a time; where a definition has an index, its method answers it. */
export class ComponentWriter {
  readonly #sections: Bytes[] = [];
  readonly #counts = new Map<string, number>();

  /** How many definitions of a sort there are. */
  count(of: string): number {
    return this.#counts.get(of) ?? 0;
  }

  /** Adds any section. */
  section(id: number, content: Bytes): void {
    this.#sections.push(section(id, content));
  }

  type(type: Bytes): number {
    return this.#add("type", sectionOf.type, type);
  }

  /** A resource type that an i32 stands for. */
  resource(destructor?: number): number {
    return this.type([0x3f, i32, ...optional(destructor === undefined ? undefined : u32(destructor))]);
  }

  coreType(type: Bytes): number {
    return this.#add("coreType", sectionOf.coreType, type);
  }

  coreModule(bytes: Uint8Array): number {
    this.#sections.push(section(1, [...bytes]));
    return this.#push("coreModule");
  }

  component(bytes: Uint8Array): number {
    this.#sections.push(section(4, [...bytes]));
    return this.#push("component");
  }

  coreInstance(module: number, ...args: readonly (readonly [string, number])[]): number {
    const written = args.map(([title, instance]) => [...name(title), 0x12, ...u32(instance)]);
    return this.#add("coreInstance", sectionOf.coreInstance, [0x00, ...u32(module), ...vector(...written)]);
  }

  coreExports(...items: readonly (readonly [string, Bytes])[]): number {
    const written = items.map(([title, item]) => [...name(title), ...item]);
    return this.#add("coreInstance", sectionOf.coreInstance, [0x01, ...vector(...written)]);
  }

  instance(component: number, ...args: readonly (readonly [string, Bytes])[]): number {
    const written = args.map(([title, item]) => [...name(title), ...item]);
    return this.#add("instance", sectionOf.instance, [0x00, ...u32(component), ...vector(...written)]);
  }

  instanceOf(...items: readonly (readonly [string, Bytes])[]): number {
    const written = items.map(([title, item]) => [0x00, ...name(title), ...item]);
    return this.#add("instance", sectionOf.instance, [0x01, ...vector(...written)]);
  }

  alias(of: keyof typeof sort, instance: number, title: string): number {
    return this.#add(of, sectionOf.alias, [...sort[of], 0x00, ...u32(instance), ...name(title)]);
  }

  aliasCore(of: "coreFunction" | "coreMemory", instance: number, title: string): number {
    return this.#add(of, sectionOf.alias, [...sort[of], 0x01, ...u32(instance), ...name(title)]);
  }

  aliasOuter(of: keyof typeof sort, count: number, index: number): number {
    return this.#add(of, sectionOf.alias, [...sort[of], 0x02, ...u32(count), ...u32(index)]);
  }

  lift(core: number, type: number, ...options: readonly Bytes[]): number {
    return this.#add("function", sectionOf.canon, [0, 0, ...u32(core), ...vector(...options), ...u32(type)]);
  }

  lower(func: number, ...options: readonly Bytes[]): number {
    return this.builtin([1, 0, ...u32(func), ...vector(...options)]);
  }

  /** Any canonical definition of a core function. */
  builtin(content: Bytes): number {
    return this.#add("coreFunction", sectionOf.canon, content);
  }

  import(of: keyof typeof sort, title: string, type: Bytes): number {
    return this.#add(of, sectionOf.import, [0x00, ...name(title), ...type]);
  }

  export(of: keyof typeof sort, title: string, exported: { readonly index: number; readonly type?: Bytes }): number {
    const item = at(sort[of], exported.index);
    return this.#add(of, sectionOf.export, [0x00, ...name(title), ...item, ...optional(exported.type)]);
  }

  /** The bytes of the component. */
  finish(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from([...componentPreamble, ...this.#sections.flat()]);
  }

  #add(of: string, id: number, content: Bytes): number {
    this.#sections.push(section(id, vector(content)));
    return this.#push(of);
  }

  #push(of: string): number {
    const index = this.count(of);
    this.#counts.set(of, index + 1);
    return index;
  }
}

/** The bytes of a component that `write` fills. */
export function componentWith(write: (writer: ComponentWriter) => void): Uint8Array<ArrayBuffer> {
  const writer = new ComponentWriter();
  write(writer);
  return writer.finish();
}

/**
 * A core module that exports `memory`, `realloc` and functions of the types, each of which traps; a type is its parameters
 * and results, a byte each.
 */
export function coreModuleWith(
  exported: Readonly<Record<string, readonly [params: Bytes, results: Bytes]>>,
): Uint8Array<ArrayBuffer> {
  const entries = [...Object.entries(exported), ["realloc", [[i32, i32, i32, i32], [i32]]] as const];
  return moduleOf(
    coreTypes(...entries.map(([, [params, results]]) => functionType(params, results))),
    functions(...entries.keys()),
    memories([0, 1]),
    coreExports(exportOf("memory", 2, 0), ...entries.map(([title], index) => exportOf(title, 0, index))),
    code(...entries.map((): Bytes => [0x00])),
  );
}
