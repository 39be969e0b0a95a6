import { SampanError } from "../../base/index.ts";
import { isPrimitive, isValueType } from "./kinds.ts";
import type { ComponentValueType, DefinedType, ExternType, ResourceType } from "./types.ts";

/** What the validator asks of a type again and again, worked out once. */
export interface Facts {
  /** Number of types that it consists of, as if nothing were shared. */
  readonly size: number;
  /** How deep types are nested in it. */
  readonly depth: number;
  /** Alignment and size in bytes of an element in a 64-bit memory (component model, Canonical ABI: Element Size). */
  readonly alignment: number;
  readonly byteSize: number;
  readonly hasBorrow: boolean;
  /** Whether a list or string is in it, which takes a memory to pass. */
  readonly hasPointer: boolean;
  /** Resource types that it mentions and does not introduce. */
  readonly free: ReadonlySet<ResourceType>;
  /** Resource types that an instance type introduces. */
  readonly bound: ReadonlySet<ResourceType>;
}

/** Most types that one type may consist of, and most that they may be nested. */
const mostParts = 1_000_000;
const mostDepth = 100;

/** Visits of types in one decoding after which it is given up, and how many of them a copy counts for. */
const mostWork = 10_000_000;
const copyWork = 20;

const none: ReadonlySet<ResourceType> = new Set();

const leafSizes: Readonly<Record<string, number>> = {
  bool: 1,
  s8: 1,
  u8: 1,
  s16: 2,
  u16: 2,
  s32: 4,
  u32: 4,
  s64: 8,
  u64: 8,
  f32: 4,
  f64: 8,
  char: 4,
  "error-context": 4,
  own: 4,
  borrow: 4,
  stream: 4,
  future: 4,
};

interface MutableFacts {
  size: number;
  depth: number;
  alignment: number;
  byteSize: number;
  hasBorrow: boolean;
  hasPointer: boolean;
  free: ReadonlySet<ResourceType>;
  bound: ReadonlySet<ResourceType>;
}

function startFacts(): MutableFacts {
  return {
    size: 1,
    depth: 1,
    alignment: 1,
    byteSize: 0,
    hasBorrow: false,
    hasPointer: false,
    free: none,
    bound: none,
  };
}

