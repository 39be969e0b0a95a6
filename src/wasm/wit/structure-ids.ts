import type { ComponentValueType, ResourceType } from "../component-parts.ts";
import { isPrimitive } from "./model.ts";

/** Numbers types so that equal ones have the same number, whatever objects they are. */
export class StructureIds {
  readonly #ids = new Map<object, number>();
  readonly #byText = new Map<string, number>();
  #resources = 0;

  /** The number of a type. */
  of(type: ComponentValueType): number {
    const known = this.#ids.get(type);
    if (known !== undefined) return known;
    const text = this.#text(type);
    const id = this.#byText.get(text) ?? this.#byText.size;
    this.#byText.set(text, id);
    this.#ids.set(type, id);
    return id;
  }

  #optional(type: ComponentValueType | undefined): number | null {
    return type === undefined ? null : this.of(type);
  }

  #resource(resource: ResourceType): number {
    const known = this.#ids.get(resource);
    if (known !== undefined) return known;
    this.#resources += 1;
    this.#ids.set(resource, this.#resources);
    return this.#resources;
  }

  #text(type: ComponentValueType): string {
    if (isPrimitive(type)) return type.kind;
    return JSON.stringify([type.kind, ...this.#parts(type)]);
  }

  #parts(type: ComponentValueType): readonly unknown[] {
    if (isPrimitive(type)) return [];
    switch (type.kind) {
      case "record":
        return type.fields.map((each) => [each.name, this.of(each.type)]);
      case "variant":
        return type.cases.map((each) => [each.name, this.#optional(each.type)]);
      case "list":
        return [this.of(type.element), type.length];
      case "tuple":
        return type.types.map((each) => this.of(each));
      case "flags":
      case "enum":
        return type.names;
      case "option":
        return [this.of(type.type)];
      case "result":
        return [this.#optional(type.ok), this.#optional(type.error)];
      case "own":
      case "borrow":
        return [this.#resource(type.resource)];
      case "stream":
      case "future":
        return [this.#optional(type.element)];
      case "map":
        return [this.of(type.key), this.of(type.value)];
    }
  }
}
