import type { ComponentValueType, ResourceType } from "../../wasm/component/index.ts";
import { type FlatType, fieldsOf, type Layout, maxByteLength, partsOf } from "../canonical/layout.ts";
import type { CodeWriter, Local } from "./code-writer.ts";
import { stringCarrier } from "./strings.ts";
import {
  checkCase,
  checkChar,
  eachCase,
  elementOf,
  isInMemory,
  isWord,
  kept,
  loads,
  maskOf,
  narrowed,
  scalars,
  stores,
  widening,
  type Word,
} from "./value-code.ts";
import { allocator, checkAlignment, checkBounds, source, target, trapIf, type Way } from "./way.ts";

/** A place in memory: what a local points at, and so many bytes on. */
export interface Place {
  readonly at: Local;
  readonly offset: number;
}

/** So many parts a type has before its code is a function of its own: parts are shared, code would not be. */
const mostInline = 40;

/** Writes the code that carries values from one instance to another (Canonical ABI, Loading to Flat Lowering). */
export class ValueWriter {
  readonly #layout: Layout;
  readonly #slotOf: (type: { readonly resource: ResourceType }) => number;
  readonly #sizes = new Map<ComponentValueType, number>();
  readonly #solid = new Map<ComponentValueType, boolean>();
  readonly #numbers = new Map<ComponentValueType, number>();

  constructor(layout: Layout, slotOf: (type: { readonly resource: ResourceType }) => number) {
    this.#layout = layout;
    this.#slotOf = slotOf;
  }

  /** Carries a value that is passed as core values; answers the core values that the other side gets. */
  flat(code: CodeWriter, way: Way, type: ComponentValueType, values: readonly Local[]): readonly Local[] {
    if (!this.#isLarge(type)) return this.#flatInline(code, way, type, values);
    const types = values.map((each) => each.type);
    const key = `${way.name} flat ${this.#numberOf(type)}`;
    const outlined = way.module.functionOf(key, { params: types, results: types }, (inner) => {
      inner.do(...this.#flatInline(inner, way, type, inner.params));
    });
    const results = types.map((each) => code.local(each));
    code.do(...values).call(outlined);
    for (const result of results.toReversed()) code.set(result);
    return results;
  }

  /** Carries a value from the source's memory to the target's; both places are aligned and inside. */
  copy(code: CodeWriter, way: Way, type: ComponentValueType, places: readonly [from: Place, to: Place]): void {
    if (!this.#isLarge(type)) {
      this.#copyInline(code, way, type, places);
      return;
    }
    const key = `${way.name} copy ${this.#numberOf(type)}`;
    const outlined = way.module.functionOf(key, { params: ["i32", "i32"], results: [] }, (inner) => {
      const [from, to] = inner.params as [Local, Local];
      const start = [{ at: from, offset: 0 }, { at: to, offset: 0 }] as const; // prettier-ignore
      this.#copyInline(inner, way, type, start);
    });
    for (const { at, offset } of places) code.do(at, offset, "i32.add");
    code.call(outlined);
  }

  #flatInline(code: CodeWriter, way: Way, type: ComponentValueType, values: readonly Local[]): readonly Local[] {
    const [first, second] = values;
    if (first === undefined) throw new TypeError("A value type has no core values");
    const scalar = scalars[type.kind];
    if (scalar !== undefined) return [kept(code, first, scalar.fromFlat)];
    if (isWord(type)) return [this.#word(code, way, type, first)];
    if (isInMemory(type)) return this.#carry(code, way, type, [first, second as Local]);
    const parts = type.kind === "list" ? Array.from({ length: type.length ?? 0 }, () => type.element) : fieldsOf(type);
    return parts === undefined ? this.#flatVariant(code, way, type, values) : this.#flatAll(code, way, parts, values);
  }

  #flatAll(
    code: CodeWriter,
    way: Way,
    types: readonly ComponentValueType[],
    values: readonly Local[],
  ): readonly Local[] {
    let at = 0;
    return types.flatMap((type) => {
      const count = this.#flatTypes(type).length;
      at += count;
      return this.flat(code, way, type, values.slice(at - count, at));
    });
  }

  #flatTypes(type: ComponentValueType): readonly FlatType[] {
    const flat = this.#layout.flatten(type);
    if (flat === undefined) throw new TypeError("A value that is passed by way of memory was to be flat");
    return flat;
  }

  /** Carries what a pointer and a length stand for. */
  #carry(code: CodeWriter, way: Way, type: ComponentValueType, [at, length]: readonly [Local, Local]): [Local, Local] {
    const to: [Local, Local] = [code.scratch(), code.scratch()];
    code.do(at, length);
    if (type.kind === "string") code.call(stringCarrier(way)).set(to[1]).set(to[0]);
    else {
      code.call(this.#listCarrier(way, elementOf(this.#layout, type))).set(to[0]);
      code.do(length).set(to[1]);
    }
    return to;
  }