function alignTo(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function union(left: ReadonlySet<ResourceType>, right: ReadonlySet<ResourceType>): ReadonlySet<ResourceType> {
  if (right.size === 0 || left === right) return left;
  return left.size === 0 ? right : left.union(right);
}

/** Bytes of the discriminant of a variant of so many cases (Canonical ABI: Alignment). */
export function discriminantSize(cases: number): number {
  if (cases <= 0x100) return 1;
  return cases <= 0x10000 ? 2 : 4;
}

/** The cases of what the Canonical ABI passes as a variant. */
export function casesOf(
  type: ComponentValueType & { readonly kind: "variant" | "enum" | "option" | "result" },
): readonly (ComponentValueType | undefined)[] {
  switch (type.kind) {
    case "variant":
      return type.cases.map((one) => one.type);
    case "enum":
      return type.names.map(() => undefined);
    case "option":
      return [undefined, type.type];
    case "result":
      return [type.ok, type.error];
  }
}

/** Works facts out and remembers them; it also refuses types beyond what any tool makes. */
export class TypeFacts {
  readonly #known = new WeakMap<object, Facts>();
  #work = 0;

  /**
   * The facts of a type.
   *
   * @throws WASM_FEATURE where a type is too large or nested too deeply
   */
  of(type: DefinedType): Facts {
    const known = this.#known.get(type);
    if (known !== undefined) return known;
    const facts = this.#compute(type);
    if (facts.size > mostParts) throw tooMuch(`a type of more than ${mostParts} parts`);
    if (facts.depth > mostDepth) throw tooMuch(`types nested deeper than ${mostDepth}`);
    this.#known.set(type, facts);
    return facts;
  }

  /**
   * Counts work that a walk over types is about to do.
   *
   * @throws WASM_FEATURE where all walks together take too long
   */
  spend(visits: number): void {
    this.#work += visits;
    if (this.#work > mostWork) throw tooMuch("types that take too long to check");
  }

  /**
   * Counts types that are about to be copied, which takes memory too.
   *
   * @throws WASM_FEATURE where all copies together are too many
   */
  spendCopies(copies: number): void {
    this.spend(copies * copyWork);
  }

  #compute(type: DefinedType): Facts {
    if (isValueType(type)) return this.#value(type);
    switch (type.kind) {
      case "resource":
        return { ...startFacts(), free: new Set([type]) };
      case "function": {
        const facts = startFacts();
        for (const param of type.params) this.#contain(facts, param.type);
        if (type.result !== undefined) this.#contain(facts, type.result);
        return facts;
      }
      case "instance":
        return this.#externs([type.exports]);
      case "component":
        return { ...this.#externs([type.imports, type.exports]), bound: none };
    }
  }

  #externs(maps: readonly ReadonlyMap<string, ExternType>[]): Facts {
    const facts = startFacts();
    const free = new Set<ResourceType>();
    const bound = new Set<ResourceType>();
    for (const map of maps) {
      for (const extern of map.values()) {
        facts.size += 1;
        if (extern.kind === "core-module") continue;
        if (extern.kind === "type" && extern.isFresh && extern.type.kind === "resource") {
          bound.add(extern.type);
          continue;
        }
        const inner = this.of(extern.type);
        facts.size += inner.size;
        facts.depth = Math.max(facts.depth, inner.depth + 1);
        for (const resource of inner.free) if (!bound.has(resource)) free.add(resource);
        if (extern.kind === "instance") for (const resource of inner.bound) bound.add(resource);
      }
    }
    this.spendCopies((free.size + bound.size) / 4);
    return { ...facts, free, bound };
  }

  #contain(facts: MutableFacts, type: ComponentValueType): Facts {
    const inner = this.of(type);
    facts.size += inner.size;
    facts.depth = Math.max(facts.depth, inner.depth + 1);
    facts.hasBorrow ||= inner.hasBorrow;
    facts.hasPointer ||= inner.hasPointer;
    facts.free = union(facts.free, inner.free);
    return inner;
  }

  #value(type: ComponentValueType): Facts {
    const facts = startFacts();
    if (isPrimitive(type)) {
      if (type.kind === "string") pointerPair(facts);
      else this.#leaf(facts, type);
      return facts;
    }
    switch (type.kind) {
      case "record":
        this.#sequence(
          facts,
          type.fields.map((field) => field.type),
        );
        break;
      case "tuple":
        this.#sequence(facts, type.types);
        break;
      case "flags":
        facts.byteSize = facts.alignment = type.names.length <= 8 ? 1 : type.names.length <= 16 ? 2 : 4;
        break;
      case "variant":
      case "enum":
      case "option":
      case "result":
        this.#cases(facts, casesOf(type));
        break;
      case "list":
        this.#list(facts, type.element, type.length);
        break;
      case "map":
        this.#contain(facts, type.key);
        this.#contain(facts, type.value);
        pointerPair(facts);
        break;
      case "own":
      case "borrow":
      case "stream":
      case "future":
        this.#leaf(facts, type);
    }
    return facts;
  }

  #leaf(facts: MutableFacts, type: ComponentValueType): void {
    facts.byteSize = facts.alignment = leafSizes[type.kind] ?? 4;
    if (type.kind === "own" || type.kind === "borrow") {
      facts.free = new Set([type.resource]);
      facts.hasBorrow = type.kind === "borrow";
    }
    if ((type.kind !== "stream" && type.kind !== "future") || type.element === undefined) return;
    this.#contain(facts, type.element);
    facts.hasPointer = false;
  }

  #sequence(facts: MutableFacts, types: readonly ComponentValueType[]): void {
    for (const type of types) {
      const inner = this.#contain(facts, type);
      facts.byteSize = alignTo(facts.byteSize, inner.alignment) + inner.byteSize;
      facts.alignment = Math.max(facts.alignment, inner.alignment);
    }
    facts.byteSize = alignTo(facts.byteSize, facts.alignment);
  }

  #cases(facts: MutableFacts, types: readonly (ComponentValueType | undefined)[]): void {
    const discriminant = discriminantSize(types.length);
    let [payload, alignment] = [0, 1];
    for (const type of types) {
      if (type === undefined) continue;
      const inner = this.#contain(facts, type);
      payload = Math.max(payload, inner.byteSize);
      alignment = Math.max(alignment, inner.alignment);
    }
    facts.alignment = Math.max(discriminant, alignment);
    facts.byteSize = alignTo(alignTo(discriminant, alignment) + payload, facts.alignment);
  }

  #list(facts: MutableFacts, element: ComponentValueType, length: number | undefined): void {
    const inner = this.#contain(facts, element);
    if (length === undefined) return pointerPair(facts);
    facts.alignment = inner.alignment;
    facts.byteSize = inner.byteSize * length;
  }
}

function pointerPair(facts: MutableFacts): void {
  facts.alignment = 8;
  facts.byteSize = 16;
  facts.hasPointer = true;
}

function tooMuch(what: string): SampanError {
  return new SampanError("WASM_FEATURE", `Cannot read the component: it has ${what}`);
}
