import {
  isPrimitive,
  type WitFunction,
  type WitItem,
  type WitType,
  type WitTypeBody,
  type WitTypeDefinition,
  type WitWorld,
  type WitWorldItem,
} from "./model.ts";

/** Where an included item goes. */
export interface Substitution {
  /** Its name there. */
  readonly as: string;
  readonly owner: WitWorld;
  /** Types of the included world and what they are in the other one; a type that is put in joins them. */
  readonly definitions: Map<WitTypeDefinition, WitTypeDefinition>;
  readonly item: WitItem;
}

/** An item of an included world as the including one has it: its types are that world's. */
export function substitute(each: WitWorldItem, { as, owner, definitions, item }: Substitution): WitWorldItem {
  switch (each.kind) {
    case "instance":
      return { kind: "instance", interface: each.interface, ...item };
    case "function":
      return { ...substituteFunction(each, definitions), name: as, ...item };
    case "type": {
      const made: WitTypeDefinition = {
        kind: "type",
        name: as,
        owner,
        ...item,
        body:
          each.body.kind === "resource" ? { kind: "resource", functions: [] } : substituteBody(each.body, definitions),
      };
      definitions.set(each, made);
      if (each.body.kind === "resource") {
        const functions = each.body.functions.map((one) => ({
          ...substituteFunction(one, definitions),
          gate: item.gate ?? one.gate,
        }));
        Object.assign(made, { body: { kind: "resource", functions } satisfies WitTypeBody });
      }
      return made;
    }
  }
}

type Definitions = ReadonlyMap<WitTypeDefinition, WitTypeDefinition>;

function substituteFunction(each: WitFunction, definitions: Definitions): WitFunction {
  return {
    ...each,
    params: each.params.map(({ name, type }) => ({ name, type: substituteType(type, definitions) })),
    result: substituteOptional(each.result, definitions),
  };
}

function substituteBody(body: WitTypeBody, definitions: Definitions): WitTypeBody {
  switch (body.kind) {
    case "record":
      return {
        kind: body.kind,
        fields: body.fields.map((each) => ({ ...each, type: substituteType(each.type, definitions) })),
      };
    case "variant":
      return {
        kind: body.kind,
        cases: body.cases.map((each) => ({ ...each, type: substituteOptional(each.type, definitions) })),
      };
    case "alias":
      return { kind: body.kind, type: substituteType(body.type, definitions) };
    case "flags":
    case "enum":
    case "resource":
    case "use":
      return body;
  }
}

function substituteOptional(type: WitType | undefined, definitions: Definitions): WitType | undefined {
  return type === undefined ? undefined : substituteType(type, definitions);
}

function substituteType(type: WitType, definitions: Definitions): WitType {
  const inner = (each: WitType): WitType => substituteType(each, definitions);
  const optional = (each: WitType | undefined): WitType | undefined => substituteOptional(each, definitions);
  if (isPrimitive(type)) return type;
  switch (type.kind) {
    case "named":
    case "borrow":
      return { kind: type.kind, definition: definitions.get(type.definition) ?? type.definition };
    case "list":
      return { ...type, element: inner(type.element) };
    case "tuple":
      return { ...type, types: type.types.map(inner) };
    case "option":
      return { ...type, type: inner(type.type) };
    case "result":
      return { ...type, ok: optional(type.ok), error: optional(type.error) };
    case "map":
      return { ...type, key: inner(type.key), value: inner(type.value) };
    case "stream":
    case "future":
      return { ...type, element: optional(type.element) };
  }
}