  /** Carries one core value whose bits mean something. */
  #word(code: CodeWriter, way: Way, type: Word, value: Local): Local {
    if (type.kind === "char") {
      checkChar(code, way, value);
      return value;
    }
    const to = code.scratch();
    if (type.kind === "flags") code.do(value, maskOf(type.names.length), "i32.and");
    else code.do(this.#slotOf(type), value).call(type.kind === "own" ? way.transferOwn : way.transferBorrow);
    code.set(to);
    return to;
  }

  /** The function that carries a list (pointer, length → pointer in the target). */
  #listCarrier(way: Way, element: ComponentValueType): number {
    const type = { params: ["i32", "i32"], results: ["i32"] } as const;
    return way.module.functionOf(`${way.name} list ${this.#numberOf(element)}`, type, (code) => {
      const [at, length] = code.params as [Local, Local];
      const [bytes, to] = [code.local(), code.local()];
      const [size, alignment] = [this.#layout.sizeOf(element), this.#layout.alignmentOf(element)];
      code.do(length, Math.floor(maxByteLength / size), "i32.gt_u");
      trapIf(code, way, "list-too-long");
      checkAlignment(code, way, at, alignment);
      code.do(length, size, "i32.mul").set(bytes);
      checkBounds(code, way, { at, bytes, reason: "list-out-of-bounds" });
      code.do(0, 0, alignment, bytes).call(allocator(way, "list")).set(to);
      const [from, start] = [
        { at, offset: 0 },
        { at: to, offset: 0 },
      ];
      this.#elements(code, way, element, [from, start], bytes);
      code.do(to);
    });
  }

