import type { CanonicalOptions, Definition } from "./definitions.ts";
import { coreFunction, flattenFunction, flattenWithin, maxFlatParams } from "./flatten.ts";
import { expectByte, type Place, unknown } from "./place.ts";
import { printCoreFunction, printType } from "./print.ts";
import { readBuiltin } from "./read-builtins.ts";
import { readTypeOf } from "./read-externs.ts";
import { checkCoreFunction, pointerOf, readOptions, requireFor, requireOption } from "./read-options.ts";
import { readResource } from "./read-values.ts";
import { pushLimited } from "./scope.ts";
import type { ComponentFunctionType, ResourceType } from "./types.ts";

/** Reads a `canon` and pushes the function that it defines (component model, Binary: Canonical Definitions). */
export function readCanonical(place: Place): Definition {
  const { reader, scope } = place;
  const start = reader.offset;
  const code = reader.u8();
  switch (code) {
    case 0x00:
      expectByte(reader, 0x00, "sort of a lift");
      return place.validation.at(`lift of function ${scope.functions.length}`, () => readLift(place));
    case 0x01:
      expectByte(reader, 0x00, "sort of a lower");
      return place.validation.at(`lower to core function ${scope.coreFunctions.length}`, () => readLower(place));
    case 0x02:
    case 0x03:
    case 0x04:
      return readResourceBuiltin(place, code);
    default: {
      const definition = readBuiltin(place, code);
      if (definition === undefined) throw unknown(start, "canonical definition", code);
      pushLimited(scope.coreFunctions, definition.coreType);
      return definition;
    }
  }
}

function readLift(place: Place): Definition {
  const { reader, scope, validation } = place;
  const index = reader.u32();
  const core = validation.item(scope.coreFunctions, index, "core function");
  const options = readOptions(place, ["memory", "realloc", "postReturn", "callback", "async"]);
  const type = readTypeOf(place, "function");
  checkAsync(place, options, type);
  if (options.isAsync && options.callback === undefined) {
    validation.need("stackful-lift", "an asynchronous lift without a callback");
  }
  const pointer = pointerOf(options);
  const flattening = { isAsync: options.isAsync, hasCallback: options.callback !== undefined, pointer };
  const wanted = flattenFunction(type, { ...flattening, direction: "lift" });
  const [is, want] = [printCoreFunction(core), printCoreFunction(wanted)];
  if (is !== want) throw validation.invalid(`core function ${index} is ${is}, wanted ${want} for ${printType(type)}`);
  for (const param of type.params) requireFor(place, options, { type: param.type, into: "guest" });
  requireFor(place, options, { type: type.result, into: "host" });
  const paramTypes = type.params.map((param) => param.type);
  if (flattenWithin(paramTypes, maxFlatParams, pointer) === undefined) requireOption(place, options, "realloc");
  const mostResults = options.isAsync ? maxFlatParams : 1;
  if (type.result !== undefined && flattenWithin([type.result], mostResults, pointer) === undefined) {
    requireOption(place, options, "memory");
  }
  if (options.postReturn !== undefined) {
    checkCoreFunction(place, options.postReturn, coreFunction(wanted.results, []), "post-return");
  }
  pushLimited(scope.functions, type);
  return { kind: "lift", function: index, options, type };
}

function readLower(place: Place): Definition {
  const { reader, scope, validation } = place;
  const index = reader.u32();
  const type = validation.item(scope.functions, index, "function");
  const options = readOptions(place, ["memory", "realloc", "async"]);
  checkAsync(place, options, type);
  const { isAsync } = options;
  const pointer = pointerOf(options);
  const coreType = flattenFunction(type, { direction: "lower", isAsync, hasCallback: false, pointer });
  for (const param of type.params) requireFor(place, options, { type: param.type, into: "host" });
  requireFor(place, options, { type: type.result, into: "guest" });
  const paramTypes = type.params.map((param) => param.type);
  const spills =
    flattenWithin(paramTypes, isAsync ? 4 : maxFlatParams, pointer) === undefined ||
    (type.result !== undefined && flattenWithin([type.result], isAsync ? 0 : 1, pointer) === undefined);
  if (spills) requireOption(place, options, "memory");
  pushLimited(scope.coreFunctions, coreType);
  return { kind: "lower", function: index, options, type, coreType };
}

function checkAsync(place: Place, options: CanonicalOptions, type: ComponentFunctionType): void {
  if (options.isAsync && !type.isAsync) {
    throw place.validation.invalid(`the option async is given for ${printType(type)}, wanted an async function`);
  }
}

function readResourceBuiltin(place: Place, code: 0x02 | 0x03 | 0x04): Definition {
  const { resource } = readResource(place);
  const definition = resourceBuiltin(place, resource, code);
  pushLimited(place.scope.coreFunctions, definition.coreType);
  return definition;
}

function resourceBuiltin(
  { validation }: Place,
  resource: ResourceType,
  code: 0x02 | 0x03 | 0x04,
): Definition & { readonly kind: "resource-new" | "resource-drop" | "resource-rep" } {
  if (code === 0x03) return { kind: "resource-drop", resource, coreType: coreFunction(["i32"], []) };
  const representation = resource.definition?.representation;
  if (representation === undefined) {
    throw validation.invalid(`${printType(resource)} is not defined in this component, which alone may do this`);
  }
  return code === 0x02
    ? { kind: "resource-new", resource, coreType: coreFunction([representation], ["i32"]) }
    : { kind: "resource-rep", resource, coreType: coreFunction(["i32"], [representation]) };
}