  /** Carries elements that lie one after the other, so many bytes of them. */
  #elements(
    code: CodeWriter,
    way: Way,
    element: ComponentValueType,
    [from, to]: readonly [Place, Place],
    bytes: Local | number,
  ): void {
    if (this.#isSolid(element)) {
      code.do(to.at, to.offset, "i32.add", from.at, from.offset, "i32.add", bytes);
      code.memoryCopy(target(way), source(way));
      return;
    }
    const size = this.#layout.sizeOf(element);
    const [left, here, there] = [code.scratch(), code.scratch(), code.scratch()];
    code.do(bytes).set(left).do(from.at, from.offset, "i32.add").set(here);
    code.do(to.at, to.offset, "i32.add").set(there);
    code.block((over) => {
      code.loop((again) => {
        code.do(left, "i32.eqz").brIf(over);
        const places = [{ at: here, offset: 0 }, { at: there, offset: 0 }] as const; // prettier-ignore
        this.copy(code, way, element, places);
        code.do(here, size, "i32.add").set(here).do(there, size, "i32.add").set(there);
        code.do(left, size, "i32.sub").set(left).br(again);
      });
    });
    code.free(left, here, there);
  }

  #copyInline(code: CodeWriter, way: Way, type: ComponentValueType, [from, to]: readonly [Place, Place]): void {
    const scalar = scalars[type.kind];
    if (scalar !== undefined) {
      code.do(to.at, from.at).access(scalar.load, source(way), from.offset);
      code.do(...(scalar.fromMemory ?? [])).access(scalar.store, target(way), to.offset);
      return;
    }
    const fields = fieldsOf(type);
    if (fields !== undefined) {
      this.#copyFields(code, way, fields, [from, to]);
      return;
    }
    if (isWord(type)) this.#copyWord(code, way, type, [from, to]);
    else if (isInMemory(type)) {
      const [at, length] = [code.scratch(), code.scratch()];
      code.do(from.at).access("i32.load", source(way), from.offset).set(at);
      code
        .do(from.at)
        .access("i32.load", source(way), from.offset + 4)
        .set(length);
      const carried = this.#carry(code, way, type, [at, length]);
      code.do(to.at, carried[0]).access("i32.store", target(way), to.offset);
      code.do(to.at, carried[1]).access("i32.store", target(way), to.offset + 4);
      code.free(at, length, ...carried);
    } else if (type.kind === "list") this.#elements(code, way, type.element, [from, to], this.#layout.sizeOf(type));
    else this.#copyVariant(code, way, type, [from, to]);
  }

  /** Carries the parts of a record. */
  #copyFields(
    code: CodeWriter,
    way: Way,
    fields: readonly ComponentValueType[],
    [from, to]: readonly [Place, Place],
  ): void {
    const offsets = this.#layout.offsetsOf(fields);
    for (const [index, field] of fields.entries()) {
      const offset = offsets[index] ?? 0;
      this.copy(code, way, field, [
        { at: from.at, offset: from.offset + offset },
        { at: to.at, offset: to.offset + offset },
      ]);
    }
  }

  /** Carries a value that is one core value of checked bits. */
  #copyWord(code: CodeWriter, way: Way, type: Word, [from, to]: readonly [Place, Place]): void {
    const size = this.#layout.sizeOf(type) as 1 | 2 | 4;
    const word = code.scratch();
    code.do(from.at).access(loads[size], source(way), from.offset).set(word);
    const carried = this.#word(code, way, type, word);
    code.do(to.at, carried).access(stores[size], target(way), to.offset);
    code.free(...new Set([word, carried]));
  }

  #flatVariant(code: CodeWriter, way: Way, type: ComponentValueType, values: readonly Local[]): readonly Local[] {
    const cases = this.#casesOf(type);
    const [index, ...payload] = values as [Local, ...Local[]];
    checkCase(code, way, index, cases.length);
    const results = payload.map((each) => code.local(each.type));
    eachCase(code, index, cases, (inner) => {
      const given = this.#flatTypes(inner).map((want, at) => narrowed(code, payload[at] as Local, want));
      for (const [at, core] of this.flat(code, way, inner, given).entries()) {
        const result = results[at] as Local;
        code.do(core, ...widening(core.type as FlatType, result.type as FlatType)).set(result);
      }
    });
    return [index, ...results];
  }

  #copyVariant(code: CodeWriter, way: Way, type: ComponentValueType, [from, to]: readonly [Place, Place]): void {
    const layout = this.#layout.variantOf(type);
    if (layout === undefined) throw new TypeError(`No adapter carries a ${type.kind}`);
    const { cases, discriminantSize, payloadOffset } = layout;
    const index = code.scratch();
    code.do(from.at).access(loads[discriminantSize], source(way), from.offset).set(index);
    checkCase(code, way, index, cases.length);
    code.do(to.at, index).access(stores[discriminantSize], target(way), to.offset);
    eachCase(code, index, cases, (inner) => {
      this.copy(code, way, inner, [
        { at: from.at, offset: from.offset + payloadOffset },
        { at: to.at, offset: to.offset + payloadOffset },
      ]);
    });
    code.free(index);
  }

  #casesOf(type: ComponentValueType): readonly (ComponentValueType | undefined)[] {
    const variant = this.#layout.variantOf(type);
    if (variant === undefined) throw new TypeError(`No adapter carries a ${type.kind}`);
    return variant.cases;
  }

  #numberOf(type: ComponentValueType): number {
    const number = this.#numbers.get(type) ?? this.#numbers.size;
    this.#numbers.set(type, number);
    return number;
  }

  #isLarge(type: ComponentValueType): boolean {
    return this.#partCount(type) > mostInline;
  }

  /** Parts that the code of a type has where large ones have functions of their own. */
  #partCount(type: ComponentValueType): number {
    const known = this.#sizes.get(type);
    if (known !== undefined) return known;
    let count = type.kind === "enum" || type.kind === "string" ? 2 : 1;
    const isInline = type.kind !== "map" && (type.kind !== "list" || type.length !== undefined);
    const parts = isInline ? partsOf(type) : [];
    const times = type.kind === "list" ? Math.min(type.length ?? 1, 16) : 1;
    // Cases of the same type share their code.
    for (const part of fieldsOf(type) === undefined ? new Set(parts) : parts)
      if (part !== undefined && count <= mostInline) count += 1 + times * this.#partCount(part);
    this.#sizes.set(type, count);
    return count;
  }

  /** Whether all bytes of a value are carried as they are. */
  #isSolid(type: ComponentValueType): boolean {
    let solid = this.#solid.get(type);
    if (solid === undefined) this.#solid.set(type, (solid = this.#computeSolid(type)));
    return solid;
  }

  #computeSolid(type: ComponentValueType): boolean {
    if (type.kind === "flags") return type.names.length === 8 * this.#layout.sizeOf(type);
    if (type.kind === "list") return type.length !== undefined && this.#isSolid(type.element);
    const scalar = scalars[type.kind];
    if (scalar !== undefined) return scalar.fromMemory === undefined;
    const fields = fieldsOf(type);
    if (fields === undefined) return false;
    // Bytes between fields are nobody's to see.
    const bytes = fields.reduce((sum, field) => sum + this.#layout.sizeOf(field), 0);
    return bytes === this.#layout.sizeOf(type) && fields.every((field) => this.#isSolid(field));
  }
}
